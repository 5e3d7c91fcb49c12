//! Whose turn is it? As many outdated members as the budget lets go, highest ordinal first, holders of an exclusive role when nobody else is left
//! (items 96, 103 to 106).

use std::cmp::Reverse;

use crate::roles;
use crate::scene::{Member, Scene};
use crate::spec::PodManagement;

pub(super) fn next<'a, 'w>(scene: &'a Scene<'w>) -> Vec<&'a Member<'w>> {
    let replicas = scene.goal.ordinals.replicas;
    // Missing and terminating ones count, and those below the partition too.
    let available = scene
        .wanted()
        .filter(|member| member.is_available())
        .count();
    let unavailable = replicas.saturating_sub(u32::try_from(available).unwrap_or(replicas));
    let budget = scene.world.app.spec.update.budget(replicas);
    let spare = usize::try_from(budget.saturating_sub(unavailable)).unwrap_or(usize::MAX);

    let mut outdated: Vec<_> = scene
        .wanted()
        .filter(|member| scene.is_outdated(member))
        .collect();
    outdated.sort_by_key(|member| Reverse(member.ordinal));
    let (broken, serving): (Vec<_>, Vec<_>) = outdated
        .into_iter()
        .partition(|member| !member.is_available());
    let (holders, others): (Vec<_>, Vec<_>) = serving
        .into_iter()
        .partition(|member| roles::holds_exclusive(scene, &member.pod.uid));
    let in_turn = if others.is_empty() && broken.is_empty() {
        holders
    } else {
        others
    };

    let mut next = Vec::new();
    if scene.world.app.spec.pod_management == PodManagement::Parallel {
        // They serve nobody, so they cost no budget.
        next.extend(broken.into_iter().filter(|member| member.is_alive()));
    }
    next.extend(in_turn.into_iter().take(spare));
    next
}
