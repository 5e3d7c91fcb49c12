//! The world arranged for the rules: the ordinals that are wanted, the members that exist and where each stands.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::adoption::OwnPod;
use crate::by_ordinal::ByOrdinal;
use crate::claims::Shelf;
use crate::eviction::Gate;
use crate::hooks::Hooks;
use crate::identity::pod_name;
use crate::member::Yardstick;
use crate::revisions::Revisions;
use crate::status::{Holder, Ordinals};
use crate::world::{App, Face, Revision, World};

pub(crate) use crate::member::Member;

/// How much of the goal may be pursued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// All of it.
    Full,
    /// The last accepted spec holds: what is missing is made again, nothing scales or rolls.
    Heal,
    /// The app is being deleted and held until its members have left in order: no ordinal is wanted any more.
    Teardown,
    /// Nothing was ever accepted, or the app is being deleted.
    Nothing,
}

/// What is to be reached.
#[derive(Clone, Debug)]
pub(crate) struct Goal {
    pub(crate) ordinals: Ordinals,
    pub(crate) mode: Mode,
}

pub(crate) struct Scene<'w> {
    pub(crate) world: &'w World,
    pub(crate) now: Timestamp,
    pub(crate) goal: Goal,
    pub(crate) hooks: Hooks<'w>,
    pub(crate) members: ByOrdinal<Member<'w>>,
    /// Places of the members that are not at rest.
    restless: Vec<usize>,
    pub(crate) revisions: Revisions<'w>,
    pub(crate) claims: Shelf<'w>,
    /// The app, for what outlives the plan.
    app: OnceCell<Arc<App>>,
    /// Names of all pods, once somebody has asked and some of them are no members.
    names: OnceCell<BTreeSet<&'w str>>,
    /// Who decides on evictions, once somebody has asked.
    pub(crate) evictions: OnceCell<Gate<'w>>,
}

impl<'w> Scene<'w> {
    pub(crate) fn arrange(
        world: &'w World,
        now: Timestamp,
        goal: Goal,
        pods: Vec<OwnPod<'w>>,
        revisions: Revisions<'w>,
    ) -> Scene<'w> {
        let hooks = Hooks::of(world);
        let yardstick = Yardstick::of(world, now, &goal.ordinals, &hooks, &revisions);
        let members: ByOrdinal<_> = pods
            .into_iter()
            .map(|own| {
                let member = Member::measured(&yardstick, &own);
                (own.ordinal, member)
            })
            .collect();
        let restless = (members.values().enumerate())
            .filter(|(_, member)| !member.is_at_rest)
            .map(|(place, _)| place)
            .collect();
        Scene {
            world,
            now,
            goal,
            hooks,
            members,
            restless,
            revisions,
            claims: Shelf::of(world),
            app: OnceCell::new(),
            names: OnceCell::new(),
            evictions: OnceCell::new(),
        }
    }

    pub(crate) fn lasting_app(&self) -> Arc<App> {
        let copy = || Arc::new(self.world.app.clone());
        Arc::clone(self.app.get_or_init(copy))
    }

    /// Whether a pod that is no member has the name of this one.
    pub(crate) fn is_taken(&self, ordinal: u32) -> bool {
        let pods = &self.world.pods;
        let names = || pods.iter().map(|pod| pod.name.as_str()).collect();
        self.members.len() < pods.len()
            && (self.names.get_or_init(names))
                .contains(pod_name(&self.world.app.name, ordinal).as_str())
    }

    /// Members in range, ascending.
    pub(crate) fn wanted(&self) -> impl DoubleEndedIterator<Item = &Member<'w>> {
        self.members.values().filter(|member| member.is_wanted)
    }

    /// Members that are not at rest, ascending.
    pub(crate) fn restless(&self) -> impl DoubleEndedIterator<Item = &Member<'w>> {
        (self.restless.iter()).filter_map(|place| self.members.at(*place))
    }

    /// Members out of range, below the first ordinal too.
    pub(crate) fn condemned(&self) -> impl DoubleEndedIterator<Item = &Member<'w>> {
        self.restless().filter(|member| !member.is_wanted)
    }

    /// How many of those in range are available.
    pub(crate) fn available(&self) -> u32 {
        let unavailable = |member: &&Member<'_>| !member.is_wanted || !member.is_available();
        let available = self.members.len() - self.restless().filter(unavailable).count();
        u32::try_from(available).unwrap_or(u32::MAX)
    }

    /// Every ordinal in range has an available member.
    pub(crate) fn is_filled(&self) -> bool {
        self.available() == self.goal.ordinals.replicas
    }

    /// All that exist in range are available.
    pub(crate) fn are_available(&self) -> bool {
        (self.restless()).all(|member| !member.is_wanted || member.is_available())
    }

    /// Ordinals in range that have no pod, ascending and made up one by one: a spec may ask for billions.
    pub(crate) fn missing(&self) -> impl Iterator<Item = u32> {
        let wanted = self.members.len() - self.condemned().count();
        let ordinals = match u32::try_from(wanted) == Ok(self.goal.ordinals.replicas) {
            true => None,
            false => Some(self.goal.ordinals.iter()),
        };
        (ordinals.into_iter().flatten()).filter(|ordinal| !self.members.contains(*ordinal))
    }

    /// Exactly the wanted ordinals have pods.
    pub(crate) fn is_as_wanted(&self) -> bool {
        self.condemned().next().is_none()
            && u32::try_from(self.members.len()) == Ok(self.goal.ordinals.replicas)
    }

    /// The member, while its pod is this one.
    pub(crate) fn incarnation(&self, ordinal: u32, uid: &str) -> Option<&Member<'w>> {
        (self.members.get(ordinal)).filter(|member| member.pod.uid == uid)
    }

    /// The member that holds a role, while its pod is there.
    pub(crate) fn holding(&self, holder: &Holder) -> Option<&Member<'w>> {
        self.incarnation(holder.ordinal, &holder.pod)
    }

    /// Place of an ordinal in the range; the partition counts places (item 94).
    pub(crate) fn slot(&self, ordinal: u32) -> u32 {
        self.goal.ordinals.slot(ordinal)
    }

    /// The revision that the pod of this ordinal is made from: below the partition the current one, otherwise the update one (item 128). A StatefulSet whose
    /// strategy has a type and no block takes the pods that it counts at the current revision for those of the lowest ordinals (item 129).
    pub(crate) fn revision_for(&self, ordinal: u32) -> Option<&'w Revision> {
        let app = &self.world.app;
        let kept = if app.face == Face::StatefulSet && app.spec.has_bare_type {
            self.world.recorded.current_replicas
        } else {
            app.spec.first_updated_slot()
        };
        if self.slot(ordinal) < kept {
            self.revisions.current
        } else {
            self.revisions.update
        }
    }

    /// Whether a rollout has to replace this member (item 98).
    pub(crate) fn is_outdated(&self, member: &Member<'_>) -> bool {
        !member.is_updated
            && self.revisions.update.is_some()
            && self.slot(member.ordinal) >= self.world.app.spec.first_updated_slot()
    }
}
