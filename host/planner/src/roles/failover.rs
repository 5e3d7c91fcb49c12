//! Has the holder of a role failed? Its pod is gone or ended, somebody else deletes it, or it was unwell beyond the grace of the role.

use jiff::{SignedDuration, Timestamp};

use super::{is_movable, moves};
use crate::draft::Draft;
use crate::journal::MoveCause;
use crate::scene::{Mode, Scene};
use crate::status::RoleStatus;
use crate::world::Verb;
use crate::{departures, rulings};

/// When the holder counts as failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nobody holds it, or the holder is well.
    No,
    /// If it does not recover before.
    At(Timestamp),
    Yes,
}

/// Begins a move of every role whose holder has failed, if anybody is there who could take it.
pub(super) fn advance(scene: &Scene<'_>, draft: &mut Draft) {
    if scene.goal.mode == Mode::Teardown || scene.hooks.ready().is_none() {
        return;
    }
    let roles: Vec<RoleStatus> = draft.status.roles.clone();
    for role in roles {
        if role.moving.is_some() || !is_movable(scene, &role.name) {
            continue;
        }
        match failure(scene, &role) {
            Failure::No => {}
            Failure::At(time) => draft.wake(time),
            Failure::Yes => {
                let holder = role.holder.as_ref().map(|holder| holder.ordinal);
                let is_anybody_there = scene.wanted().any(|member| {
                    Some(member.ordinal) != holder && member.is_alive() && member.is_adopted
                });
                let is_given_up = [Verb::Skip, Verb::Abort]
                    .into_iter()
                    .any(|verb| rulings::of_role(scene, &role.name, role.epoch, verb));
                if is_anybody_there && !is_given_up {
                    moves::begin(&role, MoveCause::Failed, None, None, draft);
                }
            }
        }
    }
}

pub(super) fn failure(scene: &Scene<'_>, role: &RoleStatus) -> Failure {
    let Some(holder) = &role.holder else {
        return Failure::No;
    };
    let Some(member) = scene.holding(holder) else {
        return Failure::Yes;
    };
    if !member.is_alive() {
        // Our own deletion comes after the role was handed over, or when nobody could take it.
        let is_ours = member.is_terminating() && departures::was_allowed(scene, member);
        return if is_ours { Failure::No } else { Failure::Yes };
    }
    let Some(since) = member.pod.seen.as_ref().and_then(|seen| seen.unwell_since) else {
        return Failure::No;
    };
    let grace = scene.hooks.ready().map_or(0, |plugin| {
        let known = plugin.roles.iter().find(|known| known.name == role.name);
        known.map_or(0, |known| known.grace_seconds)
    });
    match since.checked_add(SignedDuration::from_secs(grace.into())) {
        Ok(end) if end > scene.now => Failure::At(end),
        _ => Failure::Yes,
    }
}
