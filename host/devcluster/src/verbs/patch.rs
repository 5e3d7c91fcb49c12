//! Changing an object by a patch. The type of the patch is its content type.

use std::sync::Arc;

use serde_json::Value;

use super::Context;
use super::update::{Part, commit};
use crate::admission::{self, Source, metadata};
use crate::failure::Failure;
use crate::object;
use crate::patch::topology::Place;
use crate::patch::{apply, managed, strategic};
use crate::request::Target;
use crate::state::{Answer, State};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PatchType {
    Json,
    Merge,
    Strategic,
    Apply,
}

impl PatchType {
    pub(crate) fn of(content_type: &str) -> Result<Self, Failure> {
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        match media_type {
            "application/json-patch+json" => Ok(Self::Json),
            "application/merge-patch+json" => Ok(Self::Merge),
            "application/strategic-merge-patch+json" => Ok(Self::Strategic),
            "application/apply-patch+yaml" => Ok(Self::Apply),
            _ => Err(
                Failure::new(415, "UnsupportedMediaType", "415: Unsupported Media Type")
                    .with_empty_details(),
            ),
        }
    }
}

pub(crate) fn patch(
    state: &mut State,
    target: &Target,
    context: &Context,
    patch_type: PatchType,
    body: &Value,
) -> Result<Answer, Failure> {
    let part = Part::of(target)?;
    let kind = &target.kind;
    if patch_type == PatchType::Apply {
        return apply_config(state, target, context, part, body);
    }
    let old = state.find(target)?;
    let mut patched = Value::clone(&*kind.present(&target.version, &old));
    change(target, patch_type, &mut patched, body)?;
    let shown = match patch_type {
        PatchType::Strategic => strategic::shown(body),
        _ => patched.to_string(),
    };
    let (given, warnings) = admission::decode(target, context, patched, Source::Patch(&shown))?;
    let given = kind.stored(given);
    metadata::check_identity(target, &old, &given, metadata::Precision::Patch)?;
    let operation = managed::Operation::Update;
    let written = commit(state, target, context, &old, given, part, operation)?;
    Ok(Answer::object(kind, &target.version, &written).with_warnings(warnings))
}

/// Applies a patch that needs no bookkeeping to an object.
pub(crate) fn change(
    target: &Target,
    patch_type: PatchType,
    object: &mut Value,
    body: &Value,
) -> Result<(), Failure> {
    match patch_type {
        PatchType::Merge => {
            if !body.is_object() {
                return Err(undecodable(body, "map[string]interface {}"));
            }
            json_patch::merge(object, body);
            Ok(())
        }
        PatchType::Json => {
            if !body.is_array() {
                return Err(undecodable(body, "[]handlers.jsonPatchOp"));
            }
            let operations: json_patch::Patch =
                serde_json::from_value(body.clone()).map_err(|_| Failure::unprocessable())?;
            json_patch::patch(object, &operations).map_err(|_| Failure::unprocessable())
        }
        PatchType::Strategic => match target.kind.builtin() {
            Some(builtin) => {
                strategic::apply(builtin, object, body).map_err(Failure::without_reason)
            }
            None => Err(Failure::unsupported_media_type(&[
                "application/json-patch+json",
                "application/merge-patch+json",
                "application/apply-patch+yaml",
            ])),
        },
        PatchType::Apply => Err(Failure::unsupported_media_type(&[
            "application/json-patch+json",
            "application/merge-patch+json",
        ])),
    }
}

/// Upstream's words, its language's names of types among them.
fn undecodable(patch: &Value, wanted: &str) -> Failure {
    let given = match patch {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    Failure::bad_request(format!(
        "error decoding patch: json: cannot unmarshal {given} into Go value of type {wanted}"
    ))
}

fn apply_config(
    state: &mut State,
    target: &Target,
    context: &Context,
    part: Part,
    body: &Value,
) -> Result<Answer, Failure> {
    let kind = &target.kind;
    for field in ["apiVersion", "kind"] {
        if object::text(body, &format!("/{field}")).is_empty() {
            return Err(Failure::bad_request(format!(
                "an applied configuration names its apiVersion and kind: {field} is not set"
            )));
        }
    }
    if !object::list(body, "/metadata/managedFields").is_empty() {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    let (mut config, warnings) =
        admission::decode(target, context, body.clone(), Source::Configuration)?;
    let place = Place::root(kind, &target.version);
    if let Some(what) = apply::named_twice(&place, &config, "") {
        return Err(apply::untyped(target, body, &what));
    }
    let name = target.name.as_deref().unwrap_or_default();
    if object::name(&config).is_empty() {
        object::set(&mut config, &["metadata", "name"], name);
    }
    let operation = managed::Operation::Apply(&config);
    let found: Option<Arc<Value>> = state.find(target).ok();
    let Some(old) = found else {
        if part != Part::Main {
            return Err(Failure::not_found(&kind.subject(), name));
        }
        let uid = object::uid(&config);
        if !uid.is_empty() {
            return Err(Failure::conflict(
                &kind.subject(),
                name,
                &format!(
                    "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
                ),
            ));
        }
        let written = super::create::insert(state, target, context, config.clone(), operation)?;
        return Ok(Answer::object(kind, &target.version, &written)
            .with_code(201)
            .with_warnings(warnings));
    };
    metadata::check_identity(target, &old, &config, metadata::Precision::Patch)?;
    let merged = apply::apply(
        &place,
        &kind.present(&target.version, &old),
        &config,
        &apply::fields_of(&place, &config, part == Part::Status),
        &managed::Managers::read(&old),
        &managed::Manager::new(target, context, operation),
        context.options.is_set("force"),
    )?;
    let given = kind.stored(merged);
    let written = commit(state, target, context, &old, given, part, operation)?;
    Ok(Answer::object(kind, &target.version, &written).with_warnings(warnings))
}
