//! How a capability fails.

use std::fmt;

use crate::step::Fault;

/// How a capability fails. With `?` in a hook it becomes [`Fault::Retry`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Not granted. Names the grant that would allow it.
    Denied(String),
    /// The pod was replaced under its name, or is gone.
    Replaced,
    /// It cannot be reached, and why.
    Unreachable(String),
    /// It took longer than the time given.
    Timeout,
    /// The other side closed the stream.
    Closed,
    /// TLS could not be set up.
    Tls(String),
    /// A limit of this call is used up. Names the limit.
    Budget(String),
    /// The value changed since it was read.
    Conflict,
    /// Anything else, in words.
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Denied(text) => write!(f, "not granted: {text}"),
            Failure::Replaced => f.write_str("the pod was replaced or is gone"),
            Failure::Unreachable(text) => write!(f, "unreachable: {text}"),
            Failure::Timeout => f.write_str("no answer in time"),
            Failure::Closed => f.write_str("the connection was closed"),
            Failure::Tls(text) => write!(f, "TLS: {text}"),
            Failure::Budget(text) => write!(f, "a limit of this call is used up: {text}"),
            Failure::Conflict => f.write_str("it changed since it was read"),
            Failure::Other(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for Fault {
    fn from(failure: Failure) -> Fault {
        Fault::Retry(failure.to_string())
    }
}
