//! The snapshot: what a hook is told of the application.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

/// Further key/values. Unknown keys may be ignored.
pub type Extra = Vec<(String, String)>;

/// One picture of an application, handed to one hook call. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// The application itself.
    pub app: Arc<App>,
    /// Its members in ascending order of their ordinals: those that are wanted and those that are there.
    pub members: Arc<[Arc<Member>]>,
    /// What is known of the end of pods, by UID.
    pub deaths: Arc<BTreeMap<String, Death>>,
    /// The plugin's own facts of this application, by key.
    pub state: Arc<BTreeMap<String, Entry>>,
}

impl Snapshot {
    /// The member of this ordinal; none when it is neither wanted nor there.
    pub fn member(&self, ordinal: u32) -> Option<&Arc<Member>> {
        let at = self
            .members
            .binary_search_by_key(&ordinal, |member| member.ordinal)
            .ok()?;
        self.members.get(at)
    }

    /// Whether this is the UID of a pod that a member has now.
    pub fn has_pod(&self, uid: &str) -> bool {
        self.members
            .iter()
            .any(|member| member.pod.as_deref() == Some(uid))
    }

    /// Who holds this role.
    pub fn claim(&self, role: &str) -> Option<&Claim> {
        self.app.claims.iter().find(|claim| claim.role == role)
    }
}

/// The application, as far as hooks need it.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower,
)]
#[component(record)]
#[serde(rename_all = "camelCase")]
pub struct App {
    /// UID of the application object.
    pub uid: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Time of the snapshot, milliseconds since 1970-01-01 UTC.
    #[component(name = "now-ms")]
    pub now_ms: u64,
    /// Generation of the app's spec that the call serves.
    pub generation: u64,
    /// Members that exist now, as replicas.
    pub current: u32,
    /// Replicas wanted by the spec.
    pub target: u32,
    /// First ordinal.
    pub start: u32,
    /// Revision that pods are to reach.
    #[component(name = "update-revision")]
    pub update_revision: String,
    /// Held roles; a role that was never claimed is not listed.
    pub claims: Vec<Claim>,
    /// `spec.plugin.settings` of the app, JSON.
    pub settings: String,
    /// Further key/values.
    #[serde(default)]
    pub extra: Extra,
}

/// One member: a stable identity (its ordinal) and, while it exists, its pod.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower,
)]
#[component(record)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The identity.
    pub ordinal: u32,
    /// UID of its pod; none while no pod exists.
    pub pod: Option<String>,
    /// The pod's address, once it has one.
    pub address: Option<String>,
    /// Where it stands, as Kubernetes sees it.
    pub standing: Standing,
    /// Restarts of its containers, summed up.
    pub restarts: u32,
    /// Revision that the pod was made from; empty while no pod exists.
    pub revision: String,
    /// Name of the pod's node.
    pub node: Option<String>,
    /// What is known of its volumes.
    pub volume: Volume,
    /// What the last probe reported.
    pub last: Option<Seen>,
    /// `host`: the pod's stable DNS name, when the app has a service.
    #[serde(default)]
    pub extra: Extra,
}

/// Where a member stands, as Kubernetes sees it.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// No pod exists under this ordinal.
    #[default]
    #[component(name = "absent")]
    Absent,
    /// The pod exists, its containers do not all run yet.
    #[component(name = "starting")]
    Starting,
    /// All containers run and the pod is Ready.
    #[component(name = "ready")]
    Ready,
    /// Containers run, the pod is not Ready.
    #[component(name = "unready")]
    Unready,
    /// The pod is being deleted.
    #[component(name = "terminating")]
    Terminating,
    /// Something that a later host knows.
    #[component(name = "other")]
    Other(String),
}

/// What is known of a member's volumes, compared to its last incarnation.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower,
)]
#[component(variant)]
#[serde(rename_all = "kebab-case")]
pub enum Volume {
    /// Never used by this member before.
    #[component(name = "new")]
    New,
    /// The volumes that its last incarnation had.
    #[component(name = "same")]
    Same,
    /// Older than what this member had last.
    #[component(name = "stale")]
    Stale,
    /// They belonged to something else.
    #[component(name = "foreign")]
    Foreign,
    /// The member has no volumes.
    #[default]
    #[component(name = "none")]
    None,
    /// Something that a later host knows.
    #[component(name = "other")]
    Other(String),
}

/// What the last probe of a member reported.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower,
)]
#[component(record)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// When, in milliseconds since 1970-01-01 UTC, on the host's clock.
    #[component(name = "at-ms")]
    pub at_ms: u64,
    /// Whether the member was useful.
    pub healthy: bool,
    /// The role that it had.
    pub role: Option<String>,
    /// The plugin's own note.
    pub note: Vec<u8>,
}

/// Who holds an exclusive role, since which epoch.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower,
)]
#[component(record)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// Name of the role, as in the manifest.
    pub role: String,
    /// The holder.
    pub ordinal: u32,
    /// UID of the pod that it held the role with.
    pub pod: String,
    /// Rises with each change of holder, from 1.
    pub epoch: u64,
    /// Further key/values.
    #[serde(default)]
    pub extra: Extra,
}

/// What is known of the end of a pod. Only `Stopped` and `NodeFenced` prove that none of its processes runs any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[component(variant)]
#[serde(rename_all = "kebab-case")]
pub enum Death {
    /// The pod object exists and was not reported stopped.
    #[component(name = "alive")]
    Alive,
    /// The object is gone. Its processes may still run on an unreachable node.
    #[component(name = "object-gone")]
    ObjectGone,
    /// The node's agent reported all containers ended.
    #[component(name = "stopped")]
    Stopped,
    /// The node was fenced.
    #[component(name = "node-fenced")]
    NodeFenced,
    /// Something that a later host knows.
    #[component(name = "other")]
    Other(String),
}

/// One value that the plugin stored.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower,
)]
#[component(record)]
pub struct Entry {
    /// What was stored.
    pub value: Vec<u8>,
    /// Rises with each write of this key, from 1.
    pub version: u64,
}
