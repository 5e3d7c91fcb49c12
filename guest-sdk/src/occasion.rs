//! What an act hook is called for: one type per hook, with all that it is told.
//!
//! | hook | told |
//! |---|---|
//! | `pre_scale` | [`Scaling`] |
//! | `post_ready` | [`Joining`], which is the member that joins |
//! | `pre_delete` | [`Leaving`], which is the member that leaves |
//! | `post_delete` | [`Left`] |
//! | `move_role` | [`Moving`] |
//! | `task` | [`Task`] |
//!
//! Each has its `call` (id, attempt, checkpoint) and its `app`.

use std::ops::Deref;

use serde::de::DeserializeOwned;

use crate::app::{App, Claim};
use crate::call::{Call, Cause, MoveCause};
use crate::member::Member;
use crate::step::Fault;

/// The app is about to take the next step toward its new size: from `app.current` members to `app.target`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scaling {
    /// This call.
    pub call: Call,
    /// The app.
    pub app: App,
}

impl Scaling {
    /// Whether members are to be added.
    pub fn is_out(&self) -> bool {
        self.app.target > self.app.current
    }

    /// Whether members are to leave.
    pub fn is_in(&self) -> bool {
        self.app.target < self.app.current
    }
}

/// A member whose pod is ready for the first time, or again after a container restarted. It is that [`Member`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Joining {
    /// This call.
    pub call: Call,
    /// The app.
    pub app: App,
    /// The member.
    pub member: Member,
}

impl Deref for Joining {
    type Target = Member;

    fn deref(&self) -> &Member {
        &self.member
    }
}

/// A member whose pod is about to go. It is that [`Member`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// This call.
    pub call: Call,
    /// The app.
    pub app: App,
    /// The member.
    pub member: Member,
    /// Why its pod goes.
    pub why: Cause,
}

impl Leaving {
    /// Whether the member will not come back. After an update, a drain or a deletion by somebody else it does, with its volumes.
    pub fn for_good(&self) -> bool {
        self.why.is_for_good()
    }
}

impl Deref for Leaving {
    type Target = Member;

    fn deref(&self) -> &Member {
        &self.member
    }
}

/// The pod of a member that left for good is gone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// This call.
    pub call: Call,
    /// The app.
    pub app: App,
    /// The ordinal that the member had.
    pub ordinal: u32,
    /// UID of the pod that it had last.
    pub was: String,
}

/// An exclusive role is to move away from its holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moving {
    /// This call.
    pub call: Call,
    /// The app.
    pub app: App,
    /// Who holds the role.
    pub held: Claim,
    /// Why it moves.
    pub why: MoveCause,
    /// The member that is to have it; none: the plugin chooses.
    pub target: Option<u32>,
}

/// A job of the manifest, see [`Manifest::task`](crate::Manifest::task).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Task {
    /// This call.
    pub call: Call,
    /// The app.
    pub app: App,
    /// Its name in the manifest.
    pub name: String,
    /// The member whose probe wanted it, or whom the user named.
    pub member: Option<u32>,
    /// What the user gave, JSON. Read it with [`Task::arguments`].
    pub arguments: String,
}

impl Task {
    /// What the user gave, read into a type of the plugin's own. Without arguments it reads `{}`.
    pub fn arguments<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let text = match self.arguments.trim() {
            "" | "null" => "{}",
            text => text,
        };
        serde_json::from_str(text).map_err(|error| {
            let name = &self.name;
            Fault::Fatal(format!(
                "the arguments of task {name} cannot be read: {error}"
            ))
        })
    }
}
