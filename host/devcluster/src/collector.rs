//! What follows from a write: dependents of owners that are gone, the content of namespaces and definitions that are
//! being deleted, and the first objects of a new namespace.
//!
//! A real cluster leaves this to controllers that come by later. Here it is drawn in the same step as the write, so
//! that the cluster needs no task of its own and behaves the same each time.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::disruption::{self, BUDGETS};
use crate::kinds::builtin::DEFINITIONS;
use crate::kinds::custom;
use crate::object::{self, list, text};
use crate::quota;
use crate::state::{State, Touched};
use crate::store::Key;
use crate::store::objects::Location;
use crate::verbs::Context;
use crate::verbs::delete::{self, CLEANUP, DeleteOptions, FOREGROUND, ORPHAN, Propagation};

/// Draws every consequence of the writes so far.
pub(crate) fn settle(state: &mut State, context: &Context) {
    while let Some(touched) = state.touched.pop_front() {
        let resource = touched.resource.clone();
        if matches!(&*resource, "pods" | BUDGETS) {
            disruption::count(state, context, object::namespace(&touched.object));
        }
        quota::count(state, object::namespace(&touched.object));
        if touched.is_gone {
            owner_is_gone(state, context, &touched);
            content_may_be_gone(state, &touched);
            continue;
        }
        match &*resource {
            "namespaces" => namespace(state, context, &touched.object),
            DEFINITIONS => definition(state, context, &touched.object),
            _ => {}
        }
        if object::is_terminating(&touched.object) {
            terminating_owner(state, context, &touched);
        }
        has_lost_its_owners(state, context, &touched);
    }
}

fn current(state: &State, (resource, key): &Location) -> Option<Arc<Value>> {
    state.store.get(resource, key).cloned()
}

fn delete_at(state: &mut State, context: &Context, location: &Location, propagation: Propagation) {
    let (Some(object), Some(kind)) = (
        current(state, location),
        state.kinds.of_storage(&location.0).cloned(),
    ) else {
        return;
    };
    let is_foreground = object::finalizers(&object).any(|one| one == FOREGROUND);
    if object::is_terminating(&object) && (is_foreground || propagation != Propagation::Foreground)
    {
        return;
    }
    let options = DeleteOptions {
        propagation,
        ..Default::default()
    };
    delete::begin(state, &kind, &object, context, &options);
}

fn owner_is_gone(state: &mut State, context: &Context, owner: &Touched) {
    let uid = object::uid(&owner.object);
    for dependent in state.store.dependents_of(uid) {
        if let Some(object) = current(state, &dependent) {
            collect(state, context, &dependent, &object);
        }
    }
    // An owner in foreground deletion may have waited for this object.
    for reference in list(&owner.object, "/metadata/ownerReferences") {
        if let Some(location) = state.store.with_uid(text(reference, "/uid")).cloned()
            && let Some(object) = current(state, &location)
        {
            release_foreground(state, &location, &object);
        }
    }
}

fn has_lost_its_owners(state: &mut State, context: &Context, touched: &Touched) {
    if list(&touched.object, "/metadata/ownerReferences").is_empty() {
        return;
    }
    let location = (touched.resource.clone(), Key::of(&touched.object));
    if let Some(object) = current(state, &location)
        && !object::is_terminating(&object)
    {
        collect(state, context, &location, &object);
    }
}

/// Deletes a dependent whose owners are all gone; of several owners only the gone ones are dropped.
fn collect(state: &mut State, context: &Context, location: &Location, dependent: &Arc<Value>) {
    let owners = list(dependent, "/metadata/ownerReferences");
    let (there, gone): (Vec<&Value>, Vec<&Value>) = owners
        .iter()
        .partition(|owner| is_there(state, dependent, text(owner, "/uid")));
    if gone.is_empty() {
        return;
    }
    if there.is_empty() {
        delete_at(state, context, location, Propagation::Background);
        return;
    }
    let there: Vec<Value> = there.into_iter().cloned().collect();
    let mut kept = Value::clone(dependent);
    object::set(&mut kept, &["metadata", "ownerReferences"], there);
    state.put(&location.0, kept);
}

/// An owner lives in the dependent's namespace or in none.
fn is_there(state: &State, dependent: &Value, owner_uid: &str) -> bool {
    state.store.with_uid(owner_uid).is_some_and(|(_, key)| {
        key.namespace.is_empty() || key.namespace == object::namespace(dependent)
    })
}

fn terminating_owner(state: &mut State, context: &Context, touched: &Touched) {
    let location = (touched.resource.clone(), Key::of(&touched.object));
    let Some(owner) = current(state, &location) else {
        return;
    };
    if object::finalizers(&owner).any(|one| one == ORPHAN) {
        for dependent in state.store.dependents_of(object::uid(&owner)) {
            disown(state, &dependent, object::uid(&owner));
        }
        drop_finalizer(state, &location, ORPHAN);
    } else if object::finalizers(&owner).any(|one| one == FOREGROUND) {
        for dependent in state.store.dependents_of(object::uid(&owner)) {
            let has_dependents = current(state, &dependent)
                .is_some_and(|object| !state.store.dependents_of(object::uid(&object)).is_empty());
            let propagation = match has_dependents {
                true => Propagation::Foreground,
                false => Propagation::Background,
            };
            delete_at(state, context, &dependent, propagation);
        }
        if let Some(owner) = current(state, &location) {
            release_foreground(state, &location, &owner);
        }
    }
}

