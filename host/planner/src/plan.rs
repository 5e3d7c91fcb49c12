//! What to do next.

mod pod_body;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::journal::{Act, Cause, InvocationId};
use crate::status::Status;

pub use pod_body::PodBody;

/// What to do now, what to record, and when to look again at the latest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Independent of each other: they may run at the same time, and each may fail alone.
    pub steps: Vec<Step>,
    /// The whole status as it should stand, `waiting` included.
    pub status: Status,
    /// The status holds something that a later step depends on (a scale number, an allowed deletion): write it at once. Otherwise it may be coalesced.
    pub status_is_urgent: bool,
    /// Look again at this time even if nothing changes.
    pub wake_at: Option<Timestamp>,
    /// Invocations whose purpose is over: drop them from memory.
    pub forget: BTreeSet<InvocationId>,
}

/// One thing to do. Carries everything that is needed to do it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    tag = "step"
)]
pub enum Step {
    /// The whole object.
    CreateRevision {
        name: String,
        body: Value,
    },
    /// An older revision is wanted again: it becomes the newest.
    RenumberRevision {
        name: String,
        uid: String,
        number: i64,
    },
    DeleteRevision {
        name: String,
        uid: String,
    },
    /// Ask the API server for what it makes of two templates: that of a revision, and the present one.
    CompareTemplates {
        revision: String,
        uid: String,
        stored: Value,
        present: Value,
        /// The digest of the present one.
        digest: String,
    },
    /// After a live read of the app that shows the same UID and no deletion.
    AdoptRevision {
        name: String,
        uid: String,
    },
    /// After a live read, as above.
    AdoptPod {
        name: String,
        uid: String,
    },
    ReleasePod {
        name: String,
        uid: String,
    },
    /// First the claims that are missing, then the pod.
    CreatePod {
        ordinal: u32,
        name: String,
        claims: Vec<Value>,
        pod: PodBody,
        revision: String,
    },
    /// Claims that are missing for a pod that waits for them.
    CreateClaims {
        ordinal: u32,
        claims: Vec<Value>,
    },
    /// Changes who owns a claim: one reference in, others out by the UID of the owner.
    OwnClaim {
        name: String,
        uid: String,
        owner: Option<Value>,
        disowned: BTreeSet<String>,
    },
    /// The claim is to have so much storage: more than was requested so far.
    GrowClaim {
        name: String,
        uid: String,
        storage: String,
    },
    /// Always with the UID as precondition.
    DeletePod {
        ordinal: u32,
        name: String,
        uid: String,
        why: WhyDelete,
    },
    /// Labels and annotations to set on a pod (merge patch, UID as precondition). What has no value is removed.
    PatchPod {
        name: String,
        uid: String,
        labels: BTreeMap<String, Option<String>>,
        annotations: BTreeMap<String, Option<String>>,
        why: WhyPatch,
    },
    /// Tells by the readiness gate whether the pod has joined.
    SetGate {
        name: String,
        uid: String,
        is_open: bool,
    },
    /// Always with the UID as precondition.
    DeleteClaim {
        name: String,
        uid: String,
    },
    /// A disruption budget that lets nobody evict a member. The whole object.
    CreateBudget {
        name: String,
        body: Value,
    },
    /// Always with the UID as precondition.
    DeleteBudget {
        name: String,
        uid: String,
    },
    /// Our finalizer on the app: its end waits for an ordered teardown.
    HoldApp,
    /// Takes our finalizer off the app.
    ReleaseApp {
        why: WhyRelease,
    },
    /// Ends the call that is in flight under this id: a failover must not wait for it.
    Interrupt {
        id: InvocationId,
    },
    /// Ask a decide hook on the present snapshot.
    Decide {
        question: Question,
    },
    /// Call an act hook. One call per invocation is in flight at a time.
    Call {
        id: InvocationId,
        act: Act,
        cancelling: bool,
    },
}

/// Why the host deletes a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhyDelete {
    /// Out of range.
    Condemned,
    /// Of another revision than it should be.
    Outdated,
    /// Failed or Succeeded.
    Terminal,
    /// The plugin asked for it.
    Requested,
    /// Its node is drained.
    Evicted,
    /// The app is deleted.
    Teardown,
}

/// Why an app's end waits for us no longer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "why")]
pub enum WhyRelease {
    /// All members are gone, in order.
    TornDown,
    /// The app stays, and its plugin needs no teardown any more.
    NotNeeded,
    /// The way in which it is deleted leaves no time.
    Void { message: String },
}

impl WhyDelete {
    /// The cause that `pre-delete` is told; none where nothing could answer.
    pub fn cause(self) -> Option<Cause> {
        match self {
            WhyDelete::Condemned => Some(Cause::ScaleIn),
            WhyDelete::Outdated => Some(Cause::Update),
            WhyDelete::Terminal => None,
            WhyDelete::Requested => Some(Cause::Replace),
            WhyDelete::Evicted => Some(Cause::Evict),
            WhyDelete::Teardown => Some(Cause::Teardown),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WhyPatch {
    /// Its identity labels were damaged.
    Identity,
    /// The plugin's `member-config` changed.
    MemberConfig,
    /// `post-ready` ended: a fact of this pod, kept on it.
    PostReady,
    /// Which roles it has: what Services select.
    Roles,
    /// It is prepared for its drain and may be evicted, or may not any more.
    Eviction,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "question")]
pub enum Question {
    Validate,
    MemberConfig { ordinal: u32 },
    UpdateOrder,
}
