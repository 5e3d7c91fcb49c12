//! What a built-in kind insists on.

mod configuration;
mod definitions;
mod pods;
mod services;
mod stateful_sets;
mod storage;

use serde_json::Value;

pub(crate) use storage::class_of;

use crate::failure::{Cause, Failure};
use crate::kinds::Builtin;
use crate::object::{list, number, text};
use crate::state::State;

/// Everything that speaks against a new object, or against the change of an old one.
pub(crate) fn causes(builtin: Builtin, old: Option<&Value>, new: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    match builtin {
        Builtin::ConfigMap => configuration::check(old, new, &["data", "binaryData"], &mut causes),
        Builtin::ControllerRevision => configuration::check_revision(old, new, &mut causes),
        Builtin::CustomResourceDefinition => definitions::check(new, &mut causes),
        Builtin::EndpointSlice => services::check_slice(old, new, &mut causes),
        Builtin::Event => event(new, &mut causes),
        Builtin::Lease => lease(new, &mut causes),
        Builtin::PersistentVolume => storage::check_volume(old, new, &mut causes),
        Builtin::PersistentVolumeClaim => storage::check_claim(old, new, &mut causes),
        Builtin::Pod => pods::check(old, new, &mut causes),
        Builtin::PodDisruptionBudget => budget(new, &mut causes),
        Builtin::PodTemplate => pods::check_spec(new, "/template/spec", &mut causes),
        Builtin::Secret => configuration::check_secret(old, new, &mut causes),
        Builtin::Service => services::check(old, new, &mut causes),
        Builtin::StatefulSet => stateful_sets::check(old, new, &mut causes),
        Builtin::StorageClass => storage::check_class(old, new, &mut causes),
        Builtin::Endpoints
        | Builtin::Namespace
        | Builtin::Node
        | Builtin::ResourceQuota
        | Builtin::ServiceAccount => {}
    }
    causes
}

/// What only other objects can tell: a claim grows only where its class allows it, a pod's account has to be there.
pub(crate) fn refusal(
    state: &State,
    builtin: Builtin,
    old: Option<&Value>,
    new: &Value,
) -> Option<Failure> {
    match (builtin, old) {
        (Builtin::PersistentVolumeClaim, Some(old)) => storage::refused_expansion(state, old, new),
        (Builtin::Pod, None) => pods::refused_account(state, new),
        _ => None,
    }
}

fn not_negative(object: &Value, pointers: &[&str], causes: &mut Vec<Cause>) {
    for pointer in pointers {
        if let Some(value) = number(object, pointer)
            && value < 0
        {
            causes.push(Cause::invalid(
                field(pointer),
                &Value::from(value),
                "must be greater than or equal to 0",
            ));
        }
    }
}

/// `/spec/replicas` as messages write it.
fn field(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

fn one_of(object: &Value, pointer: &str, supported: &[&str], causes: &mut Vec<Cause>) {
    let given = text(object, pointer);
    if !given.is_empty() && !supported.contains(&given) {
        let supported: Vec<_> = supported.iter().map(|&one| one.to_owned()).collect();
        causes.push(Cause::unsupported(
            field(pointer),
            &Value::from(given),
            &supported,
        ));
    }
}

fn unchanged(
    old: Option<&Value>,
    new: &Value,
    pointer: &str,
    detail: &str,
    causes: &mut Vec<Cause>,
) {
    if let Some(old) = old
        && old.pointer(pointer) != new.pointer(pointer)
    {
        let value = new.pointer(pointer).unwrap_or(&Value::Null);
        causes.push(Cause::invalid(field(pointer), value, detail));
    }
}

fn event(event: &Value, causes: &mut Vec<Cause>) {
    let about = text(event, "/involvedObject/namespace");
    let namespace = crate::object::namespace(event);
    let fits = about == namespace || (about.is_empty() && namespace == "default");
    if !fits {
        causes.push(Cause::invalid(
            "involvedObject.namespace",
            &Value::from(about),
            "does not match event.namespace",
        ));
    }
}

fn lease(lease: &Value, causes: &mut Vec<Cause>) {
    if let Some(seconds) = number(lease, "/spec/leaseDurationSeconds")
        && seconds <= 0
    {
        causes.push(Cause::invalid(
            "spec.leaseDurationSeconds",
            &Value::from(seconds),
            "must be greater than 0",
        ));
    }
    not_negative(lease, &["/spec/leaseTransitions"], causes);
}

fn budget(budget: &Value, causes: &mut Vec<Cause>) {
    let has = |pointer: &str| budget.pointer(pointer).is_some();
    if has("/spec/minAvailable") && has("/spec/maxUnavailable") {
        causes.push(Cause::invalid(
            "spec",
            budget.get("spec").unwrap_or(&Value::Null),
            "minAvailable and maxUnavailable cannot be both set",
        ));
    }
    not_negative(
        budget,
        &["/spec/minAvailable", "/spec/maxUnavailable"],
        causes,
    );
}

/// Labels of a template as a selector sees them.
fn selects_nothing(selector: &Value) -> bool {
    list(selector, "/matchExpressions").is_empty()
        && crate::object::map(selector, "/matchLabels").is_none_or(serde_json::Map::is_empty)
}
