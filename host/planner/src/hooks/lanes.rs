//! Which calls go now: one exclusive act invocation at a time per app.
//!
//! | kind | may run beside |
//! |---|---|
//! | `post-ready`, where the manifest lets it overlap | everything but `move-role` |
//! | `pre-scale`, where the manifest lets it overlap | other steps of the scale, and an overlapping `post-ready` |
//! | `move-role` after a failure | what is in progress and not being called just now; it is resumed afterwards |
//! | every other | an overlapping `post-ready`, unless it is a `move-role` |
//!
//! Who is called or in progress has the lane; who was refused or fails has left it. Free lanes go to `post-ready` first, then `move-role`, `pre-delete`, `pre-scale`, `post-delete`,
//! `task`; and after them to who left his lane, in the order in which they are due: many that refuse for ever keep nobody out.
//!
//! The status has room for so many: while 32 invocations of a hook are open, or 128 permissions to delete stand, or the journal has not enough
//! [`room`] for one more, no further one is begun. The first of a hook always is.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::draft::{Draft, Wanted};
use crate::hooks::{MOVE_ROLE, PRE_DELETE, recording, room};
use crate::journal::{Act, Invocation, InvocationId, MoveCause, Phase};
use crate::plan::Step;
use crate::scene::Scene;
use crate::world::ReadyPlugin;

/// Overlapping invocations under way at once, and open ones of one hook.
const MOST: usize = 32;
/// Steps of a scale that are judged at once: joins have room beside them, which a step may wait for.
const MOST_JUDGED: usize = 16;
/// Permissions to delete that stand at once, each until its pod is gone.
const MOST_ALLOWED: usize = 128;
/// A `move-role` that said `done` without moving is asked again after this time, longer after each attempt.
const DID_NOT_MOVE: SignedDuration = SignedDuration::from_secs(5);

/// In the order in which they go: a failover before a join that is to be called again, which would else begin in the same plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lane {
    Failover,
    Overlapping,
    PostReady,
    MoveRole,
    PreDelete,
    PreScale,
    /// `pre-scale` that may overlap.
    Judging,
    PostDelete,
    Task,
}

fn lane(act: &Act, plugin: &ReadyPlugin) -> Lane {
    match act {
        Act::PostReady { .. } if plugin.post_ready_overlaps => Lane::Overlapping,
        Act::PostReady { .. } => Lane::PostReady,
        Act::MoveRole {
            cause: MoveCause::Failed,
            ..
        } => Lane::Failover,
        Act::MoveRole { .. } => Lane::MoveRole,
        Act::PostDelete { .. } => Lane::PostDelete,
        Act::Task { .. } => Lane::Task,
        Act::PreDelete { .. } => Lane::PreDelete,
        Act::PreScale { .. } if plugin.pre_scale_overlaps => Lane::Judging,
        Act::PreScale { .. } => Lane::PreScale,
    }
}

/// When it is its turn: a failover first, and last who has left his lane, since when he is due.
fn turn(scene: &Scene<'_>, plugin: &ReadyPlugin, wanted: &Wanted) -> (Option<Timestamp>, Lane) {
    let lane = lane(&wanted.act, plugin);
    match lane {
        Lane::Failover => (None, lane),
        _ => (has_left(scene, &wanted.id), lane),
    }
}

/// Since when it is due, if it was refused or failed.
fn has_left(scene: &Scene<'_>, id: &InvocationId) -> Option<Timestamp> {
    match &scene.world.journal.get(id)?.phase {
        Phase::Refused { ask_again, .. } | Phase::Failing { ask_again, .. } => Some(*ask_again),
        Phase::Calling | Phase::InProgress { .. } | Phase::Done | Phase::Fatal { .. } => None,
    }
}

fn collide(one: Lane, other: Lane) -> bool {
    match (one, other) {
        (Lane::Overlapping, Lane::Overlapping) | (Lane::Judging, Lane::Judging) => false,
        (Lane::Overlapping, other) | (other, Lane::Overlapping) => {
            matches!(other, Lane::MoveRole | Lane::Failover)
        }
        _ => true,
    }
}

