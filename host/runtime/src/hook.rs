//! The hooks that this host knows.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A function that a plugin may export and the host calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hook {
    /// What the plugin is and asks for; every plugin has it.
    Describe,
    /// Is this spec one that the plugin can serve?
    Validate,
    /// Key/values for a pod.
    MemberConfig,
    /// In which order are members to be updated?
    UpdateOrder,
    /// What is this member's role and health?
    Probe,
    /// May the app take the next step toward its new size?
    PreScale,
    /// A pod is ready: make it a member.
    PostReady,
    /// A pod is about to be deleted: prepare for it.
    PreDelete,
    /// The pod of a member that left for good is gone.
    PostDelete,
    /// Move an exclusive role away from its holder.
    MoveRole,
    /// A job that the manifest names.
    Task,
}

/// What the host lets a hook do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A pure function of the snapshot.
    Decide,
    /// Observes members, changes nothing.
    Probe,
    /// Does what was granted.
    Act,
}

impl Hook {
    /// All of them.
    pub const ALL: [Hook; 11] = [
        Hook::Describe,
        Hook::Validate,
        Hook::MemberConfig,
        Hook::UpdateOrder,
        Hook::Probe,
        Hook::PreScale,
        Hook::PostReady,
        Hook::PreDelete,
        Hook::PostDelete,
        Hook::MoveRole,
        Hook::Task,
    ];

    /// The name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Hook::Describe => "describe",
            Hook::Validate => "validate",
            Hook::MemberConfig => "member-config",
            Hook::UpdateOrder => "update-order",
            Hook::Probe => "probe",
            Hook::PreScale => "pre-scale",
            Hook::PostReady => "post-ready",
            Hook::PreDelete => "pre-delete",
            Hook::PostDelete => "post-delete",
            Hook::MoveRole => "move-role",
            Hook::Task => "task",
        }
    }

    /// What it may do.
    pub fn kind(self) -> Kind {
        match self {
            Hook::Describe | Hook::Validate | Hook::MemberConfig | Hook::UpdateOrder => {
                Kind::Decide
            }
            Hook::Probe => Kind::Probe,
            Hook::PreScale
            | Hook::PostReady
            | Hook::PreDelete
            | Hook::PostDelete
            | Hook::MoveRole
            | Hook::Task => Kind::Act,
        }
    }

    /// The hook of this name.
    pub fn named(name: &str) -> Option<Hook> {
        Hook::ALL.into_iter().find(|hook| hook.name() == name)
    }

    /// The function of its interface.
    pub(crate) fn function(self) -> &'static str {
        match self {
            Hook::Describe => "manifest",
            _ => "run",
        }
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
