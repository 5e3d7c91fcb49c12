//! `StatefulApp`: every field of `apps/v1` `StatefulSetSpec` under the same name with the same meaning, and `plugin`.
//!
//! These types exist for the schema. The operator itself reads the spec raw, so that no field of a pod template is lost.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{any_object, any_objects, anything, int_or_string, whole_object};

/// A StatefulSet that knows its database.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "stateward.dev",
    version = "v1alpha1",
    kind = "StatefulApp",
    plural = "statefulapps",
    shortname = "sapp",
    category = "all",
    namespaced,
    status = "StatefulAppStatus",
    doc = "A StatefulSet whose pods are managed with the help of a plugin that knows the application.",
    scale(
        spec_replicas_path = ".spec.replicas",
        status_replicas_path = ".status.replicas",
        label_selector_path = ".status.selector"
    ),
    printcolumn(name = "Ready", type_ = "integer", json_path = ".status.readyReplicas"),
    printcolumn(name = "Desired", type_ = "integer", json_path = ".spec.replicas"),
    printcolumn(name = "Plugin", type_ = "string", json_path = ".spec.plugin.name"),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    ),
    printcolumn(
        name = "Waiting",
        type_ = "string",
        json_path = ".status.waiting[0].message"
    )
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = ("self.selector == oldSelf.selector", "selector cannot be changed: pods are found by it"),
    validation = (
        "has(self.serviceName) == has(oldSelf.serviceName) && (!has(self.serviceName) || self.serviceName == oldSelf.serviceName)",
        "serviceName cannot be changed: the pods' names depend on it"
    ),
    validation = (
        "!has(self.updateStrategy) || !has(self.updateStrategy.rollingUpdate) || !has(self.updateStrategy.type) || self.updateStrategy.type == 'RollingUpdate'",
        "updateStrategy.rollingUpdate goes with the type RollingUpdate only"
    )
)]
pub struct StatefulAppSpec {
    /// Number of members.
    #[serde(default = "one")]
    #[schemars(range(min = 0))]
    pub replicas: i32,
    /// Which pods are the app's: must match the template's labels. Cannot be changed.
    pub selector: LabelSelector,
    /// What every pod is made from, as in a StatefulSet.
    #[schemars(schema_with = "any_object")]
    pub template: Value,
    /// Claims that every member gets, as in a StatefulSet. They are kept when a member leaves, unless the retention policy says otherwise. More storage is
    /// asked for existing claims too; whatever else is changed counts for claims that are made later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "any_objects")]
    pub volume_claim_templates: Vec<Value>,
    /// The headless service that gives the members their names. Cannot be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,
    /// One after another, or all at once. May be changed at any time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_management_policy: Option<PodManagementPolicy>,
    /// How pods of an older revision are replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub update_strategy: Option<UpdateStrategy>,
    /// Revisions that are kept for rolling back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision_history_limit: Option<i32>,
    /// Seconds that a pod must be ready to count as available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub min_ready_seconds: Option<i32>,
    /// Whether claims outlive their member and their app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistent_volume_claim_retention_policy: Option<VolumeClaimRetention>,
    /// Where the numbering of members starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordinals: Option<Ordinals>,
    /// Rollouts stand still: nobody is updated, and a lost pod comes back at the revision that it had. Scaling goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
    /// Members that may be starting at a time. Without it one with OrderedReady, all with Parallel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_parallel_starts: Option<i32>,
    /// Seconds that one and the same thing may be waited for before the condition Progressing is false with the reason ProgressDeadlineExceeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub progress_deadline_seconds: Option<i32>,
    /// The plugin that knows this application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin: Option<PluginUse>,
}

fn one() -> i32 {
    1
}

/// One after another, or all at once.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodManagementPolicy {
    OrderedReady,
    Parallel,
}

/// How pods of an older revision are replaced.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct UpdateStrategy {
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<UpdateStrategyType>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling_update: Option<RollingUpdate>,
}

/// Who replaces pods of an older revision.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateStrategyType {
    /// The operator, in order and within the budget.
    RollingUpdate,
    /// Whoever deletes the pods.
    OnDelete,
    /// The operator, all at once: none is created before the last old one is gone.
    Recreate,
}

/// How a rolling update goes.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RollingUpdate {
    /// Members below this ordinal keep their revision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub partition: Option<i32>,
    /// Members that may be unavailable at a time, a number or a percentage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "int_or_string")]
    pub max_unavailable: Option<Value>,
}

/// Whether claims outlive their member and their app.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct VolumeClaimRetention {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_deleted: Option<RetentionPolicy>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when_scaled: Option<RetentionPolicy>,
}

/// What becomes of a claim.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetentionPolicy {
    Retain,
    Delete,
}

/// Where the numbering of members starts.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
pub struct Ordinals {
    #[serde(default)]
    #[schemars(range(min = 0))]
    pub start: i32,
    /// Ordinals that no member has; those behind them take their places. Reserving one and lowering replicas by one removes a chosen member.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1000), inner(range(min = 0)))]
    pub reserved: Vec<i32>,
}

/// The plugin of an app, and what the app gives it.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PluginUse {
    /// Name of a Plugin object.
    pub name: String,
    /// Handed to the plugin, which validates it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "anything")]
    pub settings: Option<Value>,
    /// Keys of Secrets in the app's own namespace, by slot of the plugin.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretKey>,
    /// How long invocations of a hook may take, by the hook's name: pre-scale, post-ready, pre-delete, post-delete, move-role, task.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deadlines: BTreeMap<String, HookDeadline>,
    /// Keys of ConfigMaps in the app's own namespace, by slot of the plugin.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub config: BTreeMap<String, SecretKey>,
}

/// How long an invocation may take, and what happens then.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
pub struct HookDeadline {
    /// From its first call.
    #[schemars(range(min = 1))]
    pub seconds: i32,
    /// Wait (the default) waits on. Proceed takes the purpose for reached, but never lets a member leave for good that way. Abort gives the purpose up
    /// until the spec changes; what was begun is undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<DeadlinePolicy>,
}

/// What happens when an invocation took too long.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadlinePolicy {
    Wait,
    Proceed,
    Abort,
}

/// One key of a Secret or of a ConfigMap.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SecretKey {
    /// The object, in the app's namespace.
    pub name: String,
    /// The key in its data.
    pub key: String,
}

/// What the operator says of the app: replicas, conditions, what it waits for, roles, invocations under way.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[schemars(schema_with = "whole_object")]
pub struct StatefulAppStatus(pub Value);
