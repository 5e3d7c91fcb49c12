//! How a capability fails.

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

/// How a capability fails, as the plugin sees it.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    thiserror::Error,
    ComponentType,
    Lift,
    Lower,
)]
#[component(variant)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// Not granted. Names the grant that would allow it.
    #[error("denied: {0}")]
    #[component(name = "denied")]
    Denied(String),
    /// The pod was replaced under its name, or is gone.
    #[error("the pod was replaced or is gone")]
    #[component(name = "replaced")]
    Replaced,
    /// The member does not answer.
    #[error("unreachable: {0}")]
    #[component(name = "unreachable")]
    Unreachable(String),
    /// The member answers too slowly.
    #[error("timed out")]
    #[component(name = "timeout")]
    Timeout,
    /// The connection is closed.
    #[error("closed")]
    #[component(name = "closed")]
    Closed,
    /// TLS could not be agreed on.
    #[error("TLS: {0}")]
    #[component(name = "tls")]
    Tls(String),
    /// A limit of this call is used up. Names the limit.
    #[error("used up: {0}")]
    #[component(name = "budget")]
    Budget(String),
    /// The value changed since it was read.
    #[error("changed since it was read")]
    #[component(name = "conflict")]
    Conflict,
    /// Anything else.
    #[error("{0}")]
    #[component(name = "other")]
    Other(String),
}
