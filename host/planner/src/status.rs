//! The status of an app: upstream's fields, and ours (written in the StatefulApp face only).

mod conditions;
mod counting;
mod drawing;
mod worth;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::journal::Invocation;
use crate::waiting::Waiting;

pub(crate) use drawing::draw_up;

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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub invocations: Vec<Invocation>,
    /// The plugin's `state`, by key.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub state: BTreeMap<String, StateEntry>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    #[serde(rename = "type")]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    pub reason: String,
    pub message: String,
    pub last_transition_time: Timestamp,
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
}

/// A scale toward a target. Its number is part of the ids of `pre-scale`, and rises once per new target before the first call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scale {
    pub number: u64,
    pub target: u32,
    pub start: u32,
    /// Ordinals that existed all at once at some time and were wanted ever since: recreating one of them is healing, not scaling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<Ordinals>,
}

/// The ordinals `start`, `start + 1` … of so many replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ordinals {
    pub replicas: u32,
    pub start: u32,
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
