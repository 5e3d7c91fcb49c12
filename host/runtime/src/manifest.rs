//! What a plugin says about itself: `describe.manifest`, JSON.

mod asks;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::errors::LoadError;
use crate::settings::SettingsSchema;

pub use asks::{Asks, ConfigAsk, ExecAsk, HttpAsk, SecretAsk, TcpAsk, Why};

/// The longest manifest that is read, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// What a plugin is, what it asks for and what it brings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Manifest {
    /// Its name, a DNS label.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Version of the SDK that it was built with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk: Option<String>,
    /// What it asks for, and why.
    #[serde(default)]
    pub asks: Asks,
    /// The roles that its members may have.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// Which invocations may run beside each other.
    #[serde(default)]
    pub lanes: Lanes,
    /// The jobs that `task` knows.
    #[serde(default)]
    pub tasks: Vec<Task>,
    /// The numbers that it sets through `metrics`.
    #[serde(default)]
    pub metrics: Vec<Metric>,
    /// JSON schema of `spec.plugin.settings`, which the host checks before any hook sees them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<serde_json::Value>,
}

/// A role that members may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// At most one member has it, and the host keeps who.
    #[serde(default)]
    pub exclusive: bool,
    /// The plugin can move it (`move-role`).
    #[serde(default)]
    pub movable: bool,
    /// The host has it moved away (`move-role` with the cause `failed`) when its holder was unhealthy for so long. A holder that is gone has failed at
    /// once.
    #[serde(default = "default_grace", rename = "grace-seconds")]
    pub grace_seconds: u32,
}

fn default_grace() -> u32 {
    30
}

/// A job that `task` knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Task {
    /// Its name, a DNS label.
    pub name: String,
    /// What it is for, for the users who start it.
    pub why: String,
    /// The host starts it after each finished scale.
    #[serde(default)]
    pub after_scale: bool,
}

/// A number that a plugin sets through `metrics`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Metric {
    /// Its name: small letters, digits and `_`.
    pub name: String,
    /// What it counts or measures.
    pub kind: MetricKind,
    /// What it says, for people.
    pub help: String,
}

/// What a number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetricKind {
    /// It goes up and down (`metrics.set`).
    Gauge,
    /// It only grows (`metrics.add`).
    Counter,
}

/// Which invocations may run beside each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Lanes {
    /// `post-ready` may run beside another act invocation, never beside `move-role`.
    pub post_ready_overlaps: bool,
    /// `pre-scale` of several steps of one Parallel scale may run beside each other.
    pub pre_scale_overlaps: bool,
    /// `move-role` with the cause `failed` cuts a running call of another hook short, instead of waiting for its end.
    pub failover_interrupts: bool,
}

impl Manifest {
    /// Reads a manifest. A field that this host does not know means that the plugin expects a newer one.
    pub(crate) fn parse(text: &str) -> Result<Manifest, LoadError> {
        if text.len() > MAX_BYTES {
            return Err(LoadError::ManifestInvalid(format!(
                "it has {} bytes, at most {MAX_BYTES} are read",
                text.len()
            )));
        }
        let manifest: Manifest = serde_json::from_str(text).map_err(|err| {
            let said = err.to_string();
            // serde_json has no kind for it; the wording is serde's own and stable.
            if said.starts_with("unknown field") {
                LoadError::NeedsNewerHost(vec![format!("manifest: {said}")])
            } else {
                LoadError::ManifestInvalid(said)
            }
        })?;
        match manifest.mistake() {
            Some(mistake) => Err(LoadError::ManifestInvalid(mistake)),
            None => Ok(manifest),
        }
    }

    /// The role of this name.
    pub fn role(&self, name: &str) -> Option<&Role> {
        self.roles.iter().find(|role| role.name == name)
    }

    /// The task of this name.
    pub fn task(&self, name: &str) -> Option<&Task> {
        self.tasks.iter().find(|task| task.name == name)
    }

    fn mistake(&self) -> Option<String> {
        if !is_label(&self.name) {
            return Some(format!(
                "name {:?} is no DNS label (a-z, 0-9 and -, at most 63 characters)",
                self.name
            ));
        }
        if self.version.is_empty() || self.version.len() > 64 {
            return Some(format!(
                "version {:?} must have 1 to 64 characters",
                self.version
            ));
        }
        let mut names = BTreeSet::new();
        for role in &self.roles {
            if !is_label(&role.name) {
                return Some(format!("role {:?} is no DNS label", role.name));
            }
            if !names.insert(&role.name) {
                return Some(format!("role {:?} is listed twice", role.name));
            }
        }
        let mut tasks = BTreeSet::new();
        for task in &self.tasks {
            if !is_label(&task.name) {
                return Some(format!("task {:?} is no DNS label", task.name));
            }
            if !tasks.insert(&task.name) {
                return Some(format!("task {:?} is listed twice", task.name));
            }
        }
        if let Some(Err(mistake)) = self.settings.as_ref().map(SettingsSchema::parse) {
            return Some(mistake);
        }
        for metric in &self.metrics {
            if !is_metric(&metric.name) {
                return Some(format!(
                    "metric {:?} must have 1 to 63 of a-z, 0-9 and _, with a letter first",
                    metric.name
                ));
            }
        }
        self.asks.mistake()
    }
}

/// A name that Prometheus takes.
fn is_metric(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    name.len() <= 63
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(fits)
}

fn is_label(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !name.is_empty()
        && name.len() <= 63
        && name.bytes().all(fits)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> &'static str {
        match Manifest::parse(text) {
            Ok(_) => "fine",
            Err(error) => error.reason(),
        }
    }

    #[test]
    fn a_manifest_needs_a_name_and_a_version_and_makes_sense() {
        let cases = [
            (r#"{"name":"a","version":"1"}"#, "fine"),
            (
                r#"{"name":"a","version":"1","roles":[{"name":"p"},{"name":"q"}]}"#,
                "fine",
            ),
            (r#"{"name":"a"}"#, "ManifestInvalid"),
            (r#"{"name":"A b","version":"1"}"#, "ManifestInvalid"),
            (r#"{"name":"a","version":""}"#, "ManifestInvalid"),
            (
                r#"{"name":"a","version":"1","roles":[{"name":"p"},{"name":"p"}]}"#,
                "ManifestInvalid",
            ),
            (
                r#"{"name":"a","version":"1","asks":{"exec":[{"container":"c","argv":["**"],"why":""}]}}"#,
                "ManifestInvalid",
            ),
            ("no json", "ManifestInvalid"),
        ];
        for (text, expected) in cases {
            assert_eq!(reason(text), expected, "{text}");
        }
    }

    #[test]
    fn a_field_that_this_host_does_not_know_needs_a_newer_one() {
        let anywhere = [
            r#"{"name":"a","version":"1","errands":[]}"#,
            r#"{"name":"a","version":"1","asks":{"files":[]}}"#,
            r#"{"name":"a","version":"1","lanes":{"probe-rests":true}}"#,
        ];
        for text in anywhere {
            assert_eq!(reason(text), "NeedsNewerHost", "{text}");
        }
    }
}
