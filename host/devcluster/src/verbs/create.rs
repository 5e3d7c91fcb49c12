//! Creating an object.

use std::sync::Arc;

use serde_json::Value;

use super::Context;
use crate::admission::{self, Source, metadata};
use crate::failure::{Cause, Failure};
use crate::kinds::Builtin;
use crate::object;
use crate::patch::managed;
use crate::request::Target;
use crate::state::{Answer, State};
use crate::store::Key;

pub(crate) fn create(
    state: &mut State,
    target: &Target,
    context: &Context,
    body: Value,
) -> Result<Answer, Failure> {
    let (given, mut warnings) = admission::decode(target, context, body, Source::Body)?;
    warnings.extend(admission::warnings(&target.kind, &given));
    let stored = insert(state, target, context, given, managed::Operation::Update)?;
    Ok(Answer::object(&target.kind, &target.version, &stored)
        .with_code(201)
        .with_warnings(warnings))
}

/// Admits and writes a decoded object that does not exist yet.
pub(crate) fn insert(
    state: &mut State,
    target: &Target,
    context: &Context,
    given: Value,
    operation: managed::Operation<'_>,
) -> Result<Arc<Value>, Failure> {
    let kind = &target.kind;
    let mut object = kind.stored(given);
    let brought = object.clone();
    metadata::prepare_create(state, target, context, &mut object)?;
    check_namespace(state, target, &object)?;
    admission::reset_status(kind, &mut object);
    admission::complete(state, kind, &target.version, &mut object);

    let name = object::name(&object).to_owned();
    let causes = admission::causes(kind, &target.version, None, &object);
    refuse_if_any(target, &name, causes)?;
    if let Some(refusal) = admission::refusal(state, kind, None, &object) {
        return Err(refusal);
    }
    let set_aside = admission::set_aside(kind, &brought, &mut object);
    managed::track(target, context, None, &mut object, operation);
    admission::put_back(&mut object, set_aside);

    let key = Key::of(&object);
    if state.store.get(&kind.storage, &key).is_some() {
        return Err(Failure::already_exists(&kind.subject(), &name));
    }
    if context.is_dry_run {
        return Ok(Arc::new(object));
    }
    let written = state.put(&kind.storage, object);
    if kind.builtin() == Some(Builtin::Event) {
        drop_old_events(state);
    }
    Ok(written)
}

pub(crate) fn refuse_if_any(
    target: &Target,
    name: &str,
    causes: Vec<Cause>,
) -> Result<(), Failure> {
    if causes.is_empty() {
        return Ok(());
    }
    Err(Failure::invalid(&target.kind.subject(), name, causes))
}

fn check_namespace(state: &State, target: &Target, object: &Value) -> Result<(), Failure> {
    let Some(namespace) = target.namespace.as_deref() else {
        return Ok(());
    };
    let found = state.store.get("namespaces", &Key::new("", namespace));
    match found {
        None => {
            let namespaces = crate::failure::Subject {
                resource: "namespaces".to_owned(),
                ..Default::default()
            };
            Err(Failure::not_found(&namespaces, namespace))
        }
        Some(found) if object::is_terminating(found) => Err(Failure::namespace_terminating(
            &target.kind.subject(),
            object::name(object),
            namespace,
        )),
        Some(_) => Ok(()),
    }
}

/// Events are many and short-lived: only the last ones are kept.
fn drop_old_events(state: &mut State) {
    const KEPT: usize = 2_000;
    if state.store.count("events") <= KEPT {
        return;
    }
    let oldest = state
        .store
        .list("events", None)
        .min_by_key(|(_, event)| object::resource_version(event).parse::<u64>().unwrap_or(0))
        .map(|(key, _)| key.clone());
    if let Some(oldest) = oldest {
        state.remove("events", &oldest);
    }
}
