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
use crate::journal::{Act, Invocation};
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
    pub(crate) joined: JoinedAs,
    pub(crate) bearings: &'w PodBearings,
    /// It is wanted, ours, available and joined, carries its identity, is not drained and may not be evicted, and has no gate to be kept.
    pub(crate) is_at_rest: bool,
}

/// Whether `post-ready` is done for this incarnation since its last container restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JoinedAs {
    /// It is not, or the plugin does not have the hook.
    No,
    /// In memory, or because somebody decided so.
    Unrecorded,
    /// The status or the pod tells.
    Recorded,
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
    /// Who did as memory tells.
    unrecorded: JoinedBearings,
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
            unrecorded: (world.journal.values()).filter_map(joined_by).collect(),
        }
    }

    /// The plugin has `post-ready`.
    pub(crate) fn joins(&self) -> bool {
        self.joined.is_some()
    }

    fn joined_as(&self, pod: &Pod, bearings: &PodBearings, told: Option<u32>) -> JoinedAs {
        if !self.joins() {
            JoinedAs::No
        } else if told == Some(bearings.restarts) || bearings.is_marked {
            JoinedAs::Recorded
        } else if self.unrecorded.of(bearings) == Some(bearings.restarts)
            || availability::is_said_to_have_joined(self.world, pod)
        {
            JoinedAs::Unrecorded
        } else {
            JoinedAs::No
        }
    }
}

/// The pod that joined by this invocation, and its restarts then.
fn joined_by(known: &Invocation) -> Option<(&str, u32)> {
    match &known.act {
        Act::PostReady { pod, restarts, .. } if known.is_done() => Some((pod, *restarts)),
        _ => None,
    }
}

impl<'w> Member<'w> {
    pub(crate) fn measured(by: &Yardstick<'_, 'w>, own: &OwnPod<'w>) -> Member<'w> {
        let OwnPod { ordinal, pod, .. } = *own;
        let bearings = pod.facts.derived();
        let is_wanted = by.ordinals.is_within(&by.range, ordinal);
        let told = by.joined.and_then(|joined| joined.of(bearings));
        let joined = by.joined_as(pod, bearings, told);
        let is_told = joined == JoinedAs::Recorded || !by.joins();
        let serves_since = (bearings.serves_since).filter(|_| is_told);
        let standing = match serves_since {
            Some(since) => availability::once_ready(by, since),
            None => availability::standing(by, pod, is_wanted, joined),
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
            joined,
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
