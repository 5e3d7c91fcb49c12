//! What a plugin did, for tests to look at.

use crate::host::{Level, Weight};

/// One thing that a plugin did.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// It wrote a log line.
    Log(Level, String),
    /// It emitted an event: weight, reason, note.
    Event(Weight, String, String),
    /// It dialled a pod on a port.
    Dial(String, String),
    /// It agreed on TLS on an open connection to a pod.
    StartTls(String),
    /// It sent a request to a pod: pod, method, path.
    Http(String, String, String),
    /// It ran a program in a pod.
    Exec(String, Vec<String>),
    /// It started a program in a pod under a key.
    Started(String, String, Vec<String>),
    /// It asked what became of the program of a pod and key.
    Polled(String, String),
    /// It read the secret of a slot.
    Secret(String),
    /// It read the configuration of a slot.
    Config(String),
    /// It set or raised a metric of a member or of the app.
    Metric(String, Option<u32>, f64),
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
    /// See [`Host::delete_pod`](crate::Host::delete_pod).
    DeletePod {
        /// The pod.
        pod: String,
        /// What people are told.
        why: String,
    },
    /// See [`Host::discard_volumes`](crate::Host::discard_volumes).
    DiscardVolumes {
        /// The member.
        ordinal: u32,
        /// UIDs of its claims.
        claims: Vec<String>,
        /// What people are told.
        why: String,
    },
    /// See [`Host::quarantine`](crate::Host::quarantine).
    Quarantine {
        /// The member.
        ordinal: u32,
        /// What people are told.
        why: String,
    },
}

impl Request {
    /// The role that it is about, and the epoch that it follows.
    pub(super) fn role(&self) -> Option<(&str, u64)> {
        match self {
            Request::ClaimRole {
                role, after_epoch, ..
            }
            | Request::ReleaseRole { role, after_epoch } => Some((role, *after_epoch)),
            Request::DeletePod { .. }
            | Request::DiscardVolumes { .. }
            | Request::Quarantine { .. } => None,
        }
    }
}
