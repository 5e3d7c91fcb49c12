//! Toward the wanted ordinals: what is missing is created, what is out of range is deleted, what failed is replaced.

mod ordered;
mod parallel;
mod record;

pub(crate) use record::{is_step, may_step, record};

use crate::availability::Standing;
use crate::deletion;
use crate::draft::Draft;
use crate::failures;
use crate::plan::WhyDelete;
use crate::scene::{Member, Scene};
use crate::spec::PodManagement;
use crate::waiting::Gate;

/// Does the next steps. True when a rollout may go on beside them.
pub(crate) fn advance(scene: &Scene<'_>, draft: &mut Draft) -> bool {
    match scene.world.app.spec.pod_management {
        PodManagement::OrderedReady => ordered::advance(scene, draft),
        PodManagement::Parallel => parallel::advance(scene, draft),
    }
}

/// A pod that ended is deleted; the next one is created when it is gone (item 74).
fn replace_terminal(scene: &Scene<'_>, member: &Member<'_>, draft: &mut Draft) {
    if member.standing != Standing::Terminal {
        return;
    }
    match failures::may_be_replaced(scene, member, draft) {
        Gate::Open => deletion::delete(scene, member, WhyDelete::Terminal, draft),
        Gate::Wait(wait) => draft.wait(wait),
    }
}

#[cfg(test)]
mod tests;
