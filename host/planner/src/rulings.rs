//! Decisions about invocations: a user skips, retries or aborts one, or its deadline passes. Each is recorded with who, why and when before it counts.
//!
//! | decided | the invocation |
//! |---|---|
//! | skip, or a deadline that proceeds | its purpose counts as reached; it is called no more |
//! | retry | it is called at once; the host does that when it takes the decision up |
//! | abort, or a deadline that aborts  | what was begun is undone, and nothing is begun anew before the spec changes |

use jiff::Timestamp;

use crate::draft::Draft;
use crate::hooks;
use crate::journal::{Act, Cause, Invocation, InvocationId, MoveCause, Phase};
use crate::scene::Scene;
use crate::spec::{Deadline, DeadlinePolicy};
use crate::status::Ruling;
use crate::world::{RulingWish, Verb, World};

/// Decisions that are remembered.
const MOST: usize = 16;
/// Bytes of a reason and of a name, at most.
const LONGEST_REASON: usize = 512;
const LONGEST_NAME: usize = 256;
/// Who decided, when nobody did.
const BY_DEADLINE: &str = "deadline";

pub(crate) const TAKEN: &str = "Taken";

/// Its purpose counts as reached, and that stands in the status.
pub(crate) fn is_skipped(scene: &Scene<'_>, id: &InvocationId) -> bool {
    holds(scene, Verb::Skip, id)
}

/// Its purpose is given up, and that stands in the status.
pub(crate) fn is_aborted(scene: &Scene<'_>, id: &InvocationId) -> bool {
    holds(scene, Verb::Abort, id)
}

fn holds(scene: &Scene<'_>, verb: Verb, id: &InvocationId) -> bool {
    scene.world.recorded.rulings.iter().any(|ruling| {
        ruling.verb == verb
            && ruling.result == TAKEN
            && ruling.invocation == *id
            && (verb == Verb::Skip || ruling.generation == scene.world.app.generation)
    })
}

/// Whether handing this role over from its present holder was skipped or aborted.
pub(crate) fn of_role(scene: &Scene<'_>, role: &str, epoch: u64, verb: Verb) -> bool {
    let prefix = format!("move-role/{role}/{epoch}/");
    let recorded = &scene.world.recorded.rulings;
    recorded
        .iter()
        .filter(|ruling| ruling.invocation.0.starts_with(&prefix))
        .any(|ruling| holds(scene, verb, &ruling.invocation))
}

/// How a quarantine is named where an invocation is.
pub(crate) fn quarantine(ordinal: u32) -> String {
    format!("quarantine/{ordinal}")
}

/// Takes up what a user decided, and what deadlines decide.
pub(crate) fn advance(scene: &Scene<'_>, draft: &mut Draft) {
    if let Some(wish) = &scene.world.app.wishes.ruling {
        take_up(scene, wish, draft);
    }
    for known in scene.world.journal.values() {
        look_at_the_clock(scene, known, draft);
    }
    let surplus = draft.status.rulings.len().saturating_sub(MOST);
    draft.status.rulings.drain(..surplus);
}

fn take_up(scene: &Scene<'_>, wish: &RulingWish, draft: &mut Draft) {
    let is_taken_up = |ruling: &Ruling| ruling.request.as_ref() == Some(&wish.id);
    if draft.status.rulings.iter().any(is_taken_up) {
        return;
    }
    let result = judge(scene, wish);
    draft.status.rulings.push(Ruling {
        request: Some(wish.id.clone()),
        invocation: wish.invocation.clone(),
        verb: wish.verb,
        by: hooks::beginning(&wish.by, LONGEST_NAME).to_owned(),
        reason: hooks::beginning(&wish.reason, LONGEST_REASON).to_owned(),
        at: scene.now,
        generation: scene.world.app.generation,
        result: result.to_owned(),
    });
    draft.is_urgent = true;
}

fn judge(scene: &Scene<'_>, wish: &RulingWish) -> &'static str {
    if let Some(ordinal) = wish.invocation.0.strip_prefix("quarantine/") {
        let is_held = ordinal
            .parse()
            .is_ok_and(|ordinal| crate::orders::is_quarantined(&scene.world.recorded, ordinal));
        return match (wish.verb, is_held) {
            (_, false) => "NoSuchInvocation",
            (Verb::Skip, true) => TAKEN,
            (Verb::Retry | Verb::Abort, true) => "NotAllowed",
        };
    }
    let Some(known) = scene.world.journal.get(&wish.invocation) else {
        return "NoSuchInvocation";
    };
    if is_skipped(scene, &known.id) {
        return "AlreadySkipped";
    }
    match (wish.verb, &known.act) {
        // A member that is there cannot be made to not have come, nor one that is gone to not have gone.
        (Verb::Abort, Act::PostReady { .. } | Act::PostDelete { .. }) => "NotAllowed",
        // A permission to delete can only be taken back.
        (Verb::Skip | Verb::Retry, Act::PreDelete { .. }) if known.is_done() => "AlreadyDone",
        _ => TAKEN,
    }
}

/// The user's deadline for the invocation, and when it is over.
pub(crate) fn deadline(world: &World, known: &Invocation) -> Option<(Timestamp, Deadline)> {
    let deadline = *world.app.spec.deadlines.get(known.act.hook())?;
    let end = known.started.checked_add(deadline.time()).ok()?;
    Some((end, deadline))
}

fn look_at_the_clock(scene: &Scene<'_>, known: &Invocation, draft: &mut Draft) {
    if known.phase == Phase::Done || known.cancelling {
        return;
    }
    let Some((end, deadline)) = deadline(scene.world, known) else {
        return;
    };
    let is_for_good = matches!(
        known.act,
        Act::PreDelete {
            cause: Cause::ScaleIn | Cause::Teardown,
            ..
        } | Act::MoveRole {
            cause: MoveCause::Leaving,
            ..
        }
    );
    let verb = match deadline.policy {
        DeadlinePolicy::Wait => return,
        DeadlinePolicy::Proceed if is_for_good => return,
        DeadlinePolicy::Proceed => Verb::Skip,
        DeadlinePolicy::Abort => match known.act {
            Act::PostReady { .. } | Act::PostDelete { .. } => return,
            _ => Verb::Abort,
        },
    };
    if end > scene.now {
        draft.wake(end);
        return;
    }
    if holds(scene, verb, &known.id)
        || draft
            .status
            .rulings
            .iter()
            .any(|ruling| is_by_deadline(ruling, scene, &known.id))
    {
        return;
    }
    draft.status.rulings.push(Ruling {
        request: None,
        invocation: known.id.clone(),
        verb,
        by: BY_DEADLINE.to_owned(),
        reason: format!(
            "it was not done {} s after its first call, and spec.plugin.deadlines says {:?}",
            deadline.seconds, deadline.policy
        ),
        at: scene.now,
        generation: scene.world.app.generation,
        result: TAKEN.to_owned(),
    });
    draft.is_urgent = true;
}

fn is_by_deadline(ruling: &Ruling, scene: &Scene<'_>, id: &InvocationId) -> bool {
    ruling.invocation == *id
        && ruling.by == BY_DEADLINE
        && ruling.generation == scene.world.app.generation
}

#[cfg(test)]
mod tests;
