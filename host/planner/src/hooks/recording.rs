//! What of the journal must stand in the status: what is under way, and each permission to delete before it is used.

use super::room;
use crate::draft::Draft;
use crate::journal::{Act, Invocation, Phase};
use crate::rulings;
use crate::scene::Scene;

pub(super) fn keep(scene: &Scene<'_>, draft: &mut Draft) {
    let recorded = &scene.world.recorded.invocations;
    let mut kept: Vec<Invocation> = Vec::new();
    for (id, known) in &scene.world.journal {
        if draft.forget.contains(id) {
            continue;
        }
        if known.phase == Phase::Calling {
            // What was handed to the call stays until its answer replaces it.
            kept.extend(recorded.iter().find(|old| old.id == *id).cloned());
        } else if must_stand(known) || has_a_clock(scene, known) {
            if must_stand(known) && !known.is_recorded {
                draft.is_urgent = true;
            }
            kept.push(as_recorded(known));
        }
    }
    draft.status.invocations = kept;
}

/// As it stands in the status: that it does is no part of it.
pub(crate) fn as_recorded(known: &Invocation) -> Invocation {
    let mut recorded = known.clone();
    recorded.is_recorded = false;
    if !known.is_under_way() {
        recorded.digest = None;
    }
    if let Phase::InProgress { message, .. }
    | Phase::Failing { message, .. }
    | Phase::Fatal { message, .. }
    | Phase::Refused {
        reason: message, ..
    } = &mut recorded.phase
        && let end = room::beginning(message, room::LONGEST_MESSAGE).len()
        && end < message.len()
    {
        message.truncate(end);
        message.push('…');
    }
    recorded
}

/// Its time runs whatever becomes of the host: its deadline counts from its first call; and a refusal that was written, because requests came with it, is asked
/// again when it said.
fn has_a_clock(scene: &Scene<'_>, known: &Invocation) -> bool {
    let rests = known.is_recorded && matches!(known.phase, Phase::Refused { .. });
    rests || known.phase != Phase::Done && rulings::deadline(scene.world, known).is_some()
}

/// It stands in the status until it ends, whatever the next answers are.
pub(super) fn stays(scene: &Scene<'_>, known: &Invocation) -> bool {
    known.is_under_way() || has_a_clock(scene, known)
}

/// Bytes of the status that it takes up, or may when its call ends; none where it is not written.
pub(super) fn bytes(scene: &Scene<'_>, known: &Invocation) -> usize {
    match known.phase {
        Phase::Calling => room::reserved(&known.act),
        _ if stays(scene, known) || is_permission(known) => room::taken(known),
        _ => 0,
    }
}

/// Whether losing it would lose more than one call.
pub(crate) fn must_stand(known: &Invocation) -> bool {
    known.is_under_way() || is_permission(known)
}

pub(super) fn is_permission(known: &Invocation) -> bool {
    known.is_done() && matches!(known.act, Act::PreDelete { .. })
}
