//! One ordinal whose pod exists, and whether any rule may have something to do about it.
//!
//! When one member of many changes, the others are as they should be. Such a member is *at rest*. Rules that do nothing and tell nothing for one look only at
//! those that are not ([`Scene::restless`](crate::scene::Scene::restless)); what makes them act is in [`Member::is_left_alone`].

use std::ops::Range;

use jiff::Timestamp;

use crate::availability::{self, Standing};
use crate::hooks::{Hooks, POST_READY};
use crate::identity::{self, EVICTABLE_LABEL, REVISION_LABEL};
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
    pub(crate) is_at_rest: bool,
}

/// What all members are measured by, drawn once per plan.
pub(crate) struct Yardstick<'a, 'w> {
    pub(crate) world: &'w World,
    pub(crate) now: Timestamp,
    ordinals: &'a Ordinals,
    range: Range<u32>,
    update: Option<&'w str>,
    /// The plugin has `post-ready`.
    pub(crate) joins: bool,
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
            joins: hooks.has(POST_READY),
        }
    }
}

impl<'w> Member<'w> {
    pub(crate) fn measured(
        by: &Yardstick<'_, 'w>,
        ordinal: u32,
        pod: &'w Pod,
        is_adopted: bool,
    ) -> Member<'w> {
        let is_wanted = by.ordinals.is_within(&by.range, ordinal);
        let revision = pod.labels.get(REVISION_LABEL).map_or("", String::as_str);
        let told = match by.joins {
            true => by.world.recorded.joined.told(pod),
            false => None,
        };
        let has_joined = by.joins && (told == Some(pod.restarts) || availability::is_marked(pod));
        let mut member = Member {
            ordinal,
            pod,
            revision,
            standing: availability::standing(by, pod, ordinal, is_wanted, has_joined),
            is_adopted,
            is_wanted,
            is_updated: by.update == Some(revision),
            is_known_to_join: told.is_some(),
            is_at_rest: false,
        };
        member.is_at_rest = member.is_left_alone() && has_joined == by.joins;
        member
    }

    /// It is wanted, ours and available, carries its identity, is not drained, and has no gate to be kept.
    fn is_left_alone(&self) -> bool {
        let pod = self.pod;
        self.is_wanted
            && self.is_adopted
            && self.is_available()
            && !pod.is_evicted
            && pod.gate.is_none()
            && identity::is_carried(pod)
            && !pod.labels.contains_key(EVICTABLE_LABEL)
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