fn disown(state: &mut State, dependent: &Location, owner_uid: &str) {
    let Some(object) = current(state, dependent) else {
        return;
    };
    let kept: Vec<Value> = list(&object, "/metadata/ownerReferences")
        .iter()
        .filter(|owner| text(owner, "/uid") != owner_uid)
        .cloned()
        .collect();
    let mut orphan = Value::clone(&object);
    if kept.is_empty() {
        object::remove(&mut orphan, &["metadata", "ownerReferences"]);
    } else {
        object::set(&mut orphan, &["metadata", "ownerReferences"], kept);
    }
    state.put(&dependent.0, orphan);
}

fn release_foreground(state: &mut State, location: &Location, owner: &Value) {
    let uid = object::uid(owner);
    let is_waiting =
        object::is_terminating(owner) && object::finalizers(owner).any(|one| one == FOREGROUND);
    if !is_waiting {
        return;
    }
    let is_blocked = state.store.dependents_of(uid).iter().any(|dependent| {
        current(state, dependent).is_some_and(|object| {
            list(&object, "/metadata/ownerReferences")
                .iter()
                .any(|owner| {
                    text(owner, "/uid") == uid
                        && owner.get("blockOwnerDeletion").and_then(Value::as_bool) == Some(true)
                })
        })
    });
    if !is_blocked {
        drop_finalizer(state, location, FOREGROUND);
    }
}

fn drop_finalizer(state: &mut State, location: &Location, finalizer: &str) {
    let (Some(object), Some(kind)) = (
        current(state, location),
        state.kinds.of_storage(&location.0).cloned(),
    ) else {
        return;
    };
    let kept: Vec<_> = object::finalizers(&object)
        .filter(|one| *one != finalizer)
        .map(str::to_owned)
        .collect();
    let mut released = Value::clone(&object);
    if kept.is_empty() {
        object::remove(&mut released, &["metadata", "finalizers"]);
    } else {
        object::set(&mut released, &["metadata", "finalizers"], kept);
    }
    if crate::verbs::update::is_ready_to_go(&kind, &released) {
        state.remove(&location.0, &location.1);
    } else {
        state.put(&location.0, released);
    }
}

fn namespace(state: &mut State, context: &Context, namespace: &Value) {
    let name = object::name(namespace);
    if !object::is_terminating(namespace) {
        let key = Key::new(name, "default");
        if state.store.get("serviceaccounts", &key).is_none() {
            let account = json!({
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {
                    "name": "default",
                    "namespace": name,
                    "uid": state.new_uid(),
                    "creationTimestamp": context.timestamp(),
                },
            });
            state.put("serviceaccounts", account);
        }
        return;
    }
    for location in content_of(state, name) {
        delete_at(state, context, &location, Propagation::Background);
    }
    finish_namespace(state, name);
}

fn content_of(state: &State, namespace: &str) -> Vec<Location> {
    state
        .store
        .resources()
        .into_iter()
        .flat_map(|resource| {
            let keys: Vec<_> = match namespace {
                "" => Vec::new(),
                namespace => state
                    .store
                    .list(&resource, Some(namespace))
                    .map(|(key, _)| key.clone())
                    .collect(),
            };
            keys.into_iter().map(move |key| (resource.clone(), key))
        })
        .collect()
}

fn finish_namespace(state: &mut State, name: &str) {
    let key = Key::new("", name);
    let Some(namespace) = state.store.get("namespaces", &key).cloned() else {
        return;
    };
    if !object::is_terminating(&namespace) || !content_of(state, name).is_empty() {
        return;
    }
    if object::finalizers(&namespace).next().is_none() {
        state.remove("namespaces", &key);
    }
}

fn definition(state: &mut State, context: &Context, definition: &Value) {
    if !object::is_terminating(definition) {
        return;
    }
    let Some(kind) = custom::kind(definition) else {
        drop_finalizer(state, &definition_location(definition), CLEANUP);
        return;
    };
    let instances: Vec<Location> = state
        .store
        .list(&kind.storage, None)
        .map(|(key, _)| (Arc::from(kind.storage.as_str()), key.clone()))
        .collect();
    for instance in instances {
        delete_at(state, context, &instance, Propagation::Background);
    }
    finish_definition(state, &kind.storage);
}

fn definition_location(definition: &Value) -> Location {
    (Arc::from(DEFINITIONS), Key::of(definition))
}

fn finish_definition(state: &mut State, storage: &str) {
    let location = (Arc::from(DEFINITIONS), Key::new("", storage));
    let is_waiting = current(state, &location).is_some_and(|definition| {
        object::is_terminating(&definition)
            && object::finalizers(&definition).any(|one| one == CLEANUP)
    });
    if is_waiting && state.store.count(storage) == 0 {
        drop_finalizer(state, &location, CLEANUP);
    }
}

/// The last object of a namespace or of a definition lets it go too.
fn content_may_be_gone(state: &mut State, gone: &Touched) {
    let namespace = object::namespace(&gone.object);
    if !namespace.is_empty() {
        finish_namespace(state, namespace);
    }
    finish_definition(state, &gone.resource);
}
