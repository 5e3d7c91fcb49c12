//! Deleting an object or a collection.
//!
//! | object has | what happens |
//! |---|---|
//! | finalizers, or the orphan or foreground policy adds one | it is marked and stays until the last finalizer goes |
//! | a pod that runs on a node, grace period above zero | it is marked; its node deletes it with grace period zero |
//! | a namespace or a definition | it is marked; it goes with its content |
//! | none of these | it goes at once |

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Context;
use super::list::selection;
use super::update::is_ready_to_go;
use crate::failure::{Failure, Subject};
use crate::kinds::{Builtin, Kind};
use crate::object::{self, number, text};
use crate::options;
use crate::request::Target;
use crate::state::{Answer, Shape, State};
use crate::store::Key;

pub(crate) const FOREGROUND: &str = "foregroundDeletion";
pub(crate) const ORPHAN: &str = "orphan";
pub(crate) const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

/// `DeleteOptions`, from the body or the query.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) grace_seconds: Option<i64>,
    pub(crate) propagation: Propagation,
    pub(crate) uid: String,
    pub(crate) resource_version: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Propagation {
    #[default]
    Background,
    Foreground,
    Orphan,
}

impl DeleteOptions {
    /// Reads the options from the body, or from the query where there is no body.
    pub(crate) fn parse(body: &Value, context: &mut Context) -> Result<Self, Failure> {
        let is_of_query = body.is_null();
        let kind = text(body, "/kind");
        if !body.is_object() && !is_of_query {
            return Err(Failure::bad_request(
                "the delete options are not a JSON object",
            ));
        }
        if !kind.is_empty() && kind != "DeleteOptions" {
            return Err(Failure::bad_request(format!(
                "no kind {kind:?} can be converted to DeleteOptions"
            )));
        }
        let query = |option: &str| match context.options.text(option) {
            "" => None,
            given => Some(given.to_owned()),
        };
        let grace_seconds = match query("gracePeriodSeconds").filter(|_| is_of_query) {
            None => number(body, "/gracePeriodSeconds"),
            Some(given) => Some(given.parse().map_err(|_| {
                Failure::bad_request(format!(
                    "strconv.ParseInt: parsing {given:?}: invalid syntax"
                ))
            })?),
        };
        let policy = match is_of_query {
            true => query("propagationPolicy"),
            false => body
                .get("propagationPolicy")
                .and_then(Value::as_str)
                .map(str::to_owned),
        };
        let orphans = match is_of_query {
            true => query("orphanDependents").map(|given| given == "true"),
            false => body.get("orphanDependents").and_then(Value::as_bool),
        };
        let dry_run: Vec<&str> = match is_of_query {
            true => context.options.all("dryRun").collect(),
            false => object::list(body, "/dryRun")
                .iter()
                .filter_map(Value::as_str)
                .collect(),
        };
        options::check_delete(policy.as_deref(), orphans.is_some(), &dry_run)?;
        let propagation = match policy.as_deref() {
            Some("Foreground") => Propagation::Foreground,
            Some("Orphan") => Propagation::Orphan,
            None if orphans == Some(true) => Propagation::Orphan,
            _ => Propagation::Background,
        };
        let is_dry_run = dry_run.contains(&"All");
        context.is_dry_run |= is_dry_run;
        Ok(Self {
            grace_seconds,
            propagation,
            uid: text(body, "/preconditions/uid").to_owned(),
            resource_version: text(body, "/preconditions/resourceVersion").to_owned(),
        })
    }
}

pub(crate) fn delete(
    state: &mut State,
    target: &Target,
    context: &Context,
    options: &DeleteOptions,
) -> Result<Answer, Failure> {
    let kind = target.kind.clone();
    let old = state.find(target)?;
    check_preconditions(&kind, &old, options)?;
    if context.is_dry_run {
        let mut tried = Value::clone(&old);
        mark(&kind, &mut tried, context, options);
        let is_gone = is_ready_to_go(&kind, &tried);
        return Ok(match is_gone && !returns_object(&kind) {
            true => Answer::deleted(&kind, &old),
            false => Answer::object(&kind, &target.version, &Arc::new(tried)),
        });
    }
    Ok(match begin(state, &kind, &old, context, options) {
        Deletion::Marked(object) => Answer::object(&kind, &target.version, &object),
        Deletion::Gone(last) if returns_object(&kind) => {
            Answer::object(&kind, &target.version, &last)
        }
        Deletion::Gone(last) => Answer::deleted(&kind, &last),
    })
}

fn returns_object(kind: &Kind) -> bool {
    matches!(
        kind.builtin(),
        Some(
            Builtin::PersistentVolume
                | Builtin::PersistentVolumeClaim
                | Builtin::Pod
                | Builtin::PodTemplate
                | Builtin::ResourceQuota
                | Builtin::Service
                | Builtin::ServiceAccount
                | Builtin::StorageClass
        )
    )
}

