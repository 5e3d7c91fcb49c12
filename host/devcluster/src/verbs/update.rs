//! Replacing an object, or one of the parts that subresources stand for.

use std::sync::Arc;

use serde_json::Value;

use super::Context;
use super::create::refuse_if_any;
use crate::admission::{self, Source, metadata};
use crate::failure::Failure;
use crate::kinds::{Builtin, Kind};
use crate::object;
use crate::patch::managed;
use crate::request::Target;
use crate::state::{Answer, State};
use crate::store::Key;

/// Which part of an object a request may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// All but the status, where the kind keeps its status apart.
    Main,
    Status,
    /// The finalizers in the spec of a namespace.
    Finalize,
}

impl Part {
    pub(crate) fn of(target: &Target) -> Result<Self, Failure> {
        let kind = &target.kind;
        match target.subresource.as_deref() {
            None => Ok(Self::Main),
            Some("status") if kind.has_status => Ok(Self::Status),
            Some("finalize") if kind.builtin() == Some(Builtin::Namespace) => Ok(Self::Finalize),
            Some(_) => Err(Failure::nothing_here()),
        }
    }
}

pub(crate) fn update(
    state: &mut State,
    target: &Target,
    context: &Context,
    body: Value,
) -> Result<Answer, Failure> {
    let part = Part::of(target)?;
    let (given, warnings) = admission::decode(target, context, body, Source::Body)?;
    let kind = &target.kind;
    let old = match state.find(target) {
        Ok(old) => old,
        Err(failure) if part == Part::Main && may_create(kind) => {
            if !object::resource_version(&given).is_empty() {
                return Err(failure);
            }
            let operation = managed::Operation::Update;
            let written = super::create::insert(state, target, context, given, operation)?;
            return Ok(Answer::object(kind, &target.version, &written)
                .with_code(201)
                .with_warnings(warnings));
        }
        Err(failure) => return Err(failure),
    };
    let given = kind.stored(given);
    metadata::check_identity(target, &old, &given, metadata::Precision::Replace)?;
    let operation = managed::Operation::Update;
    let written = commit(state, target, context, &old, given, part, operation)?;
    Ok(Answer::object(kind, &target.version, &written).with_warnings(warnings))
}

/// The kinds whose update creates what is missing.
fn may_create(kind: &Kind) -> bool {
    matches!(
        kind.builtin(),
        Some(Builtin::Event | Builtin::Endpoints | Builtin::Lease | Builtin::Service)
    )
}

/// Admits the new state of an existing object and writes it, unless nothing changed.
pub(crate) fn commit(
    state: &mut State,
    target: &Target,
    context: &Context,
    old: &Arc<Value>,
    mut new: Value,
    part: Part,
    operation: managed::Operation<'_>,
) -> Result<Arc<Value>, Failure> {
    let kind = &target.kind;
    metadata::carry_over(old, &mut new);
    keep_other_parts(kind, old, &mut new, part);
    admission::complete(state, kind, &target.version, &mut new);

    let name = object::name(old).to_owned();
    let mut causes = metadata::update_causes(old, &new);
    causes.extend(admission::causes(kind, &target.version, Some(old), &new));
    refuse_if_any(target, &name, causes)?;
    if let Some(refusal) = admission::refusal(state, kind, Some(old), &new) {
        return Err(refusal);
    }

    if kind.has_generation && part == Part::Main && is_spec_changed(kind, old, &new) {
        let generation = object::number(old, "/metadata/generation").unwrap_or(0) + 1;
        object::set(&mut new, &["metadata", "generation"], generation);
    }
    managed::track(target, context, Some(old), &mut new, operation);

    if is_same(old, &new) {
        return Ok(old.clone());
    }
    if context.is_dry_run {
        return Ok(Arc::new(new));
    }
    if is_ready_to_go(kind, &new) {
        let key = Key::of(&new);
        state.put(&kind.storage, new);
        return state
            .remove(&kind.storage, &key)
            .ok_or_else(|| Failure::not_found(&kind.subject(), &name));
    }
    Ok(state.put(&kind.storage, new))
}

/// A terminating object goes with its last finalizer, a pod only once its grace period was cut to zero.
pub(crate) fn is_ready_to_go(kind: &Kind, object: &Value) -> bool {
    let has_spec_finalizers = kind.builtin() == Some(Builtin::Namespace)
        && !object::list(object, "/spec/finalizers").is_empty();
    object::is_terminating(object)
        && object::finalizers(object).next().is_none()
        && !has_spec_finalizers
        && object::number(object, "/metadata/deletionGracePeriodSeconds").unwrap_or(0) == 0
}

fn keep_other_parts(kind: &Kind, old: &Value, new: &mut Value, part: Part) {
    match part {
        Part::Main => {
            if kind.has_status {
                object::copy(old, new, &["status"]);
            }
            match kind.builtin() {
                Some(Builtin::Namespace) => object::copy(old, new, &["spec"]),
                // Whoever replaces a service without naming its address means the one it has.
                Some(Builtin::Service) if object::text(new, "/spec/clusterIP").is_empty() => {
                    object::copy(old, new, &["spec", "clusterIP"]);
                    object::copy(old, new, &["spec", "clusterIPs"]);
                }
                _ => {}
            }
        }
        Part::Status => {
            let status = new.get("status").cloned();
            let metadata = new.get("metadata").cloned();
            *new = old.clone();
            match status {
                Some(status) => object::set(new, &["status"], status),
                None => {
                    object::remove(new, &["status"]);
                }
            }
            // Built-in kinds let labels and annotations pass with a status; custom resources do not.
            if let (Some(_), Some(metadata)) = (kind.builtin(), metadata) {
                let owners = old.pointer("/metadata/ownerReferences").cloned();
                object::set(new, &["metadata"], metadata);
                match owners {
                    Some(owners) => object::set(new, &["metadata", "ownerReferences"], owners),
                    None => {
                        object::remove(new, &["metadata", "ownerReferences"]);
                    }
                }
            }
        }
        Part::Finalize => {
            let finalizers = new.pointer("/spec/finalizers").cloned();
            *new = old.clone();
            object::set(
                new,
                &["spec", "finalizers"],
                finalizers.unwrap_or_else(|| Value::Array(Vec::new())),
            );
        }
    }
}

fn is_spec_changed(kind: &Kind, old: &Value, new: &Value) -> bool {
    let empty = serde_json::Map::new();
    let fields_of = |object: &'_ Value| object.as_object().cloned().unwrap_or(empty.clone());
    let counted = |object: &Value| {
        let mut fields = fields_of(object);
        for apart in ["metadata", "apiVersion", "kind"] {
            fields.remove(apart);
        }
        if kind.has_status {
            fields.remove("status");
        }
        fields
    };
    counted(old) != counted(new)
}

/// Whether a write would change nothing but the times of its bookkeeping.
fn is_same(old: &Value, new: &Value) -> bool {
    let bare = |object: &Value| {
        let mut object = object.clone();
        object::remove(&mut object, &["metadata", "managedFields"]);
        object::remove(&mut object, &["metadata", "resourceVersion"]);
        object
    };
    bare(old) == bare(new) && managed::is_same(old, new)
}
