//! What one hook call cost, and what loading did.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What one hook call cost, whether it answered or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// From the call to its answer.
    pub wall: Duration,
    /// Time spent computing inside the plugin, measured to about 10 ms.
    pub cpu: Duration,
    /// Calls of host functions.
    pub host_calls: u32,
    /// Bytes through connections, programs' input and output and random, in both directions.
    pub bytes: u64,
    /// Most linear memory and tables at a time, in bytes.
    pub memory_peak: usize,
    /// Whether it wanted more memory than its limit. A plugin may live with that.
    pub memory_denied: bool,
    /// Log lines, dropped ones included.
    pub log_lines: u32,
    /// Bytes of log lines, dropped ones included.
    pub log_bytes: usize,
    /// Connections opened.
    pub connections: u32,
    /// Most connections open at a time.
    pub connections_peak: u32,
    /// Most handles to resources held at a time: connections, and the streams and pollables of a standard library.
    pub handles_peak: u32,
    /// Events on the app.
    pub events: u32,
    /// Requests to the host, those included that went with a failed call.
    pub requests: u32,
    /// Bytes of the answer that the host keeps: checkpoint, note, texts, key/values.
    pub answer_bytes: usize,
    /// Bytes of its checkpoint alone, of one that is too large too.
    pub checkpoint_bytes: usize,
}

/// An answer, and what it cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metered<T> {
    /// The answer.
    pub answer: T,
    /// What the call used.
    pub usage: Usage,
}

/// What loading a component took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Loading {
    /// Bytes of the component.
    pub bytes: usize,
    /// From its bytes to a plugin, `describe` included.
    pub took: Duration,
    /// Whether it was compiled now; otherwise it came from the cache.
    pub compiled: bool,
}
