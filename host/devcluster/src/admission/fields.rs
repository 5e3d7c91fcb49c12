//! Which fields a kind has.
//!
//! Built-in kinds are decoded with their generated types: what does not survive the way there and back is unknown.
//! Custom resources are held against their schema.

use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use stateward_quantity::{NoQuantity, Quantity};

use super::crd_schema;
use crate::kinds::{Builtin, Kind};
use crate::object;

/// Drops the fields that the kind does not have and names them. The error says which value has the wrong type.
pub(crate) fn drop_unknown(
    kind: &Kind,
    version: &str,
    body: &mut Value,
) -> Result<Vec<String>, String> {
    object::drop_nulls(body);
    let mut unknown = Vec::new();
    match kind.builtin() {
        Some(builtin) => {
            if has_quantities(builtin) {
                write_quantities(body)?;
            }
            let survived = there_and_back(builtin, &kind.group, body)
                .map_err(|error| format!("json: {error}"))?;
            keep_survivors(body, &survived, "", &mut unknown);
        }
        None => {
            if let Some(metadata) = body.get_mut("metadata") {
                let survived = survivors::<ObjectMeta>(metadata)
                    .map_err(|error| format!("json: metadata: {error}"))?;
                keep_survivors(metadata, &survived, "metadata", &mut unknown);
            }
            if let Some(schema) = kind
                .custom(version)
                .and_then(|custom| custom.schema.as_ref())
            {
                crd_schema::prune(schema, body, &mut unknown);
            }
        }
    }
    Ok(unknown)
}

/// Kinds whose maps of these names hold anything else are left alone.
fn has_quantities(builtin: Builtin) -> bool {
    matches!(
        builtin,
        Builtin::Node
            | Builtin::PersistentVolume
            | Builtin::PersistentVolumeClaim
            | Builtin::Pod
            | Builtin::PodTemplate
            | Builtin::StatefulSet
    )
}

fn there_and_back(builtin: Builtin, group: &str, body: &Value) -> Result<Value, serde_json::Error> {
    match builtin {
        Builtin::ConfigMap => survivors::<core::ConfigMap>(body),
        Builtin::ControllerRevision => survivors::<ControllerRevision>(body),
        Builtin::CustomResourceDefinition => survivors::<CustomResourceDefinition>(body),
        Builtin::EndpointSlice => survivors::<EndpointSlice>(body),
        Builtin::Endpoints => survivors::<core::Endpoints>(body),
        Builtin::Event if group.is_empty() => survivors::<core::Event>(body),
        Builtin::Event => survivors::<Event>(body),
        Builtin::Lease => survivors::<Lease>(body),
        Builtin::Namespace => survivors::<core::Namespace>(body),
        Builtin::Node => survivors::<core::Node>(body),
        Builtin::PersistentVolume => survivors::<core::PersistentVolume>(body),
        Builtin::PersistentVolumeClaim => survivors::<core::PersistentVolumeClaim>(body),
        Builtin::Pod => survivors::<core::Pod>(body),
        Builtin::PodDisruptionBudget => survivors::<PodDisruptionBudget>(body),
        Builtin::PodTemplate => survivors::<core::PodTemplate>(body),
        Builtin::ResourceQuota => survivors::<core::ResourceQuota>(body),
        Builtin::Secret => survivors::<core::Secret>(body),
        Builtin::Service => survivors::<core::Service>(body),
        Builtin::ServiceAccount => survivors::<core::ServiceAccount>(body),
        Builtin::StatefulSet => survivors::<StatefulSet>(body),
        Builtin::StorageClass => survivors::<StorageClass>(body),
    }
}

fn survivors<T: DeserializeOwned + Serialize>(body: &Value) -> Result<Value, serde_json::Error> {
    serde_json::to_value(T::deserialize(body)?)
}

fn keep_survivors(given: &mut Value, survived: &Value, path: &str, unknown: &mut Vec<String>) {
    match (given, survived) {
        (Value::Object(given), Value::Object(survived)) => {
            given.retain(|field, value| {
                let here = match path {
                    "" => field.clone(),
                    path => format!("{path}.{field}"),
                };
                match survived.get(field) {
                    Some(known) => {
                        keep_survivors(value, known, &here, unknown);
                        true
                    }
                    None => {
                        unknown.push(here);
                        false
                    }
                }
            });
        }
        (Value::Array(given), Value::Array(survived)) => {
            for (position, (given, survived)) in given.iter_mut().zip(survived).enumerate() {
                keep_survivors(given, survived, &format!("{path}[{position}]"), unknown);
            }
        }
        _ => {}
    }
}

/// Quantities may be written as plain numbers and in more than one way; they are kept as text in upstream's way. The
/// error names what is no quantity.
fn write_quantities(value: &mut Value) -> Result<(), String> {
    const MAPS: &[&str] = &["requests", "limits", "capacity", "allocatable", "overhead"];
    const SINGLE: &[&str] = &["sizeLimit", "divisor"];
    match value {
        Value::Object(fields) => {
            for (field, value) in fields.iter_mut() {
                if SINGLE.contains(&field.as_str()) {
                    write_quantity(value, |amount| amount)?;
                } else if MAPS.contains(&field.as_str())
                    && let Value::Object(quantities) = value
                {
                    for quantity in quantities.values_mut() {
                        write_quantity(quantity, Quantity::rounded_up_to_milli)?;
                    }
                } else {
                    write_quantities(value)?;
                }
            }
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(write_quantities),
        _ => Ok(()),
    }
}

fn write_quantity(value: &mut Value, rounded: impl Fn(Quantity) -> Quantity) -> Result<(), String> {
    let given = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        // The type of the object tells what is wrong.
        _ => return Ok(()),
    };
    let quantity: Quantity = given
        .parse()
        .map_err(|error: NoQuantity| error.to_string())?;
    *value = Value::from(rounded(quantity).to_string());
    Ok(())
}
