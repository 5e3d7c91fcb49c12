//! Invocations: one run of an act hook for one purpose, possibly many calls long.
//!
//! The id is derived from the purpose alone, so it is known before any effect without a write, and is the same after a restart:
//!
//! | hook         | id                                                        |
//! |--------------|-----------------------------------------------------------|
//! | `pre-scale`  | `pre-scale/<scale number>/<ordinal>`                      |
//! | `post-ready` | `post-ready/<pod uid>/<container restarts>`               |
//! | `pre-delete` | `pre-delete/<pod uid>/<cause>`                            |
//! | `post-delete` | `post-delete/<pod uid>`                                   |
//! | `move-role`  | `move-role/<role>/<epoch>/<move number>`                  |
//! | `task`       | `task/<name>/<run number>`                                |

pub mod commit;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InvocationId(pub String);

impl fmt::Display for InvocationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an act hook is called for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    tag = "hook"
)]
pub enum Act {
    /// Before the create or delete of this ordinal, toward the replica count of this scale number.
    PreScale { scale: u64, ordinal: u32 },
    PostReady {
        ordinal: u32,
        pod: String,
        restarts: u32,
    },
    PreDelete {
        ordinal: u32,
        pod: String,
        cause: Cause,
    },
    MoveRole {
        role: String,
        epoch: u64,
        number: u64,
        cause: MoveCause,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<u32>,
    },
    /// The pod of a member that left for good is gone.
    PostDelete { ordinal: u32, pod: String },
    /// A job of the manifest.
    Task {
        name: String,
        run: u64,
        /// The member that it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        member: Option<u32>,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        arguments: String,
    },
}

/// Why a pod is deleted, as hooks are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    ScaleIn,
    Update,
    Replace,
    Evict,
    External,
    Teardown,
}

/// Why a role moves, as hooks are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MoveCause {
    Planned,
    Leaving,
    Update,
    Failed,
}

impl Cause {
    /// As in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Cause::ScaleIn => "scale-in",
            Cause::Update => "update",
            Cause::Replace => "replace",
            Cause::Evict => "evict",
            Cause::External => "external",
            Cause::Teardown => "teardown",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl MoveCause {
    /// As in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            MoveCause::Planned => "planned",
            MoveCause::Leaving => "leaving",
            MoveCause::Update => "update",
            MoveCause::Failed => "failed",
        }
    }
}

impl fmt::Display for MoveCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Invocation {
    /// Something may have been done under this id that is neither finished nor undone.
    pub fn is_under_way(&self) -> bool {
        match &self.phase {
            Phase::InProgress { .. } => true,
            Phase::Done => false,
            Phase::Calling
            | Phase::Refused { .. }
            | Phase::Failing { .. }
            | Phase::Fatal { .. } => self.checkpoint.is_some(),
        }
    }

    /// The purpose is reached, and was not undone since.
    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done && !self.cancelling
    }

    /// What was begun under this id is undone.
    pub fn is_undone(&self) -> bool {
        self.phase == Phase::Done && self.cancelling
    }
}

impl Act {
    /// The id of the invocation for this purpose.
    pub fn id(&self) -> InvocationId {
        InvocationId(match self {
            Act::PreScale { scale, ordinal } => format!("pre-scale/{scale}/{ordinal}"),
            Act::PostReady { pod, restarts, .. } => format!("post-ready/{pod}/{restarts}"),
            Act::PreDelete { pod, cause, .. } => format!("pre-delete/{pod}/{cause}"),
            Act::MoveRole {
                role,
                epoch,
                number,
                ..
            } => format!("move-role/{role}/{epoch}/{number}"),
            Act::PostDelete { pod, .. } => format!("post-delete/{pod}"),
            Act::Task { name, run, .. } => format!("task/{name}/{run}"),
        })
    }

    /// The name of the hook, as in the contract.
    pub fn hook(&self) -> &'static str {
        match self {
            Act::PreScale { .. } => "pre-scale",
            Act::PostReady { .. } => "post-ready",
            Act::PreDelete { .. } => "pre-delete",
            Act::MoveRole { .. } => "move-role",
            Act::PostDelete { .. } => "post-delete",
            Act::Task { .. } => "task",
        }
    }
}

impl Phase {
    /// The phase of one that is to be called again now, whatever its last answer was; none while a call is in flight, and when it is done.
    pub fn retried(&self, now: Timestamp) -> Option<Phase> {
        let mut retried = match self {
            Phase::Calling | Phase::Done => return None,
            Phase::Fatal { message, .. } => Phase::Refused {
                reason: message.clone(),
                since: now,
                ask_again: now,
            },
            Phase::InProgress { .. } | Phase::Refused { .. } | Phase::Failing { .. } => {
                self.clone()
            }
        };
        if let Phase::InProgress { ask_again, .. }
        | Phase::Refused { ask_again, .. }
        | Phase::Failing { ask_again, .. } = &mut retried
        {
            *ask_again = now;
        }
        Some(retried)
    }
}

/// One invocation as it stands. Kept in the app's status while it is under way, in memory otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Invocation {
    pub id: InvocationId,
    #[serde(flatten)]
    pub act: Act,
    pub started: Timestamp,
    /// Calls made so far under this id.
    pub attempts: u32,
    /// Base64, handed to the next call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    pub phase: Phase,
    /// The last call was made with `cancelling`: `Done` then means undone.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cancelling: bool,
    /// Digest of the plugin's version that answered the last call: what is under way ends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The phase and checkpoint stand in the API's status.
    #[serde(skip)]
    pub is_recorded: bool,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde asks for"
)]
fn is_false(value: &bool) -> bool {
    !value
}

/// How far an invocation is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    tag = "phase"
)]
pub enum Phase {
    /// A call is in flight.
    Calling,
    InProgress {
        ask_again: Timestamp,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        percent: Option<u8>,
        message: String,
    },
    Done,
    /// Not now. Asked again when generation, role or health changes, or at `ask_again`.
    Refused {
        reason: String,
        since: Timestamp,
        ask_again: Timestamp,
    },
    /// The call failed (`reason` is the stable reason, `message` for people); tried again with backoff.
    Failing {
        reason: String,
        message: String,
        failures: u32,
        ask_again: Timestamp,
    },
    /// The plugin said that trying again is useless until the spec or the plugin changes.
    Fatal {
        message: String,
        generation: i64,
        digest: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::now;

    #[test]
    fn what_is_retried_is_due_now_whatever_it_last_said() {
        let later = now() + jiff::SignedDuration::from_secs(60);
        let refused = Phase::Refused {
            reason: "the disk is full".to_owned(),
            since: now(),
            ask_again: now(),
        };
        let fatal = Phase::Fatal {
            message: "the disk is full".to_owned(),
            generation: 1,
            digest: "sha256:1".to_owned(),
        };
        assert_eq!(fatal.retried(now()), Some(refused));
        let in_progress = |ask_again| Phase::InProgress {
            ask_again,
            percent: Some(5),
            message: "copying".to_owned(),
        };
        assert_eq!(in_progress(later).retried(now()), Some(in_progress(now())));
        assert_eq!(Phase::Calling.retried(now()), None);
        assert_eq!(Phase::Done.retried(now()), None);
    }
}
