//! What happens to an object between the request and the store: decode, complete, judge.

pub(crate) mod crd_schema;
pub(crate) mod defaulting;
pub(crate) mod fields;
pub(crate) mod metadata;
pub(crate) mod validation;

pub(crate) use validation::class_of;

use serde_json::{Value, json};

use crate::failure::{Cause, Failure};
use crate::kinds::{Builtin, Kind};
use crate::object;
use crate::request::{FieldValidation, Target};
use crate::state::State;
use crate::verbs::Context;

/// Reads a body as an object of the target's kind and version: unknown fields are dropped and, as the client asked,
/// refused, told or passed over. Also returns the warnings.
pub(crate) fn decode(
    target: &Target,
    context: &Context,
    mut body: Value,
) -> Result<(Value, Vec<String>), Failure> {
    let kind = &target.kind;
    if !body.is_object() {
        return Err(Failure::bad_request(format!(
            "the body of the request is not a {} object",
            kind.kind
        )));
    }
    check_type(target, &mut body)?;
    let handled = |what: &str| {
        Failure::bad_request(format!(
            "{} in version {:?} cannot be handled as a {}: {what}",
            kind.kind, target.version, kind.kind
        ))
    };
    let unknown =
        fields::drop_unknown(kind, &target.version, &mut body).map_err(|error| handled(&error))?;
    let unknown: Vec<_> = unknown
        .iter()
        .map(|field| format!("unknown field {field:?}"))
        .collect();
    match context.field_validation {
        FieldValidation::Strict if !unknown.is_empty() => Err(handled(&format!(
            "strict decoding error: {}",
            unknown.join(", ")
        ))),
        FieldValidation::Warn => Ok((body, unknown)),
        FieldValidation::Strict | FieldValidation::Ignore => Ok((body, Vec::new())),
    }
}

fn check_type(target: &Target, body: &mut Value) -> Result<(), Failure> {
    for (field, expected) in [
        ("apiVersion", target.api_version()),
        ("kind", target.kind.kind.clone()),
    ] {
        let given = object::text(body, &format!("/{field}"));
        if given.is_empty() {
            object::set(body, &[field], expected);
        } else if given != expected {
            return Err(Failure::bad_request(match field {
                "kind" => format!(
                    "{given} in version {:?} cannot be handled as a {expected}: the kind does not belong to this path",
                    target.version
                ),
                _ => format!(
                    "the API version in the data ({given}) does not match the expected API version ({expected})"
                ),
            }));
        }
    }
    Ok(())
}

/// A new object starts without a status, or with the first one of its kind.
pub(crate) fn reset_status(kind: &Kind, object: &mut Value) {
    let first = match kind.builtin() {
        // A node agent creates its node together with its status.
        Some(Builtin::Node) => return,
        Some(Builtin::Pod) => json!({"phase": "Pending"}),
        Some(Builtin::PersistentVolume | Builtin::PersistentVolumeClaim) => {
            json!({"phase": "Pending"})
        }
        Some(Builtin::Namespace) => json!({"phase": "Active"}),
        Some(Builtin::Service) => json!({"loadBalancer": {}}),
        Some(Builtin::StatefulSet) => json!({"replicas": 0, "availableReplicas": 0}),
        _ if !kind.has_status => return,
        _ => {
            object::remove(object, &["status"]);
            return;
        }
    };
    object::set(object, &["status"], first);
}

/// Fills in what the client left out.
pub(crate) fn complete(state: &State, kind: &Kind, version: &str, object: &mut Value) {
    metadata::drop_empty(object);
    match kind.builtin() {
        Some(builtin) => defaulting::apply(state, builtin, object),
        None => {
            if let Some(schema) = kind
                .custom(version)
                .and_then(|custom| custom.schema.as_ref())
            {
                crd_schema::default(schema, object);
            }
        }
    }
}

/// What only other objects can tell against a write.
pub(crate) fn refusal(
    state: &State,
    kind: &Kind,
    old: Option<&Value>,
    object: &Value,
) -> Option<Failure> {
    validation::refusal(state, kind.builtin()?, old, object)
}

/// Everything that speaks against an object.
pub(crate) fn causes(
    kind: &Kind,
    version: &str,
    old: Option<&Value>,
    object: &Value,
) -> Vec<Cause> {
    let mut causes = metadata::causes(kind, object);
    match kind.builtin() {
        Some(builtin) => causes.extend(validation::causes(builtin, old, object)),
        None => {
            let custom = kind.custom(version);
            if let Some(schema) = custom.and_then(|custom| custom.schema.as_ref()) {
                causes.extend(crd_schema::causes(schema, object));
            }
            // Rules may take for granted what the schema says.
            if causes.is_empty()
                && let Some(rules) = custom.and_then(|custom| custom.rules.as_ref())
            {
                causes.extend(rules.causes(old, object));
            }
        }
    }
    causes
}
