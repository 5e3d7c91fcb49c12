//! Exclusive roles: who holds one, and how it moves to another member.
//!
//! A claim comes with the answer of a hook and stands in the status under an epoch. A move is recorded (`moving`) before its first call, so that its id is
//! known, and ends when another member has claimed the role. Moves begin for four reasons: the holder leaves, the holder is replaced, a user asks, the
//! holder failed.

mod failover;
mod labels;
mod moves;
mod switchover;

use crate::draft::Draft;
use crate::hooks::MOVE_ROLE;
use crate::journal::MoveCause;
use crate::plan::WhyDelete;
use crate::scene::{Member, Scene};
use crate::status::{Moving, RoleStatus, Status};
use crate::waiting::{Gate, WaitingFor};
use crate::world::Verb;
use crate::{departures, rulings};

pub(crate) use moves::is_wanted;

/// Brings moves and wishes forward.
pub(crate) fn advance(scene: &Scene<'_>, draft: &mut Draft) {
    moves::advance(scene, draft);
    failover::advance(scene, draft);
    switchover::advance(scene, draft);
    tell_unheld(scene, draft);
    labels::publish(scene, draft);
}

/// The move of this role that is under way.
pub(crate) fn moving<'a>(status: &'a Status, role: &str) -> Option<&'a Moving> {
    status
        .roles
        .iter()
        .find(|known| known.name == role)?
        .moving
        .as_ref()
}

/// Whether the pod holds a role that only one member can hold.
pub(crate) fn holds_exclusive(scene: &Scene<'_>, uid: &str) -> bool {
    held_by(scene, uid).next().is_some()
}

fn held_by<'a>(scene: &'a Scene<'_>, uid: &str) -> impl Iterator<Item = &'a RoleStatus> {
    scene
        .world
        .recorded
        .roles
        .iter()
        .filter(move |role| role.holder.as_ref().is_some_and(|holder| holder.pod == uid))
        .filter(|role| is_exclusive(scene, &role.name))
}

fn is_exclusive(scene: &Scene<'_>, role: &str) -> bool {
    // While the plugin is away, what it once claimed counts as exclusive.
    scene.hooks.ready().is_none_or(|plugin| {
        plugin
            .roles
            .iter()
            .any(|known| known.name == role && known.exclusive)
    })
}

fn is_movable(scene: &Scene<'_>, role: &str) -> bool {
    scene.hooks.has(MOVE_ROLE)
        && scene.hooks.ready().is_none_or(|plugin| {
            plugin
                .roles
                .iter()
                .any(|known| known.name == role && known.exclusive && known.movable)
        })
}

/// Every movable role that the member holds is handed over before its pod goes, if anybody stays who could take it.
pub(crate) fn are_handed_over(
    scene: &Scene<'_>,
    member: &Member<'_>,
    why: WhyDelete,
    draft: &mut Draft,
) -> Gate {
    let cause = match why {
        WhyDelete::Condemned => MoveCause::Leaving,
        WhyDelete::Outdated | WhyDelete::Requested | WhyDelete::Evicted => MoveCause::Update,
        WhyDelete::Terminal | WhyDelete::Teardown => return Gate::Open,
    };
    // A move whose claim is made and whose end is not may still need whoever is there, its former holder above all.
    if draft
        .status
        .roles
        .iter()
        .any(RoleStatus::is_between_holders)
    {
        return Gate::Wait(WaitingFor::Recording);
    }
    for role in held_by(scene, &member.pod.uid).filter(|role| is_movable(scene, &role.name)) {
        if rulings::of_role(scene, &role.name, role.epoch, Verb::Skip) {
            continue;
        }
        if rulings::of_role(scene, &role.name, role.epoch, Verb::Abort) {
            return Gate::Wait(WaitingFor::RoleStays {
                role: role.name.clone(),
                pod: member.pod.name.clone(),
            });
        }
        match candidate(scene, member.ordinal) {
            Candidate::Nobody => {}
            Candidate::Later => {
                draft.lacks_candidate = true;
                return Gate::Wait(WaitingFor::NoCandidate {
                    role: role.name.clone(),
                    pod: member.pod.name.clone(),
                });
            }
            Candidate::Now => {
                moves::begin(role, cause, None, None, draft);
                return Gate::Wait(WaitingFor::Recording);
            }
        }
    }
    Gate::Open
}

enum Candidate {
    Now,
    /// There are some, but none is available, or those that are leave and come back.
    Later,
    /// Nobody else stays.
    Nobody,
}

fn candidate(scene: &Scene<'_>, holder: u32) -> Candidate {
    let mut others = scene
        .wanted()
        .filter(|member| member.ordinal != holder)
        .peekable();
    if others.peek().is_none() {
        Candidate::Nobody
    } else if others.any(|member| may_take(scene, member)) {
        Candidate::Now
    } else {
        Candidate::Later
    }
}

/// Whether a role may be handed to this member: it serves, and does not leave at once itself.
fn may_take(scene: &Scene<'_>, member: &Member<'_>) -> bool {
    member.is_available() && !departures::is_about_to_leave(scene, member)
}

/// A role that was held once and whose holder's pod is gone.
fn tell_unheld(scene: &Scene<'_>, draft: &mut Draft) {
    if scene.goal.ordinals.replicas == 0 {
        return;
    }
    let unheld: Vec<_> = draft
        .status
        .roles
        .iter()
        .filter(|role| role.epoch > 0 && is_exclusive(scene, &role.name))
        .filter(|role| {
            role.holder
                .as_ref()
                .is_none_or(|holder| scene.holding(holder).is_none())
        })
        .map(|role| role.name.clone())
        .collect();
    for role in unheld {
        draft.wait(WaitingFor::RoleUnheld { role });
    }
}

#[cfg(test)]
mod tests;
