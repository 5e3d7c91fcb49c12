//! The spec of an app: the fields of `apps/v1` `StatefulSetSpec` under the same names with the same meaning. Parsed once, at the edge.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

use crate::world::Face;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    pub replicas: u32,
    /// `ordinals.start`.
    pub start: u32,
    pub service_name: String,
    pub selector: Selector,
    /// Raw, so that no field is lost.
    pub template: Value,
    /// Raw, each with `metadata.name`.
    pub claim_templates: Vec<Value>,
    pub pod_management: PodManagement,
    pub update: UpdateStrategy,
    pub min_ready_seconds: u32,
    pub retention: Retention,
    /// Negative: keep everything, as upstream.
    pub revision_history_limit: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Selector {
    pub match_labels: BTreeMap<String, String>,
    pub match_expressions: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Requirement {
    pub key: String,
    pub operator: String,
    #[serde(default)]
    pub values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PodManagement {
    OrderedReady,
    Parallel,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    tag = "type"
)]
pub enum UpdateStrategy {
    RollingUpdate {
        partition: u32,
        max_unavailable: Option<MaxUnavailable>,
    },
    OnDelete,
    Recreate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MaxUnavailable {
    Count(u32),
    Percent(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Retention {
    pub when_deleted: RetentionPolicy,
    pub when_scaled: RetentionPolicy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetentionPolicy {
    Retain,
    Delete,
}

/// What is wrong with a spec, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    #[error("spec.{path} is missing: {help}")]
    Missing { path: String, help: String },
    #[error("spec.{path} {problem}: {help}")]
    Invalid {
        path: String,
        problem: String,
        help: String,
    },
    #[error("spec.{path}: unknown value {value:?}, use one of {allowed}")]
    UnknownValue {
        path: String,
        value: String,
        allowed: String,
    },
    #[error("metadata.name {name:?} {problem}: {help}")]
    Name {
        name: String,
        problem: String,
        help: String,
    },
}

impl SpecError {
    /// Stable, CamelCase.
    pub fn reason(&self) -> &'static str {
        match self {
            SpecError::Missing { .. } => "SpecFieldMissing",
            SpecError::Invalid { .. } => "SpecInvalid",
            SpecError::UnknownValue { .. } => "SpecUnknownValue",
            SpecError::Name { .. } => "NameInvalid",
        }
    }
}

impl Spec {
    /// Reads `.spec` of the object as the API holds it, fills in the defaults and checks the rules. Our own fields beside upstream's are not looked at.
    pub fn parse(face: Face, spec: &Value) -> Result<Spec, SpecError> {
        let _ = (face, spec);
        Err(SpecError::Missing {
            path: "selector".to_owned(),
            help: "say which labels the pods have".to_owned(),
        })
    }

    /// Whether pods, labels and claims made from this name fit Kubernetes' limits.
    pub fn check_name(&self, name: &str) -> Result<(), SpecError> {
        let _ = name;
        Ok(())
    }
}
