//! What the planner sees: small projections of the observed objects, the answers of decide hooks, and the journal of act hooks.
//!
//! Everything here is plain data and serialises, so that a world can be saved, shown and planned offline.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::journal::{Invocation, InvocationId};
use crate::spec::Spec;
use crate::status::Status;

/// One app and everything that a plan for it depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct World {
    pub app: App,
    /// Controller revisions that the app owns or may adopt.
    pub revisions: Vec<Revision>,
    /// Pods that the app owns, and ownerless ones whose name fits.
    pub pods: Vec<Pod>,
    /// Claims (PVCs) whose name fits one of the claim templates.
    pub claims: Vec<Claim>,
    /// The status as it stands in the API.
    pub recorded: Status,
    pub plugin: Plugin,
    pub answers: Answers,
    /// Every live invocation, the recorded ones overlaid with what happened since.
    pub journal: BTreeMap<InvocationId, Invocation>,
}

/// Which kind of object the app is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Face {
    StatefulApp,
    StatefulSet,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct App {
    pub face: Face,
    pub namespace: String,
    pub name: String,
    pub uid: String,
    pub generation: i64,
    /// Set while the app is being deleted: status is still kept, nothing else is touched.
    pub deletion: Option<Timestamp>,
    /// Copied to the revisions made from it, as upstream does.
    pub annotations: BTreeMap<String, String>,
    pub spec: Spec,
    /// A switchover that a user asked for and that is not yet recorded as ended.
    pub switchover: Option<Switchover>,
}

/// A user's wish to move a role. Written as the annotation `stateward.dev/switchover`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Switchover {
    /// Chosen by who asks; recorded in the role's `last_request` when it ended, so that a wish is fulfilled once.
    pub id: String,
    pub role: String,
    pub target: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revision {
    pub name: String,
    pub uid: String,
    /// The number that orders revisions.
    pub number: i64,
    pub created: Timestamp,
    /// UID of the controlling owner; none when nobody owns it.
    pub owner: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// `.data` as stored.
    pub data: Value,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnerReference {
    pub api_version: String,
    pub kind: String,
    pub name: String,
    pub uid: String,
    pub controller: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PodPhase {
    Pending,
    Running,
    Succeeded,
    Failed,
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pod {
    pub name: String,
    pub uid: String,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub owners: Vec<OwnerReference>,
    pub created: Timestamp,
    pub deletion: Option<Timestamp>,
    pub phase: PodPhase,
    /// Since when the pod's Ready condition is true.
    pub ready_since: Option<Timestamp>,
    /// Restarts of its containers, summed up.
    pub restarts: u32,
    pub node: Option<String>,
    pub address: Option<String>,
    /// Names of the claims that its volumes use, by volume name.
    pub claims: BTreeMap<String, String>,
    /// In Kubernetes' words, why a pending pod does not start: the message of the condition or container state that says so.
    pub hindrance: Option<String>,
}

/// A PersistentVolumeClaim.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    pub name: String,
    pub uid: String,
    pub owners: Vec<OwnerReference>,
    pub deletion: Option<Timestamp>,
    pub is_bound: bool,
}

/// The app's plugin, as far as plans depend on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum Plugin {
    /// The app names none.
    None,
    /// The app names one that cannot serve it now.
    Unavailable {
        name: String,
        reason: String,
        message: String,
    },
    Ready(ReadyPlugin),
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadyPlugin {
    pub name: String,
    pub digest: String,
    /// Names of the hooks that it exports, as in the contract: `pre-scale`, `post-ready` …
    pub hooks: BTreeSet<String>,
    pub roles: Vec<Role>,
    /// `post-ready` of one member may run beside another act invocation.
    pub post_ready_overlaps: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    pub name: String,
    pub exclusive: bool,
    pub movable: bool,
}

/// Answers of decide hooks, each asked on the present snapshot. What is missing was not asked yet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Answers {
    /// What `validate` said of the present generation.
    pub validate: Option<Verdict>,
    /// What `member-config` said, by ordinal.
    pub member_config: BTreeMap<u32, MemberConfig>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "verdict")]
pub enum Verdict {
    Accepted,
    /// The plugin found something that blocks; `message` says what and what to do.
    Refused {
        message: String,
    },
    /// The hook failed; asked again at `ask_again`.
    Failed {
        reason: String,
        message: String,
        ask_again: Timestamp,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "answer")]
pub enum MemberConfig {
    /// To be kept as annotations `config.stateward.dev/<key>`.
    Values { values: BTreeMap<String, String> },
    Failed {
        reason: String,
        message: String,
        ask_again: Timestamp,
    },
}
