//! Members that leave: for good, with `post-delete` when the pod is gone; or deleted by somebody else, with what `pre-delete` can still do.
//!
//! A departure stands in the status before the pod is deleted, so that a gone pod is known to be one that left for good.

use crate::availability::Standing;
use crate::draft::Draft;
use crate::hooks::{self, POST_DELETE, PRE_DELETE};
use crate::journal::{Act, Cause};
use crate::scene::{Member, Mode, Scene};
use crate::status::Departure;
use crate::waiting::{Gate, WaitingFor};
use crate::world::PodPhase;
use crate::{eviction, orders, rollout};

/// Members that leave at a time; the status must stay small.
const MOST: usize = 64;

/// Brings every departure to its end, and calls for who is deleted by somebody else.
pub(crate) fn advance(scene: &Scene<'_>, draft: &mut Draft) {
    if scene.hooks.has(POST_DELETE) {
        for member in scene.condemned().filter(|member| member.is_terminating()) {
            // Deleted without us, and out of range: it will not come back.
            record(member, draft);
        }
    }
    let mut departures = std::mem::take(&mut draft.status.departures);
    departures.retain(|departure| {
        let is_open = is_open(scene, departure, draft);
        // Who waits for the ordinal waits until this stands in the status.
        draft.is_urgent |= !is_open && scene.goal.ordinals.contains(departure.ordinal);
        is_open
    });
    draft.status.departures = departures;
    for member in scene.restless() {
        if let Some(act) = external(scene, member) {
            draft.want(act, false);
        }
    }
}

/// Whether something is still to be done for it.
fn is_open(scene: &Scene<'_>, departure: &Departure, draft: &mut Draft) -> bool {
    if !scene.hooks.has(POST_DELETE) {
        return false;
    }
    match scene.incarnation(departure.ordinal, &departure.pod) {
        Some(member) => {
            // It stays after all, unless it goes already.
            member.is_terminating() || !scene.goal.ordinals.contains(departure.ordinal)
        }
        None => hooks::gate(scene, act(departure), draft) != Gate::Open,
    }
}

fn act(departure: &Departure) -> Act {
    Act::PostDelete {
        ordinal: departure.ordinal,
        pod: departure.pod.clone(),
    }
}

/// Whether its departure stands in the status, so that its pod may be deleted for good.
pub(crate) fn may_leave(scene: &Scene<'_>, member: &Member<'_>, draft: &mut Draft) -> Gate {
    if !scene.hooks.has(POST_DELETE) {
        return Gate::Open;
    }
    let recorded = &scene.world.recorded.departures;
    if recorded.iter().any(|known| known.pod == member.pod.uid) {
        return Gate::Open;
    }
    record(member, draft);
    Gate::Wait(WaitingFor::Recording)
}

fn record(member: &Member<'_>, draft: &mut Draft) {
    let known = &mut draft.status.departures;
    if known.len() < MOST && known.iter().all(|known| known.pod != member.pod.uid) {
        known.push(Departure {
            ordinal: member.ordinal,
            pod: member.pod.uid.clone(),
        });
        draft.is_urgent = true;
    }
}

/// The wait of a new pod under this ordinal, while the plugin tidies up after the one that left. That it is done stands in the status first: else a host that
/// dies would let the plugin tidy up again, when the next member is there already.
pub(crate) fn blocks(scene: &Scene<'_>, ordinal: u32) -> Option<WaitingFor> {
    let departure =
        (scene.world.recorded.departures.iter()).find(|known| known.ordinal == ordinal)?;
    Some(WaitingFor::Departure {
        ordinal,
        id: act(departure).id(),
    })
}

/// What is called for a member that somebody else deleted: while its processes may still answer, and until the grace period is over.
pub(crate) fn external(scene: &Scene<'_>, member: &Member<'_>) -> Option<Act> {
    let is_present = member.is_adopted
        && member.standing == Standing::Terminating
        && member.pod.phase == PodPhase::Running;
    let is_in_time = member.pod.deletion.is_some_and(|end| end > scene.now);
    if !is_present || !is_in_time || !scene.hooks.has(PRE_DELETE) || was_allowed(scene, member) {
        return None;
    }
    let act = Act::PreDelete {
        ordinal: member.ordinal,
        pod: member.pod.uid.clone(),
        cause: Cause::External,
    };
    let is_done = (scene.world.journal.get(&act.id())).is_some_and(crate::Invocation::is_done);
    (!is_done).then_some(act)
}

/// Whether we deleted it: the permission stays until the pod is gone.
pub(crate) fn was_allowed(scene: &Scene<'_>, member: &Member<'_>) -> bool {
    [
        Cause::ScaleIn,
        Cause::Update,
        Cause::Replace,
        Cause::Evict,
        Cause::Teardown,
    ]
    .into_iter()
    .map(|cause| Act::PreDelete {
        ordinal: member.ordinal,
        pod: member.pod.uid.clone(),
        cause,
    })
    .any(|act| {
        let id = act.id();
        let is_done = (scene.world.journal.get(&id)).is_some_and(crate::Invocation::is_done);
        is_done || crate::rulings::is_skipped(scene, &id)
    })
}

/// Whether its pod is to be replaced and may be: it is there for a moment yet.
pub(crate) fn is_about_to_leave(scene: &Scene<'_>, member: &Member<'_>) -> bool {
    // A decision to skip `pre-delete` outlives its reason.
    is_to_be_replaced(scene, member) && was_allowed(scene, member)
}

/// Whether its pod is to be replaced, now or when it is its turn.
pub(crate) fn is_to_be_replaced(scene: &Scene<'_>, member: &Member<'_>) -> bool {
    rollout::replaces(scene, member)
        || eviction::is_leaving(scene, member)
        || orders::replaces(scene, member.ordinal, &member.pod.uid)
}

/// Whether nothing is left to be tidied up.
pub(crate) fn are_over(scene: &Scene<'_>, draft: &Draft) -> bool {
    scene.goal.mode == Mode::Nothing || draft.status.departures.is_empty()
}

#[cfg(test)]
mod tests;
