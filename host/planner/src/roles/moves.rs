//! One move of a role, from its record to its end.

use super::failover;
use crate::draft::Draft;
use crate::journal::{Act, MoveCause, Phase};
use crate::scene::Scene;
use crate::status::{EndedRequest, Moving, RoleStatus};
use crate::{departures, rulings};

/// Records that the role is to move; the first call follows when that stands in the status.
pub(super) fn begin(
    role: &RoleStatus,
    cause: MoveCause,
    target: Option<u32>,
    request: Option<String>,
    draft: &mut Draft,
) {
    let Some(role) = draft
        .status
        .roles
        .iter_mut()
        .find(|known| known.name == role.name)
    else {
        return;
    };
    if role.moving.is_some() {
        return;
    }
    role.moves = role.moves.saturating_add(1);
    role.moving = Some(Moving {
        number: role.moves,
        epoch: role.epoch,
        cause,
        target,
        request,
    });
    draft.is_urgent = true;
}

/// How a move stands.
enum Course {
    /// Goes on: the hook is wanted.
    On,
    /// Another member has the role.
    Moved,
    /// Its reason is gone, and nothing that was begun is left.
    Dropped,
    /// Its reason is gone; what was begun is being undone.
    Undoing,
    /// Its holder failed: a failover takes its place, and nothing is undone for somebody who is not there.
    Superseded,
    /// Somebody decided that it is over.
    Ruled(&'static str),
    /// The plugin does not do what the user asked for.
    Declined {
        result: &'static str,
        message: String,
    },
}

/// Brings every recorded move forward.
pub(super) fn advance(scene: &Scene<'_>, draft: &mut Draft) {
    let mut roles = std::mem::take(&mut draft.status.roles);
    for role in &mut roles {
        let Some(moving) = role.moving.clone() else {
            continue;
        };
        match course(scene, role, &moving) {
            Course::On => draft.want(act(&role.name, &moving), false),
            Course::Undoing => {}
            Course::Moved => end(role, "Moved", role.moved(), draft),
            Course::Superseded => {
                draft.forget.insert(act(&role.name, &moving).id());
                let message = "the holder failed meanwhile".to_owned();
                end(role, "Superseded", message, draft);
            }
            Course::Ruled(result) => {
                let message = "somebody decided so".to_owned();
                end(role, result, message, draft);
            }
            Course::Dropped => end(
                role,
                "Withdrawn",
                "the switchover was withdrawn".to_owned(),
                draft,
            ),
            Course::Declined { result, message } => {
                let id = act(&role.name, &moving).id();
                let is_under_way = scene
                    .world
                    .journal
                    .get(&id)
                    .is_some_and(crate::Invocation::is_under_way);
                if is_under_way {
                    // The wish is over; what was begun for it is undone first.
                    tell(role, &moving, result, message);
                    draft.is_urgent = true;
                } else {
                    end(role, result, message, draft);
                }
            }
        }
    }
    draft.status.roles = roles;
}

fn course(scene: &Scene<'_>, role: &RoleStatus, moving: &Moving) -> Course {
    let known = scene.world.journal.get(&act(&role.name, moving).id());
    let is_answered = known.is_none_or(crate::Invocation::is_done);
    // A failed holder that came back and was recorded anew is no reason to ask again what was refused.
    let is_moot = moving.cause == MoveCause::Failed
        && failover::failure(scene, role) == failover::Failure::No
        && known.is_some_and(|known| {
            matches!(known.phase, Phase::Refused { .. }) && !known.is_under_way()
        });
    if role.epoch > moving.epoch && role.holder.is_some() && (is_answered || is_moot) {
        return Course::Moved;
    }
    let id = act(&role.name, moving).id();
    let is_idle = known.is_none_or(|known| known.phase != Phase::Calling);
    if rulings::is_skipped(scene, &id) && is_idle {
        return Course::Ruled("Skipped");
    }
    if rulings::is_aborted(scene, &id) {
        let is_left = known.is_none_or(|known| known.is_undone() || !known.is_under_way());
        return if is_left && is_idle {
            Course::Ruled("Aborted")
        } else {
            Course::Undoing
        };
    }
    let has_failed = failover::failure(scene, role) == failover::Failure::Yes;
    if moving.cause != MoveCause::Failed && role.epoch == moving.epoch && has_failed {
        // A call in flight is waited for.
        return if is_idle {
            Course::Superseded
        } else {
            Course::Undoing
        };
    }
    if !is_wanted(scene, &role.name, moving) {
        let is_begun = known.is_some_and(|known| {
            known.phase == Phase::Calling || (known.is_under_way() && !known.is_undone())
        });
        let is_fatal = known.is_some_and(|known| matches!(known.phase, Phase::Fatal { .. }));
        return if is_begun && !is_fatal {
            Course::Undoing
        } else {
            Course::Dropped
        };
    }
    let phase = known.map(|known| &known.phase);
    match (moving.cause, phase) {
        (MoveCause::Planned, Some(Phase::Refused { reason, .. })) => Course::Declined {
            result: "Refused",
            message: reason.clone(),
        },
        (MoveCause::Planned, Some(Phase::Fatal { message, .. })) => Course::Declined {
            result: "Failed",
            message: message.clone(),
        },
        _ => Course::On,
    }
}

/// The reason for the move stands: its holder is about to go, or the user still wishes it.
pub(crate) fn is_wanted(scene: &Scene<'_>, role: &str, moving: &Moving) -> bool {
    let Some(role) = scene
        .world
        .recorded
        .roles
        .iter()
        .find(|known| known.name == role)
    else {
        return false;
    };
    let holder = role
        .holder
        .as_ref()
        .and_then(|holder| scene.holding(holder))
        .filter(|holder| holder.is_alive());
    // An epoch that rose is the move's own doing: it goes on to its end.
    if role.epoch > moving.epoch {
        return true;
    }
    if moving.cause == MoveCause::Failed {
        let before = role.holder.as_ref().map(|holder| holder.ordinal);
        return failover::failure(scene, role) != failover::Failure::No
            && before.is_none_or(|before| is_anybody_there(scene, before, None));
    }
    let Some(holder) = holder else {
        return false;
    };
    if !is_anybody_there(scene, holder.ordinal, moving.target) {
        return false;
    }
    match moving.cause {
        MoveCause::Leaving => !scene.goal.ordinals.contains(holder.ordinal),
        MoveCause::Update => departures::is_to_be_replaced(scene, holder),
        MoveCause::Planned => {
            let is_wished = match (&scene.world.app.switchover, &moving.request) {
                (Some(wish), Some(request)) => wish.id == *request,
                _ => false,
            };
            let is_ended = role
                .last_request
                .as_ref()
                .is_some_and(|ended| Some(&ended.id) == moving.request.as_ref());
            is_wished && !is_ended
        }
        // Judged above.
        MoveCause::Failed => true,
    }
}

/// Somebody stays who could take the role: the target, or any other.
fn is_anybody_there(scene: &Scene<'_>, holder: u32, target: Option<u32>) -> bool {
    scene.wanted().any(|member| {
        member.ordinal != holder
            && member.is_alive()
            && target.is_none_or(|target| target == member.ordinal)
    })
}

fn act(role: &str, moving: &Moving) -> Act {
    Act::MoveRole {
        role: role.to_owned(),
        epoch: moving.epoch,
        number: moving.number,
        cause: moving.cause,
        target: moving.target,
    }
}

fn end(role: &mut RoleStatus, result: &str, message: String, draft: &mut Draft) {
    if let Some(moving) = role.moving.take() {
        tell(role, &moving, result, message);
        draft.is_urgent = true;
    }
}

/// Tells who asked how it ended, once.
fn tell(role: &mut RoleStatus, moving: &Moving, result: &str, message: String) {
    let Some(id) = &moving.request else {
        return;
    };
    let is_told = role
        .last_request
        .as_ref()
        .is_some_and(|ended| ended.id == *id);
    if !is_told {
        role.last_request = Some(EndedRequest {
            id: id.clone(),
            result: result.to_owned(),
            message,
        });
    }
}
