//! One ordinal whose pod exists, and whether any rule may have something to do about it.
//!
//! When one member of many changes, the others are as they should be. Such a member is *at rest*. Rules that do nothing and tell nothing for one look only at
//! those that are not ([`Scene::restless`](crate::scene::Scene::restless)).

use std::ops::Range;

use jiff::{SignedDuration, Timestamp};

use crate::adoption::OwnPod;
use crate::availability::{self, Standing};
use crate::bearings::{JoinedBearings, PodBearings};
use crate::hooks::{Hooks, POST_READY};
use crate::revisions::Revisions;
use crate::status::Ordinals;
use crate::world::{Pod, World};

#[derive(Clone, Debug)]
pub(crate) struct Member<'w> {
    pub(crate) ordinal: u32,
    pub(crate) pod: &'w Pod,
    /// The revision that its label names.
    pub(crate) revision: &'w str,
    pub(crate) standing: Standing,
    /// Ours already; otherwise it is only counted until it is adopted.
    pub(crate) is_adopted: bool,
    /// Its ordinal is in range.
    pub(crate) is_wanted: bool,
    /// It is at the revision that pods are to reach.
    pub(crate) is_updated: bool,
    /// Where pods join: the status tells of its pod that it did, before its last restart or since.
    pub(crate) is_known_to_join: bool,
    pub(crate) bearings: &'w PodBearings,
    /// It is wanted, ours, available and joined, carries its identity, is not drained and may not be evicted, and has no gate to be kept.
    pub(crate) is_at_rest: bool,
}

/// What all members are measured by, drawn once per plan.
pub(crate) struct Yardstick<'a, 'w> {
    pub(crate) world: &'w World,
    pub(crate) now: Timestamp,
    ordinals: &'a Ordinals,
    range: Range<u32>,
    update: Option<&'w str>,
    pub(crate) min_ready: SignedDuration,
    /// Who joined as the status tells, where the plugin has `post-ready`.
    joined: Option<&'w JoinedBearings>,
}

impl<'a, 'w> Yardstick<'a, 'w> {
    pub(crate) fn of(
        world: &'w World,
        now: Timestamp,
        ordinals: &'a Ordinals,
        hooks: &Hooks<'w>,
        revisions: &Revisions<'w>,
    ) -> Yardstick<'a, 'w> {
        Yardstick {
            world,
            now,
            ordinals,
            range: ordinals.start..ordinals.end(),
            update: revisions.update.map(|update| update.name.as_str()),
            min_ready: SignedDuration::from_secs(world.app.spec.min_ready_seconds.into()),
            joined: (hooks.has(POST_READY)).then(|| world.recorded.joined.derived()),
        }
    }

    /// The plugin has `post-ready`.
    pub(crate) fn joins(&self) -> bool {
        self.joined.is_some()
    }
}

impl<'w> Member<'w> {
    pub(crate) fn measured(by: &Yardstick<'_, 'w>, own: &OwnPod<'w>) -> Member<'w> {
        let OwnPod { ordinal, pod, .. } = *own;
        let bearings = pod.facts.derived();
        let is_wanted = by.ordinals.is_within(&by.range, ordinal);
        let told = by.joined.and_then(|joined| joined.of(bearings));
        let has_joined = by.joins() && (told == Some(bearings.restarts) || bearings.is_marked);
        let serves_since = (bearings.serves_since).filter(|_| has_joined == by.joins());
        let standing = match serves_since {
            Some(since) => availability::once_ready(by, since),
            None => availability::standing(by, pod, ordinal, is_wanted, has_joined),
        };
        Member {
            ordinal,
            pod,
            revision: own.revision,
            standing,
            is_adopted: own.is_adopted,
            is_wanted,
            is_updated: by.update == Some(own.revision),
            is_known_to_join: told.is_some(),
            bearings,
            is_at_rest: is_wanted
                && own.is_adopted
                && serves_since.is_some()
                && standing == Standing::Available
                && !pod.is_evicted,
        }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.is_at_rest || availability::is_ready(self.pod)
    }

    pub(crate) fn is_terminating(&self) -> bool {
        self.standing == Standing::Terminating
    }

    pub(crate) fn is_available(&self) -> bool {
        self.standing == Standing::Available
    }

    /// Its pod has been available to somebody, whatever it is now.
    pub(crate) fn has_served(&self) -> bool {
        self.pod.was_ready
    }

    /// Its pod may still do something.
    pub(crate) fn is_alive(&self) -> bool {
        !matches!(self.standing, Standing::Terminating | Standing::Terminal)
    }
}
