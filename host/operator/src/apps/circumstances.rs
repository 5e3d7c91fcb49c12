//! What invocations may wait for: the spec, who holds roles, who is ready and healthy. When it changes, some of them are asked again before their time.

use std::collections::BTreeMap;

use serde_json::json;
use stateward_planner::Act;
use stateward_planner::world::Pod;
use stateward_runtime::Death;

use super::answers::hash;
use crate::hooks::{Observations, ends};
use crate::watch::Index;
use crate::worlds::View;

/// What the last probe saw: whether the member is healthy, and its role.
type Seen = Option<(bool, Option<String>)>;

/// A pod, and what is known of it besides.
#[derive(Clone, Debug)]
struct Known {
    pod: Pod,
    seen: Seen,
}

impl Known {
    fn told(&self) -> (&str, bool, bool, &Seen) {
        let pod = &self.pod;
        (
            &pod.uid,
            pod.ready_since.is_some(),
            pod.deletion.is_some(),
            &self.seen,
        )
    }
}

impl PartialEq for Known {
    fn eq(&self, other: &Known) -> bool {
        self.told() == other.told()
    }
}

/// The app as far as somebody may wait for a change of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Circumstances {
    generation: i64,
    /// Epochs by role.
    roles: BTreeMap<String, u64>,
    pods: Vec<Known>,
    /// What is known of the ends of pods, by UID.
    ends: BTreeMap<String, Death>,
}

/// What differs between two looks.
pub(super) struct Changes<'a> {
    before: &'a Circumstances,
    now: &'a Circumstances,
}

impl Circumstances {
    pub(super) fn of(view: &View, observations: &Observations, index: &Index) -> Circumstances {
        let world = &view.world;
        let roles = world.recorded.roles.iter();
        let pods = world.pods.iter().map(|pod| {
            let seen = observations.get(&pod.uid);
            Known {
                seen: seen.map(|seen| (seen.healthy, seen.role.clone())),
                pod: pod.clone(),
            }
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
        let pods: Vec<_> = self.pods.iter().map(Known::told).collect();
        hash(&json!([self.generation, self.roles, pods, self.ends]).to_string())
    }

    fn pod(&self, uid: &str) -> Option<&Known> {
        self.pods.iter().find(|known| known.pod.uid == uid)
    }
}

impl Changes<'_> {
    pub(super) fn between<'a>(before: &'a Circumstances, now: &'a Circumstances) -> Changes<'a> {
        Changes { before, now }
    }

    /// Whether they concern what this act is about.
    pub(super) fn concern(&self, act: &Act) -> bool {
        let (before, now) = (self.before, self.now);
        before.generation != now.generation
            || match act {
                Act::PostReady { pod, .. }
                | Act::PreDelete { pod, .. }
                | Act::PostDelete { pod, .. } => before.pod(pod) != now.pod(pod),
                // Whether its holder is proven dead may be all that it waits for.
                Act::MoveRole { role, .. } => {
                    before.ends != now.ends || before.roles.get(role) != now.roles.get(role)
                }
                Act::PreScale { .. } | Act::Task { .. } => false,
            }
    }
}
