//! Does what an invocation was begun for still stand?
//!
//! | purpose | the invocation | then |
//! |---|---|---|
//! | stands | is under way | goes on, even when it is not its turn any more |
//! | gone   | is under way, or allowed a deletion | is undone: called with `cancelling` until `done` |
//! | gone   | has done nothing | is forgotten |
//! | over   | any | is forgotten: its subject is gone, or the fact stands elsewhere |

use crate::draft::Draft;
use crate::journal::{Act, Cause, Invocation, InvocationId, Phase};
use crate::member::JoinedAs;
use crate::scene::{Member, Mode, Scene};
use crate::{departures, eviction, orders, roles, rollout, rulings, tasks};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Stands,
    Gone,
    Over,
}

pub(super) fn review(scene: &Scene<'_>, draft: &mut Draft) {
    for (id, known) in &scene.world.journal {
        // What comes back from a call in flight is still needed.
        if known.phase == Phase::Calling || draft.forget.contains(id) {
            continue;
        }
        match purpose(scene, draft, known) {
            Purpose::Over => forget(draft, id),
            _ if known.is_undone() => end_undone(scene, draft, id),
            Purpose::Stands if rulings::is_skipped(scene, id) => {}
            Purpose::Stands if rulings::is_aborted(scene, id) && known.is_under_way() => {
                draft.wanted.retain(|wanted| wanted.id != *id);
                draft.want(known.act.clone(), true);
            }
            Purpose::Stands if rulings::is_aborted(scene, id) => forget(draft, id),
            Purpose::Gone if is_worth_undoing(known) => {
                draft.wanted.retain(|wanted| wanted.id != *id);
                draft.want(known.act.clone(), true);
            }
            Purpose::Gone => forget(draft, id),
            Purpose::Stands if known.is_under_way() => {
                if draft.wanted.iter().all(|wanted| wanted.id != *id) {
                    draft.want(known.act.clone(), false);
                }
            }
            Purpose::Stands => {}
        }
    }
}

/// A permission that was undone must not come back from the status: it leaves the status first, and memory after that.
fn end_undone(scene: &Scene<'_>, draft: &mut Draft, id: &InvocationId) {
    let recorded = &scene.world.recorded.invocations;
    if recorded.iter().any(|known| known.id == *id) {
        draft.is_urgent = true;
        draft.wanted.retain(|wanted| wanted.id != *id);
    } else {
        forget(draft, id);
    }
}

fn forget(draft: &mut Draft, id: &InvocationId) {
    draft.forget.insert(id.clone());
}

fn is_worth_undoing(known: &Invocation) -> bool {
    match known.phase {
        Phase::Fatal { .. } => false,
        Phase::Done => matches!(known.act, Act::PreDelete { .. }),
        _ => known.is_under_way(),
    }
}

fn purpose(scene: &Scene<'_>, draft: &Draft, known: &Invocation) -> Purpose {
    if !scene.hooks.has(known.act.hook()) {
        return Purpose::Over;
    }
    if scene.goal.mode == Mode::Teardown
        && !matches!(
            known.act,
            Act::PreDelete {
                cause: Cause::Teardown | Cause::External,
                ..
            } | Act::PostDelete { .. }
        )
    {
        // Nothing is undone for an app that goes.
        return Purpose::Over;
    }
    match &known.act {
        Act::PostReady {
            ordinal,
            pod,
            restarts,
        } => match living(scene, *ordinal, pod) {
            None => Purpose::Over,
            Some(member)
                if member.pod.restarts != *restarts || member.joined == JoinedAs::Recorded =>
            {
                Purpose::Over
            }
            Some(member) => stands_if(scene.goal.ordinals.contains(member.ordinal)),
        },
        Act::PreDelete {
            ordinal,
            pod,
            cause,
        } => match scene.incarnation(*ordinal, pod) {
            None => Purpose::Over,
            // That we allowed it stands until the pod is gone: whoever looks must know that nobody else deleted it.
            Some(member) if !member.is_alive() => match cause {
                Cause::External => {
                    over_unless(known.is_done() || departures::external(scene, member).is_some())
                }
                _ => over_unless(known.is_done() && member.is_terminating()),
            },
            Some(member) => stands_if(match cause {
                Cause::ScaleIn | Cause::Teardown => !scene.goal.ordinals.contains(member.ordinal),
                Cause::Update => rollout::replaces(scene, member),
                Cause::Replace => orders::replaces(scene, member.ordinal, pod),
                Cause::Evict => eviction::is_leaving(scene, member),
                Cause::External => false,
            }),
        },
        Act::PostDelete { pod, .. } => {
            // While it stands in the status it would be called again.
            let departures =
                (draft.status.departures.iter()).chain(&scene.world.recorded.departures);
            over_unless(departures.map(|known| &known.pod).any(|known| known == pod))
        }
        Act::Task { name, run, .. } => over_unless(tasks::is_running(scene, name, *run)),
        Act::PreScale { scale, ordinal } => {
            let is_present = draft
                .status
                .scale
                .as_ref()
                .is_some_and(|scale_now| scale_now.number == *scale);
            match (is_present, is_step_ahead(scene, *ordinal)) {
                (true, true) => Purpose::Stands,
                (true, false) => Purpose::Over,
                (false, _) => Purpose::Gone,
            }
        }
        Act::MoveRole { role, number, .. } => roles::moving(&draft.status, role)
            .filter(|moving| moving.number == *number)
            .map_or(Purpose::Over, |moving| {
                stands_if(roles::is_wanted(scene, role, moving))
            }),
    }
}

fn over_unless(condition: bool) -> Purpose {
    if condition {
        Purpose::Stands
    } else {
        Purpose::Over
    }
}

fn stands_if(condition: bool) -> Purpose {
    if condition {
        Purpose::Stands
    } else {
        Purpose::Gone
    }
}

fn living<'a, 'w>(scene: &'a Scene<'w>, ordinal: u32, uid: &str) -> Option<&'a Member<'w>> {
    (scene.incarnation(ordinal, uid)).filter(|member| member.is_alive())
}

/// The create or delete of this ordinal that a scale asks for is still to come.
fn is_step_ahead(scene: &Scene<'_>, ordinal: u32) -> bool {
    match scene.members.get(ordinal) {
        None => scene.goal.ordinals.contains(ordinal),
        Some(member) => !scene.goal.ordinals.contains(ordinal) && !member.is_terminating(),
    }
}
