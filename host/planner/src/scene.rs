//! The world arranged for the rules: the ordinals that are wanted, the members that exist and where each stands.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::availability::{self, Standing};
use crate::claims::Shelf;
use crate::eviction::Gate;
use crate::hooks::Hooks;
use crate::identity::{REVISION_LABEL, ordinal_of};
use crate::revisions::Revisions;
use crate::status::Ordinals;
use crate::world::{Face, Pod, Revision, World};

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

/// One ordinal whose pod exists.
#[derive(Clone, Debug)]
pub(crate) struct Member<'w> {
    pub(crate) ordinal: u32,
    pub(crate) pod: &'w Pod,
    /// The revision that its label names.
    pub(crate) revision: &'w str,
    pub(crate) standing: Standing,
    /// Ours already; otherwise it is only counted until it is adopted.
    pub(crate) is_adopted: bool,
}

impl Member<'_> {
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

pub(crate) struct Scene<'w> {
    pub(crate) world: &'w World,
    pub(crate) now: Timestamp,
    pub(crate) goal: Goal,
    pub(crate) hooks: Hooks<'w>,
    pub(crate) members: BTreeMap<u32, Member<'w>>,
    pub(crate) revisions: Revisions<'w>,
    pub(crate) claims: Shelf<'w>,
    /// Who decides on evictions, once somebody has asked.
    pub(crate) evictions: OnceCell<Gate<'w>>,
}

impl<'w> Scene<'w> {
    pub(crate) fn arrange(
        world: &'w World,
        now: Timestamp,
        goal: Goal,
        pods: Vec<(&'w Pod, bool)>,
        revisions: Revisions<'w>,
    ) -> Scene<'w> {
        let hooks = Hooks::of(world);
        let members = pods
            .into_iter()
            .filter_map(|(pod, is_adopted)| {
                let ordinal = ordinal_of(&world.app.name, &pod.name)?;
                let is_wanted = goal.ordinals.contains(ordinal);
                let standing = availability::standing(world, &hooks, pod, ordinal, is_wanted, now);
                let member = Member {
                    ordinal,
                    pod,
                    revision: pod.labels.get(REVISION_LABEL).map_or("", String::as_str),
                    standing,
                    is_adopted,
                };
                Some((ordinal, member))
            })
            .collect();
        Scene {
            world,
            now,
            goal,
            hooks,
            members,
            revisions,
            claims: Shelf::of(world),
            evictions: OnceCell::new(),
        }
    }

    /// Members in range, ascending.
    pub(crate) fn wanted(&self) -> impl DoubleEndedIterator<Item = &Member<'w>> {
        self.members
            .values()
            .filter(|member| self.goal.ordinals.contains(member.ordinal))
    }

    /// Members out of range, below the first ordinal too.
    pub(crate) fn condemned(&self) -> impl DoubleEndedIterator<Item = &Member<'w>> {
        self.members
            .values()
            .filter(|member| !self.goal.ordinals.contains(member.ordinal))
    }

    /// Ordinals in range that have no pod, ascending and made up one by one: a spec may ask for billions.
    pub(crate) fn missing(&self) -> impl Iterator<Item = u32> {
        self.goal
            .ordinals
            .iter()
            .filter(|ordinal| !self.members.contains_key(ordinal))
    }

    /// Exactly the wanted ordinals have pods.
    pub(crate) fn is_as_wanted(&self) -> bool {
        self.condemned().next().is_none()
            && u32::try_from(self.members.len()) == Ok(self.goal.ordinals.replicas)
    }

    /// The member, while its pod is this one.
    pub(crate) fn incarnation(&self, ordinal: u32, uid: &str) -> Option<&Member<'w>> {
        (self.members.get(&ordinal)).filter(|member| member.pod.uid == uid)
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
        self.slot(member.ordinal) >= self.world.app.spec.first_updated_slot()
            && self
                .revisions
                .update
                .is_some_and(|update| update.name != member.revision)
    }
}
