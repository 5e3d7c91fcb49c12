//! The schemas of a group, as `kubectl explain` reads them.
//!
//! Built-in kinds are described by their generated types, custom resources by their definitions. The schemas carry no
//! keys of strategic patches: clients compute those with types of their own.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use crate::kinds::{Builtin, Kind};
use crate::object;

/// Every schema of these kinds, by name, with what they refer to.
pub(super) fn of(kinds: &[&Arc<Kind>], version: &str) -> Map<String, Value> {
    let settings = SchemaSettings::openapi3();
    let mut generator = settings.into_generator();
    let mut own = Map::new();
    for kind in kinds {
        let identity = json!([{"group": kind.group, "version": version, "kind": kind.kind}]);
        let (name, mut schema) = match kind.builtin() {
            Some(builtin) => {
                let schema = builtin_schema(&mut generator, builtin, &kind.group);
                let reference = object::text(&schema, "/$ref");
                let name = reference.rsplit('/').next().unwrap_or_default().to_owned();
                let found = generator.definitions().get(&name).cloned();
                (name, found.unwrap_or(schema))
            }
            None => (
                format!("{}.{version}.{}", reversed(&kind.group), kind.kind),
                custom_schema(&mut generator, kind, version),
            ),
        };
        object::set(&mut schema, &["x-kubernetes-group-version-kind"], identity);
        own.insert(name, schema);
    }
    let mut schemas = generator.take_definitions(true);
    schemas.extend(own);
    schemas
}

/// `com.example` for `example.com`: how upstream names the schemas of custom resources.
fn reversed(group: &str) -> String {
    let mut parts: Vec<_> = group.split('.').collect();
    parts.reverse();
    parts.join(".")
}

fn custom_schema(generator: &mut SchemaGenerator, kind: &Kind, version: &str) -> Value {
    let schema = kind
        .custom(version)
        .and_then(|custom| custom.schema.clone());
    let mut schema = schema.unwrap_or_else(|| json!({"type": "object"}));
    let metadata = generator.subschema_for::<ObjectMeta>().to_value();
    let text = |description: &str| json!({"type": "string", "description": description});
    object::with_map(&mut schema, &["properties"], |properties| {
        properties.insert("metadata".to_owned(), metadata);
        for (field, description) in [
            ("apiVersion", "The group and version of this object."),
            ("kind", "The kind of this object."),
        ] {
            properties.insert(field.to_owned(), text(description));
        }
    });
    schema
}

fn builtin_schema(generator: &mut SchemaGenerator, builtin: Builtin, group: &str) -> Value {
    fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
    let schema = match builtin {
        Builtin::ConfigMap => of::<core::ConfigMap>(generator),
        Builtin::ControllerRevision => of::<ControllerRevision>(generator),
        Builtin::CustomResourceDefinition => of::<CustomResourceDefinition>(generator),
        Builtin::EndpointSlice => of::<EndpointSlice>(generator),
        Builtin::Endpoints => of::<core::Endpoints>(generator),
        Builtin::Event if group.is_empty() => of::<core::Event>(generator),
        Builtin::Event => of::<Event>(generator),
        Builtin::Lease => of::<Lease>(generator),
        Builtin::Namespace => of::<core::Namespace>(generator),
        Builtin::Node => of::<core::Node>(generator),
        Builtin::PersistentVolume => of::<core::PersistentVolume>(generator),
        Builtin::PersistentVolumeClaim => of::<core::PersistentVolumeClaim>(generator),
        Builtin::Pod => of::<core::Pod>(generator),
        Builtin::PodDisruptionBudget => of::<PodDisruptionBudget>(generator),
        Builtin::PodTemplate => of::<core::PodTemplate>(generator),
        Builtin::ResourceQuota => of::<core::ResourceQuota>(generator),
        Builtin::Secret => of::<core::Secret>(generator),
        Builtin::Service => of::<core::Service>(generator),
        Builtin::ServiceAccount => of::<core::ServiceAccount>(generator),
        Builtin::StatefulSet => of::<StatefulSet>(generator),
        Builtin::StorageClass => of::<StorageClass>(generator),
    };
    schema.to_value()
}
