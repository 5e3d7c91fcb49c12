//! The spec of an app: the fields of `apps/v1` `StatefulSetSpec` under the same names with the same meaning. Parsed once, at the edge.

mod beyond;
mod deadlines;
mod error;
mod fields;
mod names;
mod parsing;
mod selecting;
mod strategy;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use deadlines::{Deadline, DeadlinePolicy};
pub use error::SpecError;

use crate::status::Ordinals;

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
    /// `updateStrategy.type` was written without its block `rollingUpdate`; a StatefulSet does something else then (item 129).
    #[serde(default)]
    pub has_bare_type: bool,

    /// Ordinals that no member has (StatefulApp).
    #[serde(default)]
    pub reserved: BTreeSet<u32>,
    /// Rollouts stand still (StatefulApp).
    #[serde(default)]
    pub paused: bool,
    /// Members that may be starting at a time; none: as the policy says (StatefulApp).
    #[serde(default)]
    pub max_parallel_starts: Option<u32>,
    /// A wait that lasts longer is told as a failure to progress (StatefulApp).
    #[serde(default)]
    pub progress_deadline_seconds: Option<u32>,
    /// How long invocations may take, by hook.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub deadlines: BTreeMap<String, Deadline>,
}

impl Spec {
    /// The ordinals that are wanted.
    pub fn ordinals(&self) -> Ordinals {
        Ordinals {
            replicas: self.replicas,
            start: self.start,
            reserved: self.reserved.clone(),
        }
    }

    /// Whether this ordinal is wanted.
    pub fn contains(&self, ordinal: u32) -> bool {
        self.ordinals().contains(ordinal)
    }

    /// The first slot that a rollout may reach: below the partition nothing is updated, while it is paused nothing at all.
    pub fn first_updated_slot(&self) -> u32 {
        match self.paused {
            true => u32::MAX,
            false => self.update.partition(),
        }
    }
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
