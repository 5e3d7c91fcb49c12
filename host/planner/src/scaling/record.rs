//! Scale or healing? A scale has a number, which `pre-scale` is called under, and after which tasks run; it stands in the status before the first call.
//!
//! Recreating an ordinal of a range that was reached is healing, and asks nobody.

use crate::draft::Draft;
use crate::hooks::{self, PRE_SCALE};
use crate::journal::Act;
use crate::scene::{Mode, Scene};
use crate::status::{Ordinals, Scale};
use crate::waiting::{Gate, WaitingFor};

/// Brings the record of the scale up to date.
pub(crate) fn record(scene: &Scene<'_>, draft: &mut Draft) {
    let has_tasks = (scene.hooks.ready())
        .is_some_and(|plugin| plugin.tasks.iter().any(|task| task.after_scale));
    if scene.goal.mode != Mode::Full || !(scene.hooks.has(PRE_SCALE) || has_tasks) {
        return;
    }
    let wanted = &scene.goal.ordinals;
    let recorded = scene.world.recorded.scale.as_ref();
    let is_reached = scene.is_as_wanted();
    let reached_before = recorded.and_then(|scale| scale.reached.as_ref());
    let scale = match recorded {
        Some(scale) if is_toward(scale, wanted) => Scale {
            reached: if is_reached {
                Some(wanted.clone())
            } else {
                reached_before.cloned()
            },
            ..scale.clone()
        },
        _ => Scale {
            number: recorded.map_or(0, |scale| scale.number).saturating_add(1),
            target: wanted.replicas,
            start: wanted.start,
            reserved: wanted.reserved.clone(),
            reached: if is_reached {
                Some(wanted.clone())
            } else {
                // An ordinal that the new range leaves out comes back by a scale only.
                reached_before.and_then(|reached| reached.intersection(wanted))
            },
        },
    };
    if recorded.map(|scale| scale.number) != Some(scale.number) && !is_reached {
        draft.is_urgent = true;
    }
    draft.status.scale = Some(scale);
}

/// Whether creating or deleting this ordinal is a step of a scale that `pre-scale` judges.
pub(crate) fn is_step(scene: &Scene<'_>, ordinal: u32) -> bool {
    if !scene.hooks.has(PRE_SCALE) {
        return false;
    }
    let is_healing = scene.goal.ordinals.contains(ordinal)
        && scene
            .world
            .recorded
            .scale
            .as_ref()
            .and_then(|scale| scale.reached.as_ref())
            .is_some_and(|reached| reached.contains(ordinal));
    !is_healing
}

/// May this ordinal be created or deleted, as far as `pre-scale` judges it?
pub(crate) fn may_step(scene: &Scene<'_>, ordinal: u32, draft: &mut Draft) -> Gate {
    if !is_step(scene, ordinal) {
        return Gate::Open;
    }
    match &scene.world.recorded.scale {
        Some(scale) if is_toward(scale, &scene.goal.ordinals) => {
            let act = Act::PreScale {
                scale: scale.number,
                ordinal,
            };
            hooks::gate(scene, act, draft)
        }
        _ => Gate::Wait(WaitingFor::Recording),
    }
}

fn is_toward(scale: &Scale, wanted: &Ordinals) -> bool {
    scale.target == wanted.replicas
        && scale.start == wanted.start
        && scale.reserved == wanted.reserved
}
