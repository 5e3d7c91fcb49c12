//! Drained nodes: the members on them are prepared and deleted by us, one at a time, because our disruption budget lets nobody else evict them.

use crate::deletion;
use crate::draft::Draft;
use crate::hooks::PRE_DELETE;
use crate::plan::WhyDelete;
use crate::roles;
use crate::scene::{Mode, Scene};

/// Lets the next member go whose node is drained: when all others are available, holders of an exclusive role last.
pub(crate) fn advance(scene: &Scene<'_>, draft: &mut Draft) {
    if scene.goal.mode != Mode::Full || !scene.hooks.has(PRE_DELETE) {
        return;
    }
    let mut leaving: Vec<_> = scene
        .wanted()
        .rev()
        .filter(|member| member.pod.is_evicted && member.is_alive())
        .collect();
    leaving.sort_by_key(|member| roles::holds_exclusive(scene, &member.pod.uid));
    let Some(next) = leaving.first() else {
        return;
    };
    let are_others_available = scene.missing().next().is_none()
        && scene
            .wanted()
            .all(|member| member.is_available() || member.ordinal == next.ordinal);
    if are_others_available {
        deletion::delete(scene, next, WhyDelete::Evicted, draft);
    }
}
