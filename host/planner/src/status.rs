//! The status of an app: upstream's fields, and ours (written in the StatefulApp face only).

mod conditions;
mod counting;
mod drawing;
mod joined;
mod ordinals;
mod recreate;
mod worth;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::journal::Invocation;
use crate::shared::Shared;
use crate::waiting::Waiting;

pub(crate) use conditions::Verdict;
pub(crate) use drawing::draw_up;
pub use joined::Joined;
pub(crate) use joined::MOST as MOST_JOINED;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    pub observed_generation: i64,
    pub replicas: u32,
    pub ready_replicas: u32,
    pub available_replicas: u32,
    pub current_replicas: u32,
    pub updated_replicas: u32,
    pub current_revision: String,
    pub update_revision: String,
    pub collision_count: u32,
    pub conditions: Vec<Condition>,

    /// Label selector in string form, for the scale subresource (StatefulApp face).
    #[serde(skip_serializing_if = "String::is_empty")]
    pub selector: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Waiting>,
    /// The spec that was accepted last: what the host heals with while the present one is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleStatus>,
    /// Members whose pods keep ending.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failures>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub invocations: Vec<Invocation>,
    /// Pods that have joined and do not say so themselves.
    #[serde(skip_serializing_if = "Joined::is_empty")]
    pub joined: Shared<Joined>,
    /// The plugin's `state`, by key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub state: BTreeMap<String, StateEntry>,
    /// Members on their way out for good whose `post-delete` is not done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub departures: Vec<Departure>,
    /// What the plugin asked for and what is not done yet.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<Order>,
    /// Decisions about invocations, the newest last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rulings: Vec<Ruling>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<TaskStatus>,
    /// The last invocations that ended, for people. Written along with something that matters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<EndedInvocation>,
}

/// An invocation that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndedInvocation {
    pub invocation: crate::journal::InvocationId,
    pub started: Timestamp,
    pub ended: Timestamp,
    /// Calls that it took.
    pub attempts: u32,
    /// `Done`, `Undone`, `Fatal`.
    pub result: String,
}

/// A member that leaves for good: recorded before its pod is deleted, until the plugin tidied up after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Departure {
    pub ordinal: u32,
    pub pod: String,
}

/// Something that a hook asked for with its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    tag = "order"
)]
pub enum Order {
    /// This pod is replaced.
    Replace {
        ordinal: u32,
        pod: String,
        why: String,
    },
    /// The claims of this member are deleted, so that it comes back empty.
    Discard {
        ordinal: u32,
        /// UIDs of the claims.
        claims: Vec<String>,
        why: String,
    },
    /// This member is not started again until a user releases it.
    Quarantine { ordinal: u32, why: String },
}

/// A decision about an invocation, by a user or by a deadline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ruling {
    /// The wish that it fulfils; none for a deadline's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    pub invocation: crate::journal::InvocationId,
    pub verb: crate::world::Verb,
    pub by: String,
    pub reason: String,
    pub at: Timestamp,
    /// Generation of the app's spec then: an abort holds for it.
    pub generation: i64,
    /// `Taken`, or why it was not: `NoSuchInvocation`, `NotAllowed`, `AlreadyDone`, `AlreadySkipped`.
    pub result: String,
}

/// Runs of one task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskStatus {
    pub name: String,
    /// Runs begun so far; part of the ids of `task`.
    pub runs: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<TaskRun>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<EndedRun>,
    /// The scale number that it ran after last.
    #[serde(default)]
    pub after_scale: u64,
}

/// A run begun: recorded before its first call, so that its id is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskRun {
    pub number: u64,
    pub origin: Origin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<u32>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub arguments: String,
}

/// What started a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "by")]
pub enum Origin {
    User {
        request: String,
    },
    /// A probe's `wants`.
    Probe,
    /// A finished scale.
    Scale {
        number: u64,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndedRun {
    /// 0 when it was never begun.
    pub number: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// `Done`, `Refused`, `Failed`, `Skipped`, `Aborted`.
    pub result: String,
    pub message: String,
    pub at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    #[serde(rename = "type")]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    // In a StatefulSet's status others write conditions too, and only type and status are required.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Null where somebody else wrote none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_transition_time: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    pub generation: i64,
    pub replicas: u32,
    pub start: u32,
    /// The hooks that the plugin had: what healing must wait for while it is away.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub hooks: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub reserved: BTreeSet<u32>,
}

impl Accepted {
    pub fn ordinals(&self) -> Ordinals {
        Ordinals {
            replicas: self.replicas,
            start: self.start,
            reserved: self.reserved.clone(),
        }
    }
}

/// A scale toward a target. Its number is part of the ids of `pre-scale`, and rises once per new target before the first call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scale {
    pub number: u64,
    pub target: u32,
    pub start: u32,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub reserved: BTreeSet<u32>,
    /// Ordinals that existed all at once at some time and were wanted ever since: recreating one of them is healing, not scaling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<Ordinals>,
}

/// The ordinals `start`, `start + 1` … of so many replicas.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ordinals {
    pub replicas: u32,
    pub start: u32,
    /// Left out: the ordinals behind them take their places.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub reserved: BTreeSet<u32>,
}

/// Pods of one ordinal that ended, one after another, without the member becoming available in between.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failures {
    pub ordinal: u32,
    /// UID of the last of them.
    pub pod: String,
    pub count: u32,
    /// When the last of them was seen.
    pub last: Timestamp,
}

/// An exclusive role: who holds it and how it moves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleStatus {
    pub name: String,
    /// None: released, or never claimed (epoch 0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
    /// Rises with each claim and release.
    pub epoch: u64,
    /// Moves begun so far; part of the ids of `move-role`.
    #[serde(default)]
    pub moves: u64,
    /// The move under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moving: Option<Moving>,
    /// The last switchover wish that ended, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_request: Option<EndedRequest>,
}

impl RoleStatus {
    /// A role that nobody ever claimed.
    pub fn unclaimed(name: &str) -> RoleStatus {
        RoleStatus {
            name: name.to_owned(),
            holder: None,
            epoch: 0,
            moves: 0,
            moving: None,
            last_request: None,
        }
    }

    /// A move has claimed it for another member and did not say that it is done.
    pub(crate) fn is_between_holders(&self) -> bool {
        self.moving
            .as_ref()
            .is_some_and(|moving| self.epoch > moving.epoch)
    }

    /// Where a move brought it, for people.
    pub(crate) fn moved(&self) -> String {
        match &self.holder {
            Some(holder) => format!("role {} moved to ordinal {}", self.name, holder.ordinal),
            None => format!("role {} has no holder now", self.name),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    pub ordinal: u32,
    pub pod: String,
}

/// A move begun: recorded before its first call, so that its id is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Moving {
    pub number: u64,
    /// Epoch at which the move began.
    pub epoch: u64,
    pub cause: crate::journal::MoveCause,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<u32>,
    /// The switchover wish that it fulfils.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndedRequest {
    pub id: String,
    /// `Moved`, `AlreadyThere`, `Refused` …
    pub result: String,
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StateEntry {
    /// Base64.
    pub value: String,
    pub version: u64,
}
