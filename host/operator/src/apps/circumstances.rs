//! What invocations may wait for: the spec, who holds roles, who is ready and healthy. When it changes, some of them are asked again before their time.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use stateward_planner::Act;
use stateward_runtime::Death;

use super::answers::hash;
use crate::hooks::{Observations, ends};
use crate::watch::Index;
use crate::worlds::View;

/// What is known of one pod: ready, terminating, and what the last probe saw.
type Pod = (bool, bool, Option<(bool, Option<String>)>);

/// The app as far as somebody may wait for a change of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Circumstances {
    generation: i64,
    /// Epochs by role.
    roles: BTreeMap<String, u64>,
    /// By UID.
    pods: BTreeMap<String, Pod>,
    /// What is known of the ends of pods, by UID.
    ends: BTreeMap<String, Death>,
}

/// What differs between two looks.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    has_spec: bool,
    roles: BTreeSet<String>,
    pods: BTreeSet<String>,
    has_ends: bool,
}

impl Circumstances {
    pub(super) fn of(view: &View, observations: &Observations, index: &Index) -> Circumstances {
        let world = &view.world;
        let roles = world.recorded.roles.iter();
        let pods = world.pods.iter().map(|pod| {
            let seen = observations.get(&pod.uid);
            let seen = seen.map(|seen| (seen.healthy, seen.role.clone()));
            let standing = (pod.ready_since.is_some(), pod.deletion.is_some(), seen);
            (pod.uid.clone(), standing)
        });
        Circumstances {
            generation: world.app.generation,
            roles: roles.map(|role| (role.name.clone(), role.epoch)).collect(),
            pods: pods.collect(),
            ends: ends(view, index),
        }
    }

    /// None of this was looked at yet.
    pub(super) fn is_unknown(&self) -> bool {
        *self == Circumstances::default()
    }

    /// The same for the same circumstances.
    pub(super) fn digest(&self) -> String {
        hash(&json!([self.generation, self.roles, self.pods, self.ends]).to_string())
    }

    pub(super) fn since(&self, before: &Circumstances) -> Changes {
        Changes {
            has_spec: self.generation != before.generation,
            roles: differing(&self.roles, &before.roles),
            pods: differing(&self.pods, &before.pods),
            has_ends: self.ends != before.ends,
        }
    }
}

impl Changes {
    /// Whether they concern what this act is about.
    pub(super) fn concern(&self, act: &Act) -> bool {
        self.has_spec
            || match act {
                Act::PostReady { pod, .. }
                | Act::PreDelete { pod, .. }
                | Act::PostDelete { pod, .. } => self.pods.contains(pod),
                // Whether its holder is proven dead may be all that it waits for.
                Act::MoveRole { role, .. } => self.has_ends || self.roles.contains(role),
                Act::PreScale { .. } | Act::Task { .. } => false,
            }
    }
}

fn differing<T: PartialEq>(
    one: &BTreeMap<String, T>,
    other: &BTreeMap<String, T>,
) -> BTreeSet<String> {
    (one.keys().chain(other.keys()))
        .filter(|key| one.get(*key) != other.get(*key))
        .cloned()
        .collect()
}
