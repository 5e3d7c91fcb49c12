//! What one hook call may use.

use std::time::Duration;

/// What one hook call may use. Sizes are bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// From the call to its answer, all waiting for members included.
    pub wall: Duration,
    /// Time spent computing inside the plugin. Checked every 10 ms.
    pub cpu: Duration,
    /// Linear memory and tables together.
    pub memory: usize,
    /// Calls of host functions.
    pub hostcalls: u32,
    /// Bytes through connections, programs' input and output and random, in both directions.
    pub hostcall_bytes: u64,
    /// Open connections at the same time.
    pub connections: u32,
    /// Log lines; further ones are dropped, and said so.
    pub log_lines: u32,
    /// Bytes of log lines in sum.
    pub log_bytes: usize,
    /// Length of one log line.
    pub log_line: usize,
    /// Events.
    pub events: u32,
    /// Requests to the host.
    pub requests: u32,
    /// A checkpoint.
    pub checkpoint: usize,
    /// A probe's note, a message, a reason to refuse, a finding, an event's note: longer texts are cut, a longer note fails the call.
    pub text: usize,
    /// Findings, figures, config keys, wanted tasks: entries of any list in an answer.
    pub entries: usize,
    /// Key/values of `member-config`, in sum.
    pub config: usize,
    /// One value of `state`.
    pub state_value: usize,
    /// Keys of `state`.
    pub state_keys: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            wall: Duration::from_secs(30),
            cpu: Duration::from_secs(2),
            memory: 64 << 20,
            hostcalls: 10_000,
            hostcall_bytes: 16 << 20,
            connections: 64,
            log_lines: 200,
            log_bytes: 64 << 10,
            log_line: 2 << 10,
            events: 16,
            requests: 16,
            checkpoint: 2 << 10,
            text: 1 << 10,
            entries: 64,
            config: 8 << 10,
            state_value: 1 << 10,
            state_keys: 16,
        }
    }
}
