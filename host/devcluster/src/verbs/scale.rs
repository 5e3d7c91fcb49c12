//! The scale subresource: the replica count apart from everything else.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Context;
use super::patch::{PatchType, change};
use super::update::{Part, commit};
use crate::failure::{Cause, Failure};
use crate::kinds::{ScalePaths, custom};
use crate::object::{self, number, text};
use crate::patch::managed;
use crate::request::Target;
use crate::selectors::labels::LabelSelector;
use crate::state::{Answer, State};

fn paths(target: &Target) -> Result<ScalePaths, Failure> {
    target
        .kind
        .scale(&target.version)
        .ok_or_else(Failure::nothing_here)
}

fn view(object: &Value, paths: &ScalePaths) -> Value {
    let selector = match &paths.selector {
        custom::Selector::None => String::new(),
        custom::Selector::Text(pointer) => text(object, pointer).to_owned(),
        custom::Selector::Object(pointer) => object
            .pointer(pointer)
            .map(|selector| LabelSelector::of_object(selector).to_text())
            .unwrap_or_default(),
    };
    let metadata = |field: &str| text(object, &format!("/metadata/{field}"));
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": metadata("name"),
            "namespace": metadata("namespace"),
            "uid": metadata("uid"),
            "resourceVersion": metadata("resourceVersion"),
            "creationTimestamp": metadata("creationTimestamp"),
        },
        "spec": match number(object, &paths.spec_replicas).unwrap_or(0) {
            0 => json!({}),
            replicas => json!({"replicas": replicas}),
        },
        "status": {
            "replicas": number(object, &paths.status_replicas).unwrap_or(0),
            "selector": selector,
        },
    })
}

pub(crate) fn get(state: &State, target: &Target) -> Result<Answer, Failure> {
    let paths = paths(target)?;
    Ok(Answer::plain(200, view(&*state.find(target)?, &paths)))
}

pub(crate) fn update(
    state: &mut State,
    target: &Target,
    context: &Context,
    scale: &Value,
) -> Result<Answer, Failure> {
    let paths = paths(target)?;
    let old = state.find(target)?;
    set(state, target, context, &old, &paths, scale)
}

pub(crate) fn patch(
    state: &mut State,
    target: &Target,
    context: &Context,
    patch_type: PatchType,
    body: &Value,
) -> Result<Answer, Failure> {
    let paths = paths(target)?;
    let old = state.find(target)?;
    let mut scale = view(&old, &paths);
    match patch_type {
        // A scale has no lists: both merge alike.
        PatchType::Strategic | PatchType::Merge | PatchType::Apply => {
            change(target, PatchType::Merge, &mut scale, body)?;
        }
        PatchType::Json => change(target, PatchType::Json, &mut scale, body)?,
    }
    set(state, target, context, &old, &paths, &scale)
}

fn set(
    state: &mut State,
    target: &Target,
    context: &Context,
    old: &Arc<Value>,
    paths: &ScalePaths,
    scale: &Value,
) -> Result<Answer, Failure> {
    let name = object::name(scale);
    if name != object::name(old) {
        return Err(Failure::bad_request(match name {
            "" => "the name of the object must be provided on update".to_owned(),
            name => format!(
                "the name of the object ({name}) does not match the name on the URL ({})",
                object::name(old)
            ),
        }));
    }
    let version = object::resource_version(scale);
    if !version.is_empty() && version != object::resource_version(old) {
        return Err(Failure::stale(&target.kind.subject(), object::name(old)));
    }
    let replicas = number(scale, "/spec/replicas").unwrap_or(0);
    if replicas < 0 {
        let subject = crate::failure::Subject {
            group: "autoscaling".to_owned(),
            resource: "scales".to_owned(),
            kind: "Scale".to_owned(),
        };
        let cause = Cause::invalid(
            "spec.replicas",
            &Value::from(replicas),
            "must be greater than or equal to 0",
        );
        return Err(Failure::invalid(&subject, object::name(old), vec![cause]));
    }
    let mut new = Value::clone(old);
    let steps: Vec<&str> = paths.spec_replicas.split('/').skip(1).collect();
    object::set(&mut new, &steps, replicas);
    let operation = managed::Operation::Update;
    let written = commit(state, target, context, old, new, Part::Main, operation)?;
    Ok(Answer::plain(200, view(&written, paths)))
}
