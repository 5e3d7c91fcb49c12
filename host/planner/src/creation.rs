//! May this pod be created now?
//!
//! Its name must be free, nothing left to be tidied up after who had it, no order of the plugin in the way, its claims usable, its revision there, `member-config` answered, and, where it is a step of a scale, `pre-scale` done.
//! Whether it is this ordinal's *turn* is another question: see `scaling`.

use crate::claims::Claims;
use crate::departures;
use crate::draft::Draft;
use crate::facts;
use crate::identity::{pod_body, pod_name};
use crate::orders;
use crate::plan::Step;
use crate::revisions::Revisions;
use crate::scaling;
use crate::scene::{Mode, Scene};
use crate::waiting::{Gate, WaitingFor};

/// Creates the pod, or tells what it waits for.
pub(crate) fn create(scene: &Scene<'_>, ordinal: u32, draft: &mut Draft) {
    match creation(scene, ordinal, draft) {
        Ok(step) => draft.steps.push(step),
        Err(wait) => draft.wait(wait),
    }
}

fn creation(scene: &Scene<'_>, ordinal: u32, draft: &mut Draft) -> Result<Step, WaitingFor> {
    let app = &scene.world.app;
    let name = pod_name(&app.name, ordinal);
    // Not a member, or it would not be missing.
    if scene.world.pods.iter().any(|pod| pod.name == name) {
        return Err(WaitingFor::NameTaken { pod: name });
    }
    if let Some(wait) =
        departures::blocks(scene, ordinal).or_else(|| orders::blocks(draft, ordinal))
    {
        return Err(wait);
    }
    let claims = match scene.claims.for_creation(ordinal) {
        Claims::Usable { missing } => missing,
        Claims::Wait(wait) => return Err(wait),
    };
    if scene.goal.mode == Mode::Heal && scaling::is_step(scene, ordinal) {
        return Err(WaitingFor::UnfinishedScale {
            target: scene.goal.ordinals.replicas,
        });
    }
    // Both are asked at once; neither depends on the other.
    let config = facts::member_config(scene, ordinal, draft);
    if scaling::is_step(scene, ordinal)
        && let Gate::Wait(wait) = scaling::may_step(scene, ordinal, draft)
    {
        return Err(wait);
    }
    let config = config?;
    let revision = scene.revision_for(ordinal).ok_or(WaitingFor::Recording)?;
    let template = Revisions::template(revision).ok_or(WaitingFor::Recording)?;
    Ok(Step::CreatePod {
        ordinal,
        claims,
        pod: pod_body(app, ordinal, &revision.name, &template, config),
        revision: revision.name.clone(),
    })
}