/// Writes the calls that may go. Returns what is queued behind what.
pub(super) fn call(
    scene: &Scene<'_>,
    plugin: &ReadyPlugin,
    draft: &mut Draft,
) -> BTreeMap<InvocationId, InvocationId> {
    let mut running: Vec<(Lane, InvocationId)> = scene
        .world
        .journal
        .values()
        .filter(|known| has_lane(known) && !draft.forget.contains(&known.id))
        .map(|known| (lane(&known.act, plugin), known.id.clone()))
        .collect();
    let mut open = Open::of(scene, draft);
    let mut wanted: Vec<&Wanted> = draft.wanted.iter().collect();
    wanted.sort_by_cached_key(|wanted| turn(scene, plugin, wanted));
    // A move waits for joins that are under way, and those that left their lanes for it.
    let mut moving: Option<InvocationId> = None;
    // No further step is judged while somebody waits whose turn was before.
    let mut before_judging: Option<InvocationId> = None;

    let mut calls = Vec::new();
    let mut queued = BTreeMap::new();
    let mut wake = Vec::new();
    for wanted in wanted {
        let id = wanted.id.clone();
        match due(scene, plugin, &id) {
            Due::Now => {}
            Due::At(time) => {
                wake.push(time);
                continue;
            }
            Due::NotNow => continue,
        }
        let own = lane(&wanted.act, plugin);
        let in_the_way = running.iter().find(|(other, other_id)| {
            if *other_id == id || !collide(own, *other) {
                return false;
            }
            // A failover goes first, whatever began before it.
            let is_behind = *other == Lane::Failover && own != Lane::Failover;
            is_behind || !(yields(scene, own, other_id) || is_overtaken(scene, other_id, &id))
        });
        if let Some((_, behind)) = in_the_way {
            if own == Lane::Failover && plugin.failover_interrupts {
                calls.push(Step::Interrupt { id: behind.clone() });
            }
            queued.insert(id.clone(), behind.clone());
            if own == Lane::MoveRole {
                moving.get_or_insert_with(|| id.clone());
            }
            if !matches!(own, Lane::Overlapping | Lane::Judging) {
                before_judging.get_or_insert(id);
            }
            continue;
        }
        if let Some(moving) = &moving
            && own == Lane::Overlapping
            && has_left(scene, &id).is_some()
        {
            queued.insert(id, moving.clone());
            continue;
        }
        // Who is under way already goes on: else as many as there may be would wait for each other for ever.
        let is_under_way = running.iter().any(|(_, other)| *other == id);
        let is_full = match own {
            Lane::Overlapping => running.len() >= MOST,
            Lane::Judging => count(&running, Lane::Judging) >= MOST_JUDGED,
            _ => false,
        };
        if is_full && !is_under_way {
            continue;
        }
        if let Some(first) = &before_judging
            && own == Lane::Judging
            && !is_under_way
        {
            queued.insert(id, first.clone());
            continue;
        }
        if let Some(behind) = open.in_the_way(scene, &id, wanted) {
            queued.insert(id, behind.clone());
            continue;
        }
        open.begin(&id, &wanted.act, room::reserved(&wanted.act));
        calls.push(Step::Call {
            id: id.clone(),
            act: wanted.act.clone(),
            cancelling: wanted.cancelling,
        });
        if !is_under_way {
            running.push((own, id));
        }
    }
    draft.steps.extend(calls);
    for time in wake {
        draft.wake(time);
    }
    queued
}

fn count(running: &[(Lane, InvocationId)], lane: Lane) -> usize {
    running.iter().filter(|(other, _)| *other == lane).count()
}

/// What is being called, or stands in the status until it ends, by hook. Who was refused or fails has left its lane, but a checkpoint or a deadline stays.
#[derive(Default)]
struct Open {
    by_hook: BTreeMap<&'static str, BTreeSet<InvocationId>>,
    allowed: BTreeSet<InvocationId>,
    /// Bytes of the status that each of them takes up, or may when its call ends.
    bytes: BTreeMap<InvocationId, usize>,
    taken: usize,
    room: usize,
}

impl Open {
    fn of(scene: &Scene<'_>, draft: &Draft) -> Open {
        let mut open = Open {
            room: room::of_journal(&draft.status),
            ..Open::default()
        };
        for known in scene.world.journal.values() {
            if draft.forget.contains(&known.id) {
                continue;
            }
            let bytes = recording::bytes(scene, known);
            if has_lane(known) || recording::stays(scene, known) {
                open.begin(&known.id, &known.act, bytes);
            } else if recording::is_permission(known) {
                open.allowed.insert(known.id.clone());
                open.take(&known.id, bytes);
            }
        }
        open
    }

