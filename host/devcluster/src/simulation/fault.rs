//! What may go wrong, and how it is told.

use std::fmt;
use std::time::Duration;

/// One thing that goes wrong. Requests and watches are counted from 1, each kind on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A write, or a program started in a pod.
    Write {
        /// Which one.
        nth: u32,
        /// What happens to it.
        how: WriteFault,
    },
    /// A read of one object is refused with this status code.
    Get {
        /// Which one.
        nth: u32,
        /// The status code.
        code: u16,
    },
    /// A list shows what was, this many writes ago.
    StaleList {
        /// Which one.
        nth: u32,
        /// How many writes it is behind.
        behind: u64,
    },
    /// A watch, after this many events.
    Watch {
        /// Which one.
        nth: u32,
        /// How many events come through before.
        after: u32,
        /// What happens to it.
        how: WatchFault,
    },
    /// Every request and every event takes up to so long.
    Slow {
        /// The longest time.
        up_to: Duration,
    },
}

/// What happens to a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteFault {
    /// It is refused with this status code; nothing is written.
    Refused(u16),
    /// It is done, and answered with a server error.
    DoneAndRefused(u16),
    /// It is done, and the connection breaks before the answer.
    DoneAndLost,
    /// The process dies, nothing is written.
    CrashBefore,
    /// It is done, and the process dies before the answer.
    CrashAfter,
}

/// What happens to a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchFault {
    /// The connection breaks.
    Cut,
    /// The server says that the version is too old: 410.
    Expired,
    /// Every further event comes so much later.
    Late(Duration),
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write { nth, how } => write!(out, "write {nth} {how}"),
            Self::Get { nth, code } => write!(out, "read {nth} is refused with {code}"),
            Self::StaleList { nth, behind } => {
                write!(out, "list {nth} shows the state {behind} writes ago")
            }
            Self::Watch { nth, after, how } => {
                write!(out, "watch {nth} {how} after {after} events")
            }
            Self::Slow { up_to } => write!(out, "everything takes up to {up_to:?}"),
        }
    }
}

impl fmt::Display for WriteFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(code) => write!(out, "is refused with {code}"),
            Self::DoneAndRefused(code) => write!(out, "is done but answered with {code}"),
            Self::DoneAndLost => out.write_str("is done but its answer is lost"),
            Self::CrashBefore => out.write_str("is never sent: the process dies"),
            Self::CrashAfter => out.write_str("is done, and the process dies"),
        }
    }
}

impl fmt::Display for WatchFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut => out.write_str("is cut"),
            Self::Expired => out.write_str("expires"),
            Self::Late(by) => write!(out, "lags by {by:?}"),
        }
    }
}
