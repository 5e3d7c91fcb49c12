//! What the planner sees: small projections of the observed objects, the answers of decide hooks, and the journal of act hooks.
//!
//! Everything here is plain data and serialises, so that a world can be saved, shown and planned offline.

mod wishes;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Deref, DerefMut};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::journal::{Act, Cause, Invocation, InvocationId};
use crate::rulings;
use crate::shared::Shared;
use crate::spec::{Selector, Spec};
use crate::status::Status;
use crate::texts::Texts;

pub use wishes::{
    LONGEST_ARGUMENTS, RulingWish, Switchover, TaskWish, Verb, Wish, WishError, Wishes,
};

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
    pub claims: Vec<Shared<Claim>>,
    /// The status as it stands in the API.
    pub recorded: Shared<Status>,
    #[serde(default)]
    pub budgets: Budgets,
    pub plugin: Plugin,
    pub answers: Answers,
    /// Every live invocation, the recorded ones overlaid with what happened since.
    pub journal: BTreeMap<InvocationId, Invocation>,
}

impl World {
    /// Until when the invocation is to be done: the user's deadline, or the end of the grace period of a pod that somebody else deletes.
    pub fn deadline_of(&self, invocation: &Invocation) -> Option<Timestamp> {
        if let Act::PreDelete {
            pod,
            cause: Cause::External,
            ..
        } = &invocation.act
        {
            let pod = self.pods.iter().find(|known| known.uid == *pod)?;
            return pod.deletion;
        }
        let (end, _) = rulings::deadline(self, invocation)?;
        Some(end)
    }
}

/// Which kind of object the app is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Face {
    StatefulApp,
    StatefulSet,
}

impl Face {
    /// The kind of the object.
    pub fn kind(self) -> &'static str {
        match self {
            Face::StatefulApp => "StatefulApp",
            Face::StatefulSet => "StatefulSet",
        }
    }

    /// The group and version under which the object is served.
    pub fn api_version(self) -> &'static str {
        match self {
            Face::StatefulApp => "stateward.dev/v1alpha1",
            Face::StatefulSet => "apps/v1",
        }
    }
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
    pub spec: Shared<Spec>,
    /// A switchover that a user asked for and that is not yet recorded as ended.
    pub switchover: Option<Switchover>,
    /// What else users ask for.
    #[serde(default)]
    pub wishes: Wishes,
    /// Whether the end of the app waits for an ordered teardown.
    #[serde(default)]
    pub hold: Hold,
}

/// Whether the end of the app waits for an ordered teardown. It does while our finalizer stands on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "hold")]
pub enum Hold {
    /// Our finalizer is not there.
    #[default]
    None,
    Held,
    /// It is there, and the way in which the app is deleted leaves no time for it: the reason, for people.
    Void {
        why: String,
    },
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
    pub labels: Texts,
    /// `.data` as stored.
    pub data: Shared<Value>,
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
    #[serde(flatten)]
    pub facts: Shared<PodFacts>,
    /// What the last probe saw, and since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
    /// Its node is cordoned, or about to be removed.
    #[serde(default)]
    pub is_evicted: bool,
}

impl Deref for Pod {
    type Target = PodFacts;

    fn deref(&self) -> &PodFacts {
        &self.facts
    }
}

impl DerefMut for Pod {
    fn deref_mut(&mut self) -> &mut PodFacts {
        &mut self.facts
    }
}

/// What the API says of a pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodFacts {
    pub name: String,
    pub uid: String,
    pub labels: Texts,
    pub annotations: Texts,
    /// Members of one app have theirs in common.
    pub owners: Shared<Vec<OwnerReference>>,
    pub created: Timestamp,
    pub deletion: Option<Timestamp>,
    pub phase: PodPhase,
    /// Since when the pod's Ready condition is true.
    pub ready_since: Option<Timestamp>,
    /// Restarts of its containers, summed up.
    pub restarts: u32,
    /// It has been Ready at some time.
    #[serde(default)]
    pub was_ready: bool,
    pub node: Option<String>,
    pub address: Option<String>,
    /// Names of the claims that its volumes use, by volume name.
    pub claims: Texts,
    /// In Kubernetes' words, why a pending pod does not start: the message of the condition or container state that says so.
    pub hindrance: Option<String>,
    /// The readiness gate that holds until `post-ready` is done, where the template has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<ReadinessGate>,
}