    fn begin(&mut self, id: &InvocationId, act: &Act, bytes: usize) {
        self.take(id, bytes);
        self.by_hook
            .entry(act.hook())
            .or_default()
            .insert(id.clone());
    }

    fn take(&mut self, id: &InvocationId, bytes: usize) {
        let before = self.bytes.insert(id.clone(), bytes).unwrap_or(0);
        self.taken = self.taken.saturating_sub(before).saturating_add(bytes);
    }

    /// One of those whose end is waited for. What was begun goes on or is undone; a role never waits: there are few, and a failover is urgent.
    fn in_the_way(
        &self,
        scene: &Scene<'_>,
        id: &InvocationId,
        wanted: &Wanted,
    ) -> Option<&InvocationId> {
        let hook = wanted.act.hook();
        let open = self.by_hook.get(hook);
        let goes_on = open.is_some_and(|open| open.contains(id));
        if goes_on || wanted.cancelling || hook == MOVE_ROLE {
            return None;
        }
        let is_full = |ids: &&BTreeSet<InvocationId>, most| ids.len() >= most;
        let allowed = Some(&self.allowed).filter(|_| hook == PRE_DELETE);
        let full = open
            .filter(|open| is_full(open, MOST))
            .or_else(|| allowed.filter(|allowed| is_full(allowed, MOST_ALLOWED)));
        if let Some(full) = full {
            return full.first();
        }
        let is_idle = |hook: &str| self.by_hook.get(hook).is_none_or(BTreeSet::is_empty);
        if is_idle(hook) {
            return None;
        }
        let for_others = room::for_others(hook, |other| scene.hooks.has(other) && is_idle(other));
        let needed = room::reserved(&wanted.act) + for_others;
        // Where nothing is open, nothing could make room.
        match self.taken.saturating_add(needed) <= self.room {
            true => None,
            false => self.bytes.keys().next(),
        }
    }
}

/// Two may stand in progress at once: the host died when the next had begun and the end of the first was not written yet. The one that began first goes
/// on first; else each would wait for the other.
fn is_overtaken(scene: &Scene<'_>, other: &InvocationId, own: &InvocationId) -> bool {
    let began = |id: &InvocationId| {
        let known = scene.world.journal.get(id)?;
        let is_resting = matches!(known.phase, Phase::InProgress { .. });
        is_resting.then(|| (known.started, known.id.clone()))
    };
    match (began(own), began(other)) {
        (Some(own), Some(other)) => own < other,
        _ => false,
    }
}

/// What is in progress waits while a failover is under way; a call in flight ends first.
fn yields(scene: &Scene<'_>, own: Lane, other: &InvocationId) -> bool {
    own == Lane::Failover
        && scene.world.journal.get(other).is_some_and(|known| {
            known.phase != Phase::Calling
                && !matches!(
                    known.act,
                    Act::MoveRole {
                        cause: MoveCause::Failed,
                        ..
                    }
                )
        })
}

fn has_lane(known: &Invocation) -> bool {
    matches!(known.phase, Phase::Calling | Phase::InProgress { .. })
}

enum Due {
    Now,
    At(Timestamp),
    /// A call is in flight, or only a change can help.
    NotNow,
}

fn due(scene: &Scene<'_>, plugin: &ReadyPlugin, id: &InvocationId) -> Due {
    let at = |time: Timestamp| {
        if time <= scene.now {
            Due::Now
        } else {
            Due::At(time)
        }
    };
    let Some(known) = scene.world.journal.get(id) else {
        return Due::Now;
    };
    match &known.phase {
        Phase::Calling => Due::NotNow,
        Phase::InProgress { ask_again, .. }
        | Phase::Refused { ask_again, .. }
        | Phase::Failing { ask_again, .. } => at(*ask_again),
        Phase::Fatal {
            generation, digest, ..
        } => {
            if *generation != scene.world.app.generation || *digest != plugin.digest {
                Due::Now
            } else {
                Due::NotNow
            }
        }
        Phase::Done if matches!(known.act, Act::MoveRole { .. }) && !known.cancelling => {
            let pause = DID_NOT_MOVE.saturating_mul(i32::try_from(known.attempts).unwrap_or(1000));
            known.started.checked_add(pause).map_or(Due::NotNow, at)
        }
        // To be undone.
        Phase::Done => Due::Now,
    }
}
