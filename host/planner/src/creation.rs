//! May this pod be created now?
//!
//! Its name must be free, nothing left to be tidied up after who had it, no order of the plugin in the way, its claims usable, its revision there, `member-config` answered, and, where it is a step of a scale, `pre-scale` done.
//! Whether it is this ordinal's *turn* is another question: see `scaling`.

use crate::claims::{self, Claims};
use crate::departures;
use crate::draft::Draft;
use crate::facts;
use crate::identity::{pod_body, pod_name};
use crate::orders;
use crate::plan::{PodBody, Step};
use crate::revisions::Template;
use crate::scaling;
use crate::scene::{Mode, Scene};
use crate::waiting::{Gate, WaitingFor};

/// Creates the pod, or tells what it waits for.
pub(crate) fn create(scene: &Scene<'_>, ordinal: u32, draft: &mut Draft) {
    match creation(scene, ordinal, draft) {
        Ok(step) => {
            draft.steps.push(step);
            claims::retain_of_missing(scene, ordinal, draft);
        }
        Err(wait) => draft.wait(wait),
    }
}

fn creation(scene: &Scene<'_>, ordinal: u32, draft: &mut Draft) -> Result<Step, WaitingFor> {
    let app = &scene.world.app;
    if scene.is_taken(ordinal) {
        let pod = pod_name(&app.name, ordinal);
        return Err(WaitingFor::NameTaken { pod });
    }
    if let Some(wait) =
        departures::blocks(scene, ordinal).or_else(|| orders::blocks(draft, ordinal))
    {
        return Err(wait);
    }
    if let Claims::Wait(wait) = scene.claims.for_creation(ordinal) {
        return Err(wait);
    }
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
    let template = Template::of(revision).ok_or(WaitingFor::Recording)?;
    // Drawn last, or not at all: most of those that wait for their turn are asked about in every plan.
    let claims = scene.claims.missing(ordinal);
    let name = pod_name(&app.name, ordinal);
    let (app, config) = (scene.lasting_app(), config.clone());
    let made_from = revision.name.clone();
    let pod =
        PodBody::drawn_by(move || pod_body(&app, ordinal, &made_from, &template.drawn(), &config));
    Ok(Step::CreatePod {
        ordinal,
        name,
        claims,
        pod,
        revision: revision.name.clone(),
    })
}
