//! One call of an act hook, and why it is made.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::DeserializeOwned;

use crate::step::Fault;

/// One call of an act hook.
///
/// The host calls at least once: after a crash, or after a failure, it repeats a call under the same [`id`](Call::id). A repeated call must
/// change nothing more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    /// Names the purpose, not the attempt.
    pub id: String,
    /// 1 at the first call under this id, then rising.
    pub attempt: u32,
    /// What the last [`again`](crate::again) under this id handed back. Read it with [`Call::checkpoint`].
    pub checkpoint: Option<Vec<u8>>,
    /// The purpose is gone (replicas were set back, say). `done` now means undone; `refuse`, that it must be carried to its end.
    pub cancelling: bool,
    /// Absolute, on the clock of [`App::now_ms`](crate::App::now_ms).
    pub deadline_ms: Option<u64>,
    /// Further key/values. Unknown keys may be ignored.
    pub extra: BTreeMap<String, String>,
}

impl Call {
    /// What the last [`again`](crate::again) under this id handed back with [`checkpoint`](crate::Pacing::checkpoint).
    pub fn checkpoint<T: DeserializeOwned>(&self) -> Result<Option<T>, Fault> {
        match &self.checkpoint {
            None => Ok(None),
            Some(bytes) if bytes.is_empty() => Ok(None),
            Some(bytes) => serde_json::from_slice(bytes).map(Some).map_err(|error| {
                Fault::Fatal(format!(
                    "the checkpoint of {} cannot be read: {error}",
                    self.id
                ))
            }),
        }
    }
}

/// Why a pod is about to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The member leaves for good: the app is scaled in.
    ScaleIn,
    /// The pod is replaced by one of a newer revision; the member comes back with its volumes.
    Update,
    /// The pod is replaced without a new revision.
    Replace,
    /// Its node is drained.
    Evict,
    /// Somebody else deleted it; it is terminating already.
    External,
    /// The app is deleted.
    Teardown,
    /// A word of a newer host.
    Other(String),
}

impl Cause {
    /// Whether the member will not come back.
    pub fn is_for_good(&self) -> bool {
        matches!(self, Cause::ScaleIn | Cause::Teardown)
    }
}

/// Why an exclusive role moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MoveCause {
    /// A user asked for a switchover.
    Planned,
    /// The holder leaves for good.
    Leaving,
    /// The holder's pod is replaced.
    Update,
    /// The holder failed.
    Failed,
    /// A word of a newer host.
    Other(String),
}

impl fmt::Display for MoveCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MoveCause::Planned => "planned",
            MoveCause::Leaving => "leaving",
            MoveCause::Update => "update",
            MoveCause::Failed => "failed",
            MoveCause::Other(word) => word,
        })
    }
}
