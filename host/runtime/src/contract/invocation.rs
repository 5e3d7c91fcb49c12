//! One call of an act hook, and what for.

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

use super::app::Extra;
use crate::hook::Hook;

/// One call of an act hook.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower,
)]
#[component(record)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Names the purpose, not the attempt: a repeated call under the same id must change nothing more.
    pub id: String,
    /// 1 at the first call under this id, then rising.
    pub attempt: u32,
    /// What the last `in-progress` answer under this id handed back.
    pub checkpoint: Option<Vec<u8>>,
    /// The purpose is gone; `done` now means undone.
    pub cancelling: bool,
    /// Absolute, on the clock of [`App::now_ms`](crate::App::now_ms).
    #[component(name = "deadline-ms")]
    pub deadline_ms: Option<u64>,
    /// Further key/values.
    #[serde(default)]
    pub extra: Extra,
}

/// Which act hook is called, about what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// May the app take the next step toward its new size?
    PreScale,
    /// A pod is ready: make it a member.
    PostReady {
        /// The member.
        ordinal: u32,
    },
    /// A pod is about to be deleted: prepare for it.
    PreDelete {
        /// The member.
        ordinal: u32,
        /// Why it goes.
        cause: Cause,
    },
    /// Move an exclusive role away from its holder. The snapshot holds the claim that is moved.
    MoveRole {
        /// The role.
        role: String,
        /// Why it moves.
        cause: MoveCause,
        /// The member that is to hold it; none: the plugin chooses.
        target: Option<u32>,
    },
    /// The pod of a member that left for good is gone: tidy up after it.
    PostDelete {
        /// The ordinal that it had.
        ordinal: u32,
        /// UID of the pod that is gone.
        was: String,
    },
    /// A job that the manifest names.
    Task {
        /// Its name.
        name: String,
        /// The member that it is about.
        member: Option<u32>,
        /// What the user gave.
        arguments: String,
    },
}

/// Why a pod is about to go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[component(variant)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The member leaves for good: the app is scaled in.
    #[component(name = "scale-in")]
    ScaleIn,
    /// The pod is replaced by one of a newer revision.
    #[component(name = "update")]
    Update,
    /// The pod is replaced without a new revision.
    #[component(name = "replace")]
    Replace,
    /// Its node is drained.
    #[component(name = "evict")]
    Evict,
    /// Somebody else deleted it; it is terminating already.
    #[component(name = "external")]
    External,
    /// The app is deleted.
    #[component(name = "teardown")]
    Teardown,
    /// Something that a later host knows.
    #[component(name = "other")]
    Other(String),
}

/// Why an exclusive role moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[component(variant)]
#[serde(rename_all = "kebab-case")]
pub enum MoveCause {
    /// A user asked for a switchover.
    #[component(name = "planned")]
    Planned,
    /// The holder leaves for good.
    #[component(name = "leaving")]
    Leaving,
    /// The holder's pod is replaced.
    #[component(name = "update")]
    Update,
    /// The holder failed.
    #[component(name = "failed")]
    Failed,
    /// Something that a later host knows.
    #[component(name = "other")]
    Other(String),
}

impl Act {
    /// The hook that is called for it.
    pub fn hook(&self) -> Hook {
        match self {
            Act::PreScale => Hook::PreScale,
            Act::PostReady { .. } => Hook::PostReady,
            Act::PreDelete { .. } => Hook::PreDelete,
            Act::MoveRole { .. } => Hook::MoveRole,
            Act::PostDelete { .. } => Hook::PostDelete,
            Act::Task { .. } => Hook::Task,
        }
    }
}
