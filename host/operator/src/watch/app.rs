//! The app object as it stands in the API, in either face.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use kube::api::ObjectMeta;
use serde_json::Value;
use stateward_planner::spec::SpecError;
use stateward_planner::world::Face;
use stateward_planner::{Shared, Spec, Status};

use super::slim::{RawStatefulApp, RawStatefulSet, version_number};
use crate::api::Collection;

/// Which app: its kind, namespace and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AppKey {
    pub face: Face,
    pub namespace: String,
    pub name: String,
}

impl AppKey {
    pub(crate) fn collection(&self) -> Collection {
        match self.face {
            Face::StatefulApp => Collection::StatefulApps,
            Face::StatefulSet => Collection::StatefulSets,
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        self.face.kind()
    }
}

impl std::hash::Hash for AppKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.kind(), &self.namespace, &self.name).hash(state);
    }
}

impl std::fmt::Display for AppKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}/{}", self.kind(), self.namespace, self.name)
    }
}

/// An app as it stands in the API. Spec and status are raw.
#[derive(Clone, Debug)]
pub(crate) struct AppObject {
    pub key: AppKey,
    pub metadata: ObjectMeta,
    pub spec: Value,
    pub status: Value,
    /// What plans read in the status, read when one first does.
    pub recorded: OnceLock<Shared<Status>>,
}

impl AppObject {
    /// From an answer of the API server.
    pub(crate) fn from_value(face: Face, mut value: Value) -> Option<AppObject> {
        let mut take = |field| value.get_mut(field).map(Value::take).unwrap_or_default();
        let (spec, status, metadata) = (take("spec"), take("status"), take("metadata"));
        let metadata: ObjectMeta = serde_json::from_value(metadata).ok()?;
        Some(AppObject::new(face, metadata, spec, status))
    }

    fn new(face: Face, mut metadata: ObjectMeta, spec: Value, status: Value) -> AppObject {
        metadata.managed_fields = None;
        if let Some(annotations) = &mut metadata.annotations {
            annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
        AppObject {
            key: AppKey {
                face,
                namespace: metadata.namespace.clone().unwrap_or_default(),
                name: metadata.name.clone().unwrap_or_default(),
            },
            metadata,
            spec,
            status,
            recorded: OnceLock::new(),
        }
    }

    pub(crate) fn uid(&self) -> &str {
        self.metadata.uid.as_deref().unwrap_or_default()
    }

    pub(crate) fn generation(&self) -> i64 {
        self.metadata.generation.unwrap_or(0)
    }

    pub(crate) fn version(&self) -> u64 {
        version_number(&self.metadata)
    }

    /// Whether this is the same app as the other but for the status, which may differ.
    pub(crate) fn differs_in_status_alone(&self, other: &AppObject) -> bool {
        let (one, other) = (&self.metadata, &other.metadata);
        // With the generation, the spec would change.
        one.uid == other.uid
            && one.generation == other.generation
            && one.labels == other.labels
            && one.annotations == other.annotations
            && one.finalizers == other.finalizers
            && one.owner_references == other.owner_references
            && one.deletion_timestamp == other.deletion_timestamp
    }

    pub(crate) fn annotations(&self) -> BTreeMap<String, String> {
        self.metadata.annotations.clone().unwrap_or_default()
    }

    /// Its spec, or the rule that the spec or the name breaks.
    pub(crate) fn parse(&self) -> Result<Spec, SpecError> {
        let spec = Spec::parse(self.key.face, &self.spec)?;
        spec.check_name(self.key.face, &self.key.name)?;
        Ok(spec)
    }

    /// Name of the plugin that it names.
    pub(crate) fn plugin_name(&self) -> Option<&str> {
        match self.key.face {
            Face::StatefulApp => self.spec.pointer("/plugin/name")?.as_str(),
            Face::StatefulSet => None,
        }
    }

    /// Names of its claim templates.
    pub(crate) fn claim_templates(&self) -> impl Iterator<Item = &str> {
        let templates = self
            .spec
            .get("volumeClaimTemplates")
            .and_then(Value::as_array);
        (templates.into_iter().flatten())
            .filter_map(|template| template.pointer("/metadata/name").and_then(Value::as_str))
    }
}

impl From<RawStatefulApp> for AppObject {
    fn from(app: RawStatefulApp) -> AppObject {
        AppObject::new(Face::StatefulApp, app.metadata, app.spec, app.status)
    }
}

impl From<RawStatefulSet> for AppObject {
    fn from(set: RawStatefulSet) -> AppObject {
        AppObject::new(Face::StatefulSet, set.metadata, set.spec, set.status)
    }
}
