//! The application, as far as hooks need it.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::DeserializeOwned;

use crate::step::Fault;

/// The application that a hook serves: one snapshot, taken when the hook was called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct App {
    /// UID of the app's object.
    pub uid: String,
    /// Namespace of the app and of all its pods.
    pub namespace: String,
    /// Name of the app; its pods are called `<name>-<ordinal>`.
    pub name: String,
    /// Time of the snapshot, in milliseconds since 1970-01-01 UTC.
    pub now_ms: u64,
    /// Generation of the app's spec that this call serves.
    pub generation: u64,
    /// Members that exist now.
    pub current: u32,
    /// Members wanted by the spec.
    pub target: u32,
    /// The first ordinal.
    pub start: u32,
    /// The revision that pods are to reach.
    pub update_revision: String,
    /// Who holds which exclusive role; a role that was never claimed is not listed.
    pub claims: Vec<Claim>,
    /// `spec.plugin.settings`, JSON. Read it with [`App::settings`].
    pub settings: String,
    /// Further key/values. Unknown keys may be ignored.
    pub extra: BTreeMap<String, String>,
}

impl App {
    /// The claim on this exclusive role, if it was ever claimed.
    pub fn claim(&self, role: &str) -> Option<&Claim> {
        self.claims.iter().find(|claim| claim.role == role)
    }

    /// The name of the pod of this ordinal.
    pub fn pod_name(&self, ordinal: u32) -> String {
        format!("{}-{ordinal}", self.name)
    }

    /// Whether the spec wants a member of this ordinal.
    pub fn wants(&self, ordinal: u32) -> bool {
        ordinal >= self.start && ordinal - self.start < self.target
    }

    /// `spec.plugin.settings`, read into a type of the plugin's own. Without settings in the spec it reads `{}`, so give every field a default.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, BadSettings> {
        let text = match self.settings.trim() {
            "" | "null" => "{}",
            text => text,
        };
        // Into a struct, serde reads lists too.
        if !text.starts_with('{') {
            return Err(BadSettings("they must be an object".to_owned()));
        }
        serde_json::from_str(text).map_err(|error| BadSettings(error.to_string()))
    }
}

/// Settings that the plugin cannot read. With `?` in an act hook or a probe it becomes [`Fault::Fatal`]; `validate` turns it into a
/// [`Finding`](crate::Finding) of its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadSettings(String);

impl fmt::Display for BadSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spec.plugin.settings cannot be read: {}", self.0)
    }
}

impl std::error::Error for BadSettings {}

impl From<BadSettings> for Fault {
    fn from(bad: BadSettings) -> Fault {
        Fault::Fatal(bad.to_string())
    }
}

/// Who holds an exclusive role, since which epoch. The host keeps it; a member's own opinion does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The role.
    pub role: String,
    /// The member that holds it.
    pub ordinal: u32,
    /// The pod that it was given to. When the member's pod is another one by now, the holder was replaced.
    pub pod: String,
    /// Rises with each change of holder, from 1.
    pub epoch: u64,
    /// Further key/values. Unknown keys may be ignored.
    pub extra: BTreeMap<String, String>,
}
