//! Toward the update revision: outdated pods are deleted in order, and come back at it.
//!
//! | strategy      | here |
//! |---------------|------|
//! | RollingUpdate | from the highest ordinal down to the partition, holders of an exclusive role last, as many at a time as may be unavailable |
//! | OnDelete      | nothing is deleted; what is outdated is told |
//! | Recreate      | all outdated pods at once, and no pod is created before the last of them is gone |

mod order;

use crate::availability::Standing;
use crate::deletion;
use crate::departures;
use crate::draft::Draft;
use crate::plan::WhyDelete;
use crate::scene::{Member, Mode, Scene};
use crate::spec::UpdateStrategy;
use crate::waiting::WaitingFor;
use crate::world::Face;

/// Does the next steps of the rollout.
pub(crate) fn advance(scene: &Scene<'_>, is_settled: bool, draft: &mut Draft) {
    match scene.world.app.spec.update {
        UpdateStrategy::RollingUpdate { partition, .. } => {
            // A scale goes first. But when it waits for somebody to take a role over, and who could is prepared for its own replacement already (the scale came
            // later), that one is replaced, or both would wait for ever.
            if is_settled || draft.lacks_candidate {
                for member in order::next(scene, draft) {
                    if is_settled || departures::is_about_to_leave(scene, member) {
                        deletion::delete(scene, member, WhyDelete::Outdated, draft);
                    }
                }
            }
            match scene.world.app.spec.paused {
                true => tell_paused(scene, draft),
                false => tell_partition(scene, partition, draft),
            }
        }
        UpdateStrategy::OnDelete => tell_on_delete(scene, draft),
        UpdateStrategy::Recreate if scene.world.app.spec.paused => tell_paused(scene, draft),
        UpdateStrategy::Recreate => {}
    }
}

/// With Recreate: whether the last outdated pod is gone, so that pods may be created (item 110).
pub(crate) fn is_cleared(scene: &Scene<'_>, draft: &mut Draft) -> bool {
    if scene.world.app.spec.update != UpdateStrategy::Recreate || scene.goal.mode != Mode::Full {
        return true;
    }
    let mut is_cleared = true;
    for member in scene.members.values().rev() {
        if scene.is_outdated(member) {
            is_cleared = false;
            let is_wanted = scene.goal.ordinals.contains(member.ordinal);
            let why = if is_wanted {
                WhyDelete::Outdated
            } else {
                WhyDelete::Condemned
            };
            deletion::delete(scene, member, why, draft);
        }
    }
    is_cleared
}

/// Outdated, and its pod was never ready: nothing that serves goes with it, and its revision may be why. It is replaced in its turn to be healed, whatever
/// stands behind it; a StatefulSet waits for it for ever (upstream's issue 67250).
pub(crate) fn is_lost(scene: &Scene<'_>, member: &Member<'_>) -> bool {
    let app = &scene.world.app;
    app.face == Face::StatefulApp
        && scene.goal.mode == Mode::Full
        && matches!(app.spec.update, UpdateStrategy::RollingUpdate { .. })
        && matches!(member.standing, Standing::Starting | Standing::NotReady)
        && !member.has_served()
        && scene.is_outdated(member)
}

/// Whether the rollout has to replace this member, now or when it is its turn.
pub(crate) fn replaces(scene: &Scene<'_>, member: &Member<'_>) -> bool {
    scene.world.app.spec.update != UpdateStrategy::OnDelete
        && scene.goal.ordinals.contains(member.ordinal)
        && scene.is_outdated(member)
}

fn tell_partition(scene: &Scene<'_>, partition: u32, draft: &mut Draft) {
    let Some(current) = scene.revisions.current else {
        return;
    };
    let pods = outdated_names(scene, |member| scene.slot(member.ordinal) < partition);
    if !pods.is_empty() && scene.goal.mode == Mode::Full {
        draft.wait(WaitingFor::Partition {
            partition,
            pods,
            revision: current.name.clone(),
        });
    }
}

fn tell_paused(scene: &Scene<'_>, draft: &mut Draft) {
    let pods = outdated_names(scene, |_| true);
    if !pods.is_empty() && scene.goal.mode == Mode::Full {
        draft.wait(WaitingFor::Paused { pods });
    }
}

fn tell_on_delete(scene: &Scene<'_>, draft: &mut Draft) {
    let Some(update) = scene.revisions.update else {
        return;
    };
    let pods = outdated_names(scene, |_| true);
    if !pods.is_empty() && scene.goal.mode == Mode::Full {
        draft.wait(WaitingFor::OnDelete {
            pods,
            revision: update.name.clone(),
        });
    }
}

/// Names of the members that are not at the update revision.
fn outdated_names(scene: &Scene<'_>, counts: impl Fn(&Member<'_>) -> bool) -> Vec<String> {
    if scene.revisions.update.is_none() {
        return Vec::new();
    }
    scene
        .wanted()
        .filter(|member| !member.is_updated && member.is_alive() && counts(member))
        .map(|member| member.pod.name.clone())
        .collect()
}

#[cfg(test)]
mod tests;
