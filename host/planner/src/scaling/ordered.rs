//! OrderedReady: one step at a time. Up from the lowest ordinal, each when all below it are available; down from the highest, when all in range are
//! available (items 79 to 85).

use super::replace_terminal;
use crate::availability::Standing;
use crate::creation;
use crate::deletion;
use crate::draft::Draft;
use crate::plan::WhyDelete;
use crate::rollout;
use crate::scene::{Member, Mode, Scene};
use crate::waiting::WaitingFor;

pub(super) fn advance(scene: &Scene<'_>, draft: &mut Draft) -> bool {
    is_filled(scene, draft) && scene.goal.mode == Mode::Full && is_trimmed(scene, draft)
}

/// All in range are available. The first that is not gets its next step; with `maxParallelStarts`, the first few.
fn is_filled(scene: &Scene<'_>, draft: &mut Draft) -> bool {
    if scene.is_filled() {
        return true;
    }
    let most = scene.world.app.spec.max_parallel_starts.unwrap_or(1);
    let mut on_their_way = 0;
    for ordinal in scene.goal.ordinals.iter() {
        match scene.members.get(ordinal) {
            Some(member) if member.is_available() => continue,
            Some(member) if rollout::is_lost(scene, member) => {
                deletion::delete(scene, member, WhyDelete::Outdated, draft);
            }
            Some(member) => replace_terminal(scene, member, draft),
            None => creation::create(scene, ordinal, draft),
        }
        on_their_way += 1;
        if on_their_way >= most {
            return false;
        }
    }
    on_their_way == 0
}

/// Nothing is out of range. The highest that is gets its next step.
fn is_trimmed(scene: &Scene<'_>, draft: &mut Draft) -> bool {
    let Some(highest) = scene.condemned().next_back() else {
        return true;
    };
    // Upstream item 83: an unavailable one goes only when it is the lowest unavailable of all. One that ended will never be available, so it does not
    // count and just goes; upstream is stuck with two of them.
    let lowest_unavailable = scene
        .condemned()
        .find(|member| !member.is_available() && member.standing != Standing::Terminal);
    let may_be_blocked = !highest.is_available() && highest.standing != Standing::Terminal;
    match lowest_unavailable {
        Some(lowest) if may_be_blocked && lowest.ordinal != highest.ordinal => {
            tell(lowest, draft);
        }
        _ => deletion::delete(scene, highest, WhyDelete::Condemned, draft),
    }
    false
}

fn tell(member: &Member<'_>, draft: &mut Draft) {
    if !member.is_terminating() {
        draft.wait(WaitingFor::PodNotReady {
            pod: member.pod.name.clone(),
            hindrance: member.pod.hindrance.clone(),
        });
    }
}
