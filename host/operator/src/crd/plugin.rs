//! `Plugin`: where a plugin comes from, what it is granted, and what became of it.

use std::collections::BTreeSet;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use stateward_runtime::Grants;

/// A plugin that apps may name.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "stateward.dev",
    version = "v1alpha1",
    kind = "Plugin",
    plural = "plugins",
    status = "PluginStatus",
    doc = "A plugin that StatefulApps may name: where it comes from and what it is granted.",
    printcolumn(name = "State", type_ = "string", json_path = ".status.state"),
    printcolumn(name = "Version", type_ = "string", json_path = ".status.version"),
    printcolumn(
        name = "Digest",
        type_ = "string",
        json_path = ".status.digest",
        priority = 1
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    ),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.message")
)]
#[serde(rename_all = "camelCase")]
pub struct PluginSpec {
    /// Where the component is.
    pub source: Source,
    /// `sha256:` and 64 hex digits of the component's bytes. Other bytes are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub digest: Option<String>,
    /// What the plugin may do with members of the apps that name it. Nothing by default.
    #[serde(default)]
    pub grants: Grants,
    /// Whether what is not granted is refused, or only counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_mode: Option<GrantMode>,
    /// What one call may use.
    #[serde(default)]
    pub limits: LimitsSpec,
    /// What becomes of a hook that keeps ending without an answer.
    #[serde(default)]
    pub failure_policy: FailurePolicies,
}

/// Whether what is not granted is refused, or only counted.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GrantMode {
    /// What is not granted is refused.
    #[default]
    Enforce,
    /// What is not granted is let through and shown in `status.counted`: for trying a plugin on a test cluster. Volumes are discarded only when that is granted.
    Count,
}

/// What becomes of a hook that keeps ending without an answer: by a panic, a limit or a timeout. The other hooks always wait: no deletion is let through.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FailurePolicies {
    /// Of `validate`: `Ignore` accepts the spec.
    pub validate: FailurePolicy,
    /// Of `pre-scale`: `Ignore` lets the step be taken.
    pub pre_scale: FailurePolicy,
    /// Of `post-ready`: `Ignore` takes the member as it is.
    pub post_ready: FailurePolicy,
}

/// What becomes of a hook that keeps ending without an answer.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailurePolicy {
    /// It is called again until it answers.
    #[default]
    Wait,
    /// After five such calls in a row it counts as done.
    Ignore,
}

/// Where the component is. Exactly one of them.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = (
    "[has(self.file), has(self.configMap), has(self.oci)].filter(given, given).size() == 1",
    "exactly one of file, configMap and oci must be given"
))]
pub struct Source {
    /// A file that the operator can read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// A key of a ConfigMap's `binaryData`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map: Option<ConfigMapSource>,
    /// An artifact of a registry, `registry/repository:tag`. Not supported yet: such a plugin is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oci: Option<String>,
}

/// A key of a ConfigMap's `binaryData`.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMapSource {
    pub namespace: String,
    pub name: String,
    pub key: String,
}

/// What one call may use; what is not given has the operator's default.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct LimitsSpec {
    /// Memory of one call, at most `1Gi`: bytes, or with `Ki`, `Mi`, `Gi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// From the call to its answer, waiting for members included: `30s`, `500ms`, `2m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_timeout: Option<String>,
    /// Time spent computing: `2s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<String>,
    /// Calls of host functions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_calls: Option<u32>,
    /// Bytes through connections and programs, in both directions: bytes, or with `Ki`, `Mi`, `Gi`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_bytes: Option<String>,
    /// Connections at the same time, at most 400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections: Option<u32>,
    /// Log lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_lines: Option<u32>,
    /// Bytes of log lines in sum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_bytes: Option<String>,
}

/// What became of the plugin.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct PluginStatus {
    /// Whether apps can use it.
    pub state: Option<PluginState>,
    /// Why not, for programs.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// Why not and what to do, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Digest of the component that is served, or was refused.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub digest: String,
    /// The plugin's own name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The plugin's own version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Hooks that it implements.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hooks: Vec<String>,
    /// Interfaces that it imports.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub imports: Vec<String>,
    /// Interfaces that it exports.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exports: Vec<String>,
    /// Version of the SDK that it was built with.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub sdk: String,
    /// What it asks for, why, and whether it is granted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<PluginAsk>,
    /// JSON schema of the settings of apps.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "super::anything")]
    pub settings_schema: Option<serde_json::Value>,
    /// Grants that it would need and that are only counted (`spec.grantMode`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub counted: Vec<String>,
    /// Digest of a version that kept ending its calls without an answer, and is not served for that.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub quarantined: String,
    /// Roles that members may have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<PluginRole>,
    /// Jobs that users can start: `stateward do APP TASK`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<PluginTask>,
    /// `post-ready` of one member may run beside another act hook.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub post_ready_overlaps: bool,
    /// `pre-scale` of several steps of one Parallel scale may run beside each other.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub pre_scale_overlaps: bool,
    /// What it asks for and was not granted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing_grants: Vec<String>,
    /// Generation that this status is about.
    pub observed_generation: i64,
}

impl PluginStatus {
    /// The hooks as plans know them: a schema of the settings makes every spec one that is validated.
    pub fn hooks_with_schema(&self) -> BTreeSet<String> {
        let schema = self.settings_schema.as_ref();
        let validate = schema.map(|_| "validate".to_owned());
        self.hooks.iter().cloned().chain(validate).collect()
    }
}

/// One thing that a plugin asks for.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct PluginAsk {
    /// The grant, as it would stand in `spec.grants`.
    pub grant: String,
    /// What for, in the plugin's own words.
    pub why: String,
    /// Whether it is given.
    pub granted: bool,
}

/// Whether apps can use the plugin.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum PluginState {
    /// Loaded and granted.
    Ready,
    /// It could not be loaded.
    Refused,
    /// It asks for more than it was granted.
    NeedsConsent,
}

/// A role that members may have.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct PluginRole {
    pub name: String,
    pub exclusive: bool,
    pub movable: bool,
    /// A holder that is unwell for so long has failed.
    pub grace_seconds: u32,
}

/// A job that the plugin knows.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct PluginTask {
    pub name: String,
    /// What it is for.
    pub why: String,
    /// It runs after each finished scale.
    pub after_scale: bool,
}
