//! The end of an app whose plugin prepares deletions: our finalizer holds it until the last member has left, in order.

use crate::availability::Standing;
use crate::deletion;
use crate::departures;
use crate::draft::Draft;
use crate::hooks::PRE_DELETE;
use crate::plan::{Step, WhyDelete, WhyRelease};
use crate::scene::{Mode, Scene};
use crate::spec::PodManagement;
use crate::world::{Hold, World};

/// Whether the app is being torn down in order.
pub(crate) fn is_under_way(world: &World) -> bool {
    world.app.deletion.is_some() && world.app.hold == Hold::Held
}

/// Puts our finalizer on an app that needs it, and takes it off one that does not.
pub(crate) fn hold(scene: &Scene<'_>, draft: &mut Draft) {
    let app = &scene.world.app;
    let why = match (&app.hold, app.deletion) {
        (Hold::Void { why }, Some(_)) => WhyRelease::Void {
            message: why.clone(),
        },
        (Hold::Held | Hold::Void { .. }, None)
            if scene.hooks.ready().is_some() && !scene.hooks.has(PRE_DELETE) =>
        {
            WhyRelease::NotNeeded
        }
        (Hold::None, None) if scene.hooks.may_call(PRE_DELETE) => {
            draft.steps.push(Step::HoldApp);
            return;
        }
        _ => return,
    };
    draft.steps.push(Step::ReleaseApp { why });
}

/// Lets the members go: one after another from the highest ordinal, or all at once where they are managed in parallel.
pub(crate) fn advance(scene: &Scene<'_>, draft: &mut Draft) {
    if scene.goal.mode != Mode::Teardown {
        return;
    }
    for member in scene.members.values().rev() {
        if member.standing == Standing::Terminal {
            deletion::delete(scene, member, WhyDelete::Terminal, draft);
        } else {
            deletion::delete(scene, member, WhyDelete::Teardown, draft);
        }
        if scene.world.app.spec.pod_management == PodManagement::OrderedReady {
            break;
        }
    }
    if scene.members.is_empty() && departures::are_over(scene, draft) {
        draft.steps.push(Step::ReleaseApp {
            why: WhyRelease::TornDown,
        });
    }
}

#[cfg(test)]
mod tests;