fn check_preconditions(kind: &Kind, old: &Value, options: &DeleteOptions) -> Result<(), Failure> {
    let checks = [
        (
            "UID",
            &options.uid,
            object::uid(old),
            "deleted and then recreated",
        ),
        (
            "ResourceVersion",
            &options.resource_version,
            object::resource_version(old),
            "modified",
        ),
    ];
    for (what, wanted, found, guess) in checks {
        if !wanted.is_empty() && wanted != found {
            // Upstream names the kind here, where it names the resource everywhere else.
            let subject = Subject {
                resource: kind.kind.clone(),
                ..kind.subject()
            };
            return Err(Failure::conflict(
                &subject,
                object::name(old),
                &format!(
                    "the {what} in the precondition ({wanted}) does not match the {what} in record ({found}). The object might have been {guess}"
                ),
            ));
        }
    }
    Ok(())
}

pub(crate) fn delete_collection(
    state: &mut State,
    target: &Target,
    context: &Context,
    options: &DeleteOptions,
) -> Result<Answer, Failure> {
    let selection = selection(target, context)?;
    let kind = target.kind.clone();
    let chosen: Vec<_> = state
        .store
        .list(&kind.storage, selection.namespace.as_deref())
        .filter(|(key, object)| selection.matches(key, object))
        .map(|(_, object)| object.clone())
        .collect();
    let mut items = Vec::new();
    for old in chosen {
        let shown = if context.is_dry_run {
            old
        } else {
            match begin(state, &kind, &old, context, options) {
                Deletion::Marked(object) | Deletion::Gone(object) => object,
            }
        };
        items.push(kind.present(&target.version, &shown));
    }
    let metadata = json!({"resourceVersion": state.store.revision().to_string()});
    Ok(Answer {
        code: 200,
        shape: Shape::List { items, metadata },
        warnings: Vec::new(),
    })
}

/// How far a deletion came.
#[derive(Debug)]
pub(crate) enum Deletion {
    Marked(Arc<Value>),
    Gone(Arc<Value>),
}

/// Starts the deletion of an object, or moves one along that has started.
pub(crate) fn begin(
    state: &mut State,
    kind: &Kind,
    old: &Arc<Value>,
    context: &Context,
    options: &DeleteOptions,
) -> Deletion {
    let mut new = Value::clone(old);
    mark(kind, &mut new, context, options);
    let is_gone = is_ready_to_go(kind, &new);
    let key = Key::of(&new);
    if is_gone {
        // Foreground and orphan leave traces before the object goes; without them it goes in one step.
        let last = state.remove(&kind.storage, &key);
        let last = last.unwrap_or_else(|| old.clone());
        if kind.builtin() != Some(Builtin::Pod) {
            return Deletion::Gone(last);
        }
        // A pod is shown as it was marked, even where that is all that was left to do.
        object::copy(&last, &mut new, &["metadata", "resourceVersion"]);
        return Deletion::Gone(Arc::new(new));
    }
    if new == **old {
        return Deletion::Marked(old.clone());
    }
    Deletion::Marked(state.put(&kind.storage, new))
}

fn mark(kind: &Kind, object: &mut Value, context: &Context, options: &DeleteOptions) {
    let added = match options.propagation {
        Propagation::Background => None,
        Propagation::Foreground => Some(FOREGROUND),
        Propagation::Orphan => Some(ORPHAN),
    };
    let grace = grace_seconds(kind, object, options);
    let is_first = !object::is_terminating(object);
    let mut finalizers: Vec<_> = object::finalizers(object).map(str::to_owned).collect();
    if let Some(added) = added {
        finalizers.retain(|one| one != FOREGROUND && one != ORPHAN);
        finalizers.push(added.to_owned());
    }
    if is_first && kind.builtin() == Some(Builtin::CustomResourceDefinition) {
        finalizers.push(CLEANUP.to_owned());
    }
    if finalizers.is_empty() {
        object::remove(object, &["metadata", "finalizers"]);
    } else {
        object::set(object, &["metadata", "finalizers"], finalizers);
    }
    let running = number(object, "/metadata/deletionGracePeriodSeconds");
    if is_first || running.is_some_and(|running| grace < running) {
        let end = context.now + SignedDuration::from_secs(grace);
        object::set(
            object,
            &["metadata", "deletionTimestamp"],
            super::timestamp(end),
        );
        if kind.builtin() != Some(Builtin::Namespace) {
            object::set(object, &["metadata", "deletionGracePeriodSeconds"], grace);
        }
    }
    if is_first && let Some(generation) = number(object, "/metadata/generation") {
        object::set(object, &["metadata", "generation"], generation + 1);
    }
    if kind.builtin() == Some(Builtin::Namespace) {
        object::set(object, &["status", "phase"], "Terminating");
    }
}

/// Only pods are given time, and only where a node runs them.
fn grace_seconds(kind: &Kind, object: &Value, options: &DeleteOptions) -> i64 {
    let is_running_pod = kind.builtin() == Some(Builtin::Pod)
        && !text(object, "/spec/nodeName").is_empty()
        && !matches!(text(object, "/status/phase"), "Failed" | "Succeeded");
    if !is_running_pod {
        return 0;
    }
    options
        .grace_seconds
        .or_else(|| number(object, "/spec/terminationGracePeriodSeconds"))
        .unwrap_or(30)
        .max(0)
}
