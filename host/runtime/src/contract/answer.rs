//! What hooks answer.

use std::fmt;

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

use super::app::Extra;
use crate::usage::Usage;

/// The answer of an act hook, with what the host is asked to do along with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// How far the purpose is.
    pub outcome: Outcome,
    /// To be committed together with the outcome; empty when the hook failed.
    pub requests: Vec<Request>,
    /// What the call cost.
    pub usage: Usage,
}

/// The answer of a probe.
#[derive(Debug, Clone, PartialEq)]
pub struct Probed {
    /// What it saw, or how it failed.
    pub result: Result<Report, Fault>,
    /// What the call cost.
    pub usage: Usage,
}

/// How far the purpose of an act hook is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The purpose is reached.
    Done,
    /// On the way.
    InProgress(Progress),
    /// Not now, and why.
    Refuse(String),
    /// Failed; to be tried again with backoff.
    Retry(String),
    /// Failed; trying again is useless until the spec or the plugin changes.
    Fatal(String),
}

/// Something that a hook asks the host to do with its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Make this pod the holder of an exclusive role, under a new epoch.
    ClaimRole {
        /// The role.
        role: String,
        /// UID of the pod.
        pod: String,
        /// Epoch of the claim that this one follows, 0 for the first.
        after_epoch: u64,
    },
    /// Leave the role without a holder.
    ReleaseRole {
        /// The role.
        role: String,
        /// Epoch of the claim that is released.
        after_epoch: u64,
    },
    /// Replace this pod.
    DeletePod {
        /// UID of the pod.
        pod: String,
        /// For people.
        why: String,
    },
    /// Delete the claims of this member, so that it comes back empty.
    DiscardVolumes {
        /// The member.
        ordinal: u32,
        /// UIDs of the claims.
        claims: Vec<String>,
        /// For people.
        why: String,
    },
    /// Do not start this member again until a user releases it.
    Quarantine {
        /// The member.
        ordinal: u32,
        /// For people.
        why: String,
    },
}

impl Request {
    /// The role that it is about, where it is about one.
    pub fn role(&self) -> Option<&str> {
        match self {
            Request::ClaimRole { role, .. } | Request::ReleaseRole { role, .. } => Some(role),
            Request::DeletePod { .. }
            | Request::DiscardVolumes { .. }
            | Request::Quarantine { .. } => None,
        }
    }
}

/// Not done yet, and on the way.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower,
)]
#[component(record)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// Handed to the next call under the same id.
    pub checkpoint: Vec<u8>,
    /// 0 to 100.
    pub percent: Option<u8>,
    /// For people: what it waits for.
    pub message: String,
    /// When to ask again, in milliseconds.
    #[component(name = "again-after-ms")]
    pub again_after_ms: u32,
    /// Further key/values.
    #[serde(default)]
    pub extra: Extra,
}

/// One thing that `validate` has to say.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower,
)]
#[component(record)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Where, as a path in the app's spec.
    pub path: String,
    /// What is wrong and what to do.
    pub text: String,
    /// Whether the spec is refused for it; otherwise it is a warning.
    pub blocks: bool,
    /// Further key/values.
    #[serde(default)]
    pub extra: Extra,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => f.write_str(&self.text),
            path => write!(f, "{path}: {}", self.text),
        }
    }
}

/// What a probe saw of one member.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[component(record)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Whether the member is useful.
    pub healthy: bool,
    /// The role that it has.
    pub role: Option<String>,
    /// For the plugin's own later calls.
    pub note: Vec<u8>,
    /// Numbers for the metrics.
    pub figures: Vec<Figure>,
    /// Names of tasks of the manifest that should run.
    pub wants: Vec<String>,
    /// Further key/values.
    #[serde(default)]
    pub extra: Extra,
}

/// A number for the metrics.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Figure {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: f64,
}

/// How a hook fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[component(variant)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Try again, with backoff.
    #[component(name = "retry")]
    Retry(String),
    /// Trying again is useless until the spec or the plugin changes.
    #[component(name = "fatal")]
    Fatal(String),
}

/// `outcome` of the contract: what an act hook returns when it did not fail.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(variant)]
pub(crate) enum Step {
    #[component(name = "done")]
    Done,
    #[component(name = "in-progress")]
    InProgress(Progress),
    #[component(name = "refuse")]
    Refuse(String),
}

impl From<Result<Step, Fault>> for Outcome {
    fn from(answer: Result<Step, Fault>) -> Outcome {
        match answer {
            Ok(Step::Done) => Outcome::Done,
            Ok(Step::InProgress(progress)) => Outcome::InProgress(progress),
            Ok(Step::Refuse(text)) => Outcome::Refuse(text),
            Err(Fault::Retry(text)) => Outcome::Retry(text),
            Err(Fault::Fatal(text)) => Outcome::Fatal(text),
        }
    }
}
