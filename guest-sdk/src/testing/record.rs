//! What a plugin did, for tests to look at.

use crate::host::{Level, Weight};

/// One thing that a plugin did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// It wrote a log line.
    Log(Level, String),
    /// It emitted an event: weight, reason, note.
    Event(Weight, String, String),
    /// It dialled a pod on a port.
    Dial(String, String),
    /// It ran a program in a pod.
    Exec(String, Vec<String>),
    /// It read the secret of a slot.
    Secret(String),
    /// It wrote a key of `state`.
    StatePut(String, Vec<u8>),
    /// It queued a request.
    Queued(Request),
    /// Its answer was taken, and with it this request.
    Committed(Request),
    /// It was not allowed something, and which grant would allow it.
    Denied(String),
}

/// Something that a plugin asked the host to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// See [`Host::claim_role`](crate::Host::claim_role).
    ClaimRole {
        /// The role.
        role: String,
        /// The new holder's pod.
        pod: String,
        /// The epoch that the claim follows.
        after_epoch: u64,
    },
    /// See [`Host::release_role`](crate::Host::release_role).
    ReleaseRole {
        /// The role.
        role: String,
        /// The epoch of the claim that ends.
        after_epoch: u64,
    },
}

impl Request {
    pub(super) fn role(&self) -> &str {
        match self {
            Request::ClaimRole { role, .. } | Request::ReleaseRole { role, .. } => role,
        }
    }
}
