//! The index: everything that was seen, found by the app that it belongs to.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::Value;
use stateward_planner::world::Face;

use super::app::{AppKey, AppObject};
use super::claim::SlimClaim;
use super::deaths::Deaths;
use super::drains::Drains;
use super::endings::Endings;
use super::follow::{Followed, see};
use super::pod::SlimPod;
use super::raw_pod::RawPod;
use super::slim::{Meta, RawClaim, RawStatefulApp, SlimBudget, SlimRevision};
use crate::api::Collection;
use crate::worlds;

/// A kind of objects that apps write and watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Pod,
    Claim,
    Revision,
    Budget,
}

/// Objects of one kind, by namespace and name.
type ByName<T> = HashMap<String, BTreeMap<String, Arc<T>>>;

#[derive(Default)]
pub(crate) struct State {
    pub(super) apps: HashMap<AppKey, Arc<AppObject>>,
    pub(super) pods: ByName<SlimPod>,
    pub(super) claims: ByName<SlimClaim>,
    pub(super) revisions: ByName<SlimRevision>,
    pub(super) budgets: ByName<SlimBudget>,
    pub(super) drains: Drains,
    pub(super) endings: Endings,
    highest: BTreeMap<Kind, u64>,
    pub(super) deaths: Deaths,
}

/// Everything that was seen. Shared by the watches, which write, and the apps, which read.
#[derive(Default)]
pub(crate) struct Index(RwLock<State>);

impl Index {
    pub(super) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn app(&self, key: &AppKey) -> Option<Arc<AppObject>> {
        self.read().apps.get(key).cloned()
    }

    pub(crate) fn app_keys(&self) -> Vec<AppKey> {
        self.read().apps.keys().cloned().collect()
    }

    /// Apps that name this plugin.
    pub(crate) fn apps_of_plugin(&self, plugin: &str) -> Vec<AppKey> {
        let state = self.read();
        let uses = |app: &&Arc<AppObject>| app.plugin_name() == Some(plugin);
        (state.apps.values().filter(uses))
            .map(|app| app.key.clone())
            .collect()
    }

    /// Pods that the app owns, and ownerless ones whose name fits.
    pub(crate) fn pods_of(&self, app: &AppObject) -> Vec<Arc<SlimPod>> {
        let state = self.read();
        members(&state.pods, app, &format!("{}-", app.key.name))
    }

    /// Claims whose name fits one of the templates.
    pub(crate) fn claims_of(&self, app: &AppObject) -> Vec<Arc<SlimClaim>> {
        let state = self.read();
        let Some(claims) = state.claims.get(&app.key.namespace) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for template in app.claim_templates() {
            let prefix = format!("{template}-{}-", app.key.name);
            found.extend(with_ordinal(claims, &prefix).cloned());
        }
        found
    }

    /// Revisions that the app owns, and ownerless ones that its selector may mean.
    pub(crate) fn revisions_of(&self, app: &AppObject) -> Vec<Arc<SlimRevision>> {
        let state = self.read();
        let Some(revisions) = state.revisions.get(&app.key.namespace) else {
            return Vec::new();
        };
        let is_its = |revision: &&Arc<SlimRevision>| match revision.controller() {
            Some(owner) => owner == app.uid(),
            None => worlds::selects(&app.spec, &revision.labels()),
        };
        revisions.values().filter(is_its).cloned().collect()
    }

    pub(crate) fn pod(&self, namespace: &str, name: &str) -> Option<Arc<SlimPod>> {
        self.read().pods.get(namespace)?.get(name).cloned()
    }

    /// UID under which the object of this name is known, and whether it is terminating.
    pub(crate) fn known(&self, kind: Kind, namespace: &str, name: &str) -> Option<(String, bool)> {
        fn look<T: Meta>(all: &ByName<T>, namespace: &str, name: &str) -> Option<(String, bool)> {
            let object = all.get(namespace)?.get(name)?;
            Some((object.uid().to_owned(), object.is_terminating()))
        }
        let state = self.read();
        match kind {
            Kind::Pod => look(&state.pods, namespace, name),
            Kind::Claim => look(&state.claims, namespace, name),
            Kind::Revision => look(&state.revisions, namespace, name),
            Kind::Budget => look(&state.budgets, namespace, name),
        }
    }

    /// The highest resourceVersion that was seen of this kind.
    pub(crate) fn highest(&self, kind: Kind) -> u64 {
        self.read().highest.get(&kind).copied().unwrap_or(0)
    }

    /// Takes in what was listed, without watches.
    pub(crate) fn fill(&self, kind: Collection, objects: Vec<Value>) {
        let mut state = self.write();
        for object in objects {
            let taken = match kind {
                Collection::Pods => take_in::<RawPod>(&mut state, object),
                Collection::Claims => take_in::<RawClaim>(&mut state, object),
                Collection::StatefulApps => take_in::<RawStatefulApp>(&mut state, object),
                Collection::Revisions => take_in::<SlimRevision>(&mut state, object),
                _ => Ok(()),
            };
            if let Err(error) = taken {
                tracing::warn!(kind = kind.plural(), %error, "an object cannot be read");
            }
        }
    }
}

impl State {
    pub(super) fn saw(&mut self, kind: Kind, version: u64) {
        let highest = self.highest.entry(kind).or_insert(0);
        *highest = version.max(*highest);
    }

    /// The apps, of either face, that a name like `<app>-<ordinal>` or `<template>-<app>-<ordinal>` may belong to.
    pub(super) fn apps_named_in(&self, namespace: &str, object: &str) -> Vec<AppKey> {
        let mut found = Vec::new();
        let Some((mut parent, _)) = object.rsplit_once('-') else {
            return found;
        };
        loop {
            for face in [Face::StatefulApp, Face::StatefulSet] {
                let key = AppKey {
                    face,
                    namespace: namespace.to_owned(),
                    name: parent.to_owned(),
                };
                if self.apps.contains_key(&key) {
                    found.push(key);
                }
            }
            match parent.split_once('-') {
                Some((_, rest)) => parent = rest,
                None => return found,
            }
        }
    }
}

fn take_in<K: Followed>(state: &mut State, object: Value) -> Result<(), serde_json::Error> {
    let object: K = serde_json::from_value(object)?;
    let is_kept = object.is_kept();
    see(object, is_kept, state);
    Ok(())
}

/// Objects of the namespace with this prefix and an ordinal behind it that the app or nobody controls.
fn members<T: Meta>(all: &ByName<T>, app: &AppObject, prefix: &str) -> Vec<Arc<T>> {
    let Some(named) = all.get(&app.key.namespace) else {
        return Vec::new();
    };
    with_ordinal(named, prefix)
        .filter(|object| object.controller().is_none_or(|owner| owner == app.uid()))
        .cloned()
        .collect()
}

fn with_ordinal<'a, T>(
    named: &'a BTreeMap<String, Arc<T>>,
    prefix: &'a str,
) -> impl Iterator<Item = &'a Arc<T>> {
    named
        .range(prefix.to_owned()..)
        .take_while(move |(name, _)| name.starts_with(prefix))
        .filter(move |(name, _)| name.strip_prefix(prefix).is_some_and(worlds::is_ordinal))
        .map(|(_, object)| object)
}
