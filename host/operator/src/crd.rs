//! The kinds that the operator brings: [`StatefulApp`] and [`Plugin`]. Their definitions are generated from these types.

mod install;
#[allow(
    unreachable_pub,
    clippy::duplicated_attributes,
    reason = "the derive puts a copy of the struct into a private place; printer columns share types"
)]
mod plugin;
#[allow(
    unreachable_pub,
    clippy::duplicated_attributes,
    reason = "the derive puts a copy of the struct into a private place; printer columns share types"
)]
mod stateful_app;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use schemars::{Schema, json_schema};

pub use install::install_crds;
pub use plugin::{
    ConfigMapSource, FailurePolicies, FailurePolicy, GrantMode, LimitsSpec, Plugin, PluginAsk,
    PluginRole, PluginSpec, PluginState, PluginStatus, PluginTask, Source,
};
pub use stateful_app::{
    DeadlinePolicy, HookDeadline, Ordinals, PluginUse, PodManagementPolicy, RetentionPolicy,
    RollingUpdate, SecretKey, StatefulApp, StatefulAppSpec, StatefulAppStatus, UpdateStrategy,
    UpdateStrategyType, VolumeClaimRetention,
};

/// The definitions of both kinds.
pub fn crds() -> Vec<CustomResourceDefinition> {
    vec![StatefulApp::crd(), Plugin::crd()]
}

/// An object of which every field is kept.
fn any_object(_: &mut schemars::SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}

/// One with one owner: who wrote which field of it is recorded for each field otherwise, in as many bytes as the fields themselves, at every write.
fn whole_object(_: &mut schemars::SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": true,
        "x-kubernetes-map-type": "atomic"
    })
}

/// Anything.
fn anything(_: &mut schemars::SchemaGenerator) -> Schema {
    json_schema!({ "x-kubernetes-preserve-unknown-fields": true })
}

/// A list of such objects.
fn any_objects(_: &mut schemars::SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "items": { "type": "object", "x-kubernetes-preserve-unknown-fields": true }
    })
}

/// A number or a text.
fn int_or_string(_: &mut schemars::SchemaGenerator) -> Schema {
    json_schema!({ "x-kubernetes-int-or-string": true })
}
