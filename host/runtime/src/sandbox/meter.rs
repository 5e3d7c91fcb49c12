//! Time, calls and bytes of one call.
//!
//! The epoch moves every [`TICK`](crate::ticker::TICK) while calls run; a guest that computes is interrupted at each tick and yields. What counts as its
//! computing is the time since it was last resumed, at most one tick at a time: it is not charged for waiting inside the host, nor for waiting until the
//! executor resumes it.

use std::time::Duration;

use tokio::time::Instant;

use crate::limits::Limits;
use crate::ticker::TICK;
use crate::usage::Usage;

/// The host ends the call; a trap with a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    #[error("{interface}.{function} is not for hooks of this kind")]
    Impure { interface: String, function: String },
    #[error("{0}")]
    Hostcalls(String),
    #[error("computed for too long")]
    Cpu,
}

/// Time, calls and bytes of one call.
pub(crate) struct Meter {
    started: Instant,
    deadline: Instant,
    /// When the guest was last resumed.
    resumed: Instant,
    max_cpu: Duration,
    max_calls: u32,
    max_bytes: u64,
    used: Usage,
}

impl Meter {
    pub(crate) fn new(limits: &Limits) -> Meter {
        let now = Instant::now();
        Meter {
            started: now,
            deadline: now + limits.wall,
            resumed: now,
            max_cpu: limits.cpu,
            max_calls: limits.hostcalls,
            max_bytes: limits.hostcall_bytes,
            used: Usage::default(),
        }
    }

    /// The guest called the host.
    pub(crate) fn enter(&mut self) -> Result<(), Stop> {
        self.used.host_calls = self.used.host_calls.saturating_add(1);
        if self.used.host_calls > self.max_calls {
            return Err(Stop::Hostcalls(format!(
                "more than {} calls of host functions",
                self.max_calls
            )));
        }
        self.charge()
    }

    /// The host returns to the guest after waiting.
    pub(crate) fn resume(&mut self) {
        self.resumed = Instant::now();
    }

    /// Charges the guest for computing since it was resumed.
    pub(crate) fn charge(&mut self) -> Result<(), Stop> {
        let now = Instant::now();
        self.used.cpu += (now - self.resumed).min(TICK);
        self.resumed = now;
        if self.used.cpu > self.max_cpu {
            Err(Stop::Cpu)
        } else {
            Ok(())
        }
    }

    /// How many bytes may go through the host in one call.
    pub(crate) fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    /// Whether so many bytes may still go through the host.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.used.bytes.saturating_add(bytes as u64) <= self.max_bytes
    }

    /// How many bytes may still go through the host, at most `wanted`.
    pub(crate) fn room(&self, wanted: usize) -> usize {
        let left = self.max_bytes.saturating_sub(self.used.bytes);
        usize::try_from(left).unwrap_or(usize::MAX).min(wanted)
    }

    pub(crate) fn add_bytes(&mut self, bytes: usize) {
        self.used.bytes = self.used.bytes.saturating_add(bytes as u64);
    }

    /// A connection was opened; so many are open with it.
    pub(crate) fn add_connection(&mut self, open: u32) {
        self.used.connections = self.used.connections.saturating_add(1);
        self.used.connections_peak = self.used.connections_peak.max(open);
    }

    /// Counts a log line; how many there are now.
    pub(crate) fn add_log_line(&mut self) -> u32 {
        self.used.log_lines = self.used.log_lines.saturating_add(1);
        self.used.log_lines
    }

    /// So many bytes of its answer are kept.
    pub(crate) fn answered(&mut self, bytes: usize) {
        self.used.answer_bytes = bytes;
    }

    /// Its answer has a checkpoint of so many bytes.
    pub(crate) fn checkpointed(&mut self, bytes: usize) {
        self.used.checkpoint_bytes = bytes;
    }

    /// What is left of the call's time.
    pub(crate) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// The timeout that a plugin asked for, no longer than what is left of the call.
    pub(crate) fn clip(&self, timeout_ms: u32) -> Duration {
        Duration::from_millis(timeout_ms.into()).min(self.left())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn usage(&self) -> Usage {
        Usage {
            wall: self.elapsed(),
            ..self.used
        }
    }
}
