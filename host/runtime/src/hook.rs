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
    /// What is this member's role and health?
    Probe,
    /// May the app take the next step toward its new size?
    PreScale,
    /// A pod is ready: make it a member.
    PostReady,
    /// A pod is about to be deleted: prepare for it.
    PreDelete,
    /// Move an exclusive role away from its holder.
    MoveRole,
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
    pub const ALL: [Hook; 8] = [
        Hook::Describe,
        Hook::Validate,
        Hook::MemberConfig,
        Hook::Probe,
        Hook::PreScale,
        Hook::PostReady,
        Hook::PreDelete,
        Hook::MoveRole,
    ];

    /// The name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Hook::Describe => "describe",
            Hook::Validate => "validate",
            Hook::MemberConfig => "member-config",
            Hook::Probe => "probe",
            Hook::PreScale => "pre-scale",
            Hook::PostReady => "post-ready",
            Hook::PreDelete => "pre-delete",
            Hook::MoveRole => "move-role",
        }
    }

    /// What it may do.
    pub fn kind(self) -> Kind {
        match self {
            Hook::Describe | Hook::Validate | Hook::MemberConfig => Kind::Decide,
            Hook::Probe => Kind::Probe,
            Hook::PreScale | Hook::PostReady | Hook::PreDelete | Hook::MoveRole => Kind::Act,
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
