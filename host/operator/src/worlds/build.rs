//! One world from the index, the app's answers and its journal.

use std::collections::BTreeMap;
use std::sync::Arc;

use stateward_planner::world::{
    self as planner, Answers, App, Budgets, Face, Hold, Plugin, Revision,
};
use stateward_planner::{Invocation, InvocationId, Shared, Spec, Status, World};

use super::pods::{pod, time};
use super::wishes;
use crate::annotations::TEARDOWN;
use crate::watch::{AppObject, Index, Meta, SlimClaim, SlimPod, SlimRevision};

/// What the app itself contributes.
pub(crate) struct Parts {
    pub spec: Shared<Spec>,
    /// What the app's status says.
    pub recorded: Shared<Status>,
    pub plugin: Plugin,
    pub answers: Answers,
    /// What happened since the status was written.
    pub memory: BTreeMap<InvocationId, Invocation>,
    /// What the probes saw, by the pod's UID.
    pub seen: BTreeMap<String, planner::Seen>,
    pub budgets: Budgets,
}

/// A world, and the observed objects behind it.
pub(crate) struct View {
    pub world: World,
    pub app: Arc<AppObject>,
    pub pods: Arc<[Arc<SlimPod>]>,
    pub claims: Vec<Arc<SlimClaim>>,
    /// A wish that cannot be read, and why.
    pub unreadable_wish: Option<String>,
}

/// The world of this app now.
pub(crate) fn build(index: &Index, app: Arc<AppObject>, parts: Parts) -> View {
    let recorded = parts.recorded;
    let pods = index.pods_of(&app);
    let claims = index.claims_of(&app);
    let drained = index.drained_nodes();
    let asked = wishes::read(&app, &recorded);
    let world = World {
        app: App {
            face: app.key.face,
            namespace: app.key.namespace.clone(),
            name: app.key.name.clone(),
            uid: app.uid().to_owned(),
            generation: app.generation(),
            deletion: (app.metadata.deletion_timestamp.as_ref()).map(|time| time.0),
            annotations: app.annotations(),
            spec: parts.spec,
            switchover: asked.switchover,
            wishes: asked.wishes,
            hold: hold(index, &app),
        },
        revisions: (index.revisions_of(&app).iter())
            .map(|found| revision(found))
            .collect(),
        pods: (pods.iter())
            .map(|found| planner::Pod {
                seen: parts.seen.get(found.uid()).cloned(),
                is_evicted: (found.facts.node.as_ref()).is_some_and(|node| drained.contains(node)),
                ..pod(found)
            })
            .collect(),
        claims: (claims.iter()).map(|found| found.facts.clone()).collect(),
        journal: journal(&recorded, parts.memory),
        recorded,
        budgets: parts.budgets,
        plugin: parts.plugin,
        answers: parts.answers,
    };
    View {
        world,
        app,
        pods: pods.into(),
        claims,
        unreadable_wish: asked.unreadable,
    }
}

/// Whether our finalizer stands on the app.
pub(super) fn is_held(app: &AppObject) -> bool {
    has_finalizer(app, TEARDOWN)
}

fn has_finalizer(app: &AppObject, name: &str) -> bool {
    let finalizers = app.metadata.finalizers.as_deref().unwrap_or_default();
    finalizers.iter().any(|finalizer| finalizer == name)
}

/// Whether our finalizer holds the app, and whether the way in which it is deleted leaves time for it.
pub(crate) fn hold(index: &Index, app: &AppObject) -> Hold {
    let void = |why: &str| Hold::Void {
        why: why.to_owned(),
    };
    match () {
        () if !is_held(app) => Hold::None,
        () if has_finalizer(app, "foregroundDeletion") => {
            void("it is deleted in the foreground, so its pods are deleted already")
        }
        () if has_finalizer(app, "orphan") => void("it is deleted without its pods"),
        () if index.ending_namespace(&app.key.namespace).is_some() => {
            void("its namespace is being deleted, so its pods are deleted already")
        }
        () if app.key.face == Face::StatefulApp && index.is_uninstalled() => void(
            "Stateward is being uninstalled: the definition of StatefulApp is being deleted, and Kubernetes' garbage collector may leave its pods running, because it finds no owner whose kind is gone: delete by hand those that stay. To have members prepared, delete the apps first, and the definition when they are gone",
        ),
        () => Hold::Held,
    }
}

fn revision(revision: &SlimRevision) -> Revision {
    Revision {
        name: revision.name().to_owned(),
        uid: revision.uid().to_owned(),
        number: revision.revision,
        created: time(revision.metadata.creation_timestamp.as_ref()),
        owner: revision.controller().map(str::to_owned),
        labels: revision.labels(),
        data: revision.data.clone(),
    }
}

/// The recorded invocations, overlaid with what happened since. An invocation is recorded when its phase and checkpoint stand in the status; when it is to
/// be asked again does not matter for that.
fn journal(
    recorded: &Status,
    mut memory: BTreeMap<InvocationId, Invocation>,
) -> BTreeMap<InvocationId, Invocation> {
    for written in &recorded.invocations {
        match memory.get_mut(&written.id) {
            Some(known) => {
                known.is_recorded = known.checkpoint == written.checkpoint
                    && known.cancelling == written.cancelling
                    && std::mem::discriminant(&known.phase)
                        == std::mem::discriminant(&written.phase);
            }
            None => {
                let mut taken_up = written.clone();
                taken_up.is_recorded = true;
                memory.insert(written.id.clone(), taken_up);
            }
        }
    }
    memory
}
