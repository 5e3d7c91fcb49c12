//! Parallel: everything at once, without waiting for other pods (items 86 to 89). What is out of range goes first, so that a quota that is used up is
//! relieved.

use super::replace_terminal;
use crate::creation;
use crate::deletion;
use crate::draft::Draft;
use crate::plan::WhyDelete;
use crate::scene::{Mode, Scene};
use crate::world::Plugin;

/// Pods created by one plan; the next plan goes on.
const BATCH: usize = 500;

pub(super) fn advance(scene: &Scene<'_>, draft: &mut Draft) -> bool {
    if scene.goal.mode == Mode::Full {
        for member in scene.condemned().rev() {
            deletion::delete(scene, member, WhyDelete::Condemned, draft);
        }
    }
    for member in scene.restless().filter(|member| member.is_wanted) {
        replace_terminal(scene, member, draft);
    }
    for ordinal in scene.missing().take(room(scene)) {
        creation::create(scene, ordinal, draft);
    }
    // A plugin sees one change of the membership at a time; without one, as upstream.
    scene.goal.mode == Mode::Full
        && (matches!(scene.world.plugin, Plugin::None) || scene.is_as_wanted())
}

/// How many may be created now: those that start already count against `maxParallelStarts`.
fn room(scene: &Scene<'_>) -> usize {
    let Some(most) = scene.world.app.spec.max_parallel_starts else {
        return BATCH;
    };
    let starting = scene
        .restless()
        .filter(|member| member.is_wanted && !member.is_available() && !member.has_served())
        .count();
    usize::try_from(most)
        .unwrap_or(BATCH)
        .saturating_sub(starting)
        .min(BATCH)
}