impl OwnerReference {
    /// The one of them that controls what they own.
    pub fn controlling(owners: &[OwnerReference]) -> Option<&OwnerReference> {
        owners.iter().find(|owner| owner.controller)
    }
}

impl PodFacts {
    pub(crate) fn controller(&self) -> Option<&OwnerReference> {
        OwnerReference::controlling(&self.owners)
    }
}

/// What the probes of one pod saw.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// When the last one looked.
    pub at: Timestamp,
    /// Since when it is not useful; none while it is.
    pub unwell_since: Option<Timestamp>,
    /// The role that the member said it has.
    pub role: Option<String>,
    /// Tasks that should run.
    pub wants: Vec<String>,
}

/// The readiness gate `stateward.dev/joined`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadinessGate {
    /// Its condition is true.
    pub is_open: bool,
    /// All containers are ready, whatever the gates say.
    pub are_containers_ready: bool,
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
    /// `spec.resources.requests.storage`, a quantity.
    #[serde(default)]
    pub requested: Option<String>,
    /// `status.capacity.storage`, a quantity.
    #[serde(default)]
    pub capacity: Option<String>,
    /// In Kubernetes' words, how far its growth is or what keeps it: the condition that says so.
    #[serde(default)]
    pub growth: Option<String>,
}

/// What is known of the disruption budgets of the app's namespace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "known")]
pub enum Budgets {
    /// Nobody looks: nothing is done about drains, and nothing said.
    #[default]
    NotLooked,
    /// They, or the nodes, cannot be read.
    Unreadable {
        why: String,
    },
    Seen {
        budgets: Vec<Budget>,
    },
}

/// A PodDisruptionBudget.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Budget {
    pub name: String,
    pub uid: String,
    /// UID of the controlling owner.
    pub owner: Option<String>,
    /// None selects nothing, an empty one everything.
    pub selector: Option<Selector>,
    pub is_terminating: bool,
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
    /// `pre-scale` of several steps of one Parallel scale may run beside each other.
    #[serde(default)]
    pub pre_scale_overlaps: bool,
    /// A failover cuts a call of another hook short.
    #[serde(default)]
    pub failover_interrupts: bool,
    #[serde(default)]
    pub tasks: Vec<Task>,
}

/// A job that the plugin knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    pub name: String,
    /// Runs after each finished scale.
    pub after_scale: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    pub name: String,
    pub exclusive: bool,
    pub movable: bool,
    /// Its holder has failed when it was unwell for so long.
    #[serde(default)]
    pub grace_seconds: u32,
}

/// Answers of decide hooks, each asked on the present snapshot. What is missing was not asked yet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Answers {
    /// What `validate` said of the present generation.
    pub validate: Option<Verdict>,
    /// What `member-config` said, by ordinal.
    pub member_config: BTreeMap<u32, MemberConfig>,
    /// What `update-order` said of the present rollout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_order: Option<UpdateOrder>,
    /// What the API server said of the present template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
}

/// Whether the API server makes the same of two templates that are written differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// UID of the revision whose template was compared.
    pub revision: String,
    /// The digest of the app's template.
    pub digest: String,
    pub is_same: bool,
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

/// The order in which members are updated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "answer")]
pub enum UpdateOrder {
    /// All wanted ordinals, first to last.
    Ordinals { ordinals: Vec<u32> },
    /// The hook failed, or gave no permutation: the usual order holds. Asked again when something changes.
    Unusable,
}
