//! May this pod be deleted now?
//!
//! | the pod is … | then |
//! |---|---|
//! | terminating already | it is waited for |
//! | Failed or Succeeded | yes: no hook could reach it |
//! | condemned           | after its claims have the owner that retention asks for, and after `pre-scale`; then as the next row |
//! | outdated, to be replaced, evicted | after it handed over the exclusive roles that it holds, and after `pre-delete`, whose `done` stands in the status |
//! | torn down with its app | after `pre-delete` |
//! | leaving for good     | besides, when its departure stands in the status, so that `post-delete` follows |
//!
//! Whether it is this pod's *turn* is another question: see `scaling` and `rollout`.

use crate::draft::Draft;
use crate::hooks::{self, PRE_DELETE};
use crate::journal::Act;
use crate::plan::{Step, WhyDelete};
use crate::scene::{Member, Scene};
use crate::waiting::{Gate, WaitingFor};
use crate::{availability::Standing, departures, roles, rulings, scaling};

pub(crate) fn may_be_deleted(
    scene: &Scene<'_>,
    member: &Member<'_>,
    why: WhyDelete,
    draft: &mut Draft,
) -> Gate {
    if member.is_terminating() {
        return Gate::Wait(WaitingFor::PodTerminating {
            pod: member.pod.name.clone(),
        });
    }
    if !member.is_adopted {
        return Gate::Wait(WaitingFor::Recording);
    }
    if why == WhyDelete::Condemned && draft.holds_condemned {
        return Gate::Wait(WaitingFor::Recording);
    }
    if why == WhyDelete::Condemned {
        let gate = scaling::may_step(scene, member.ordinal, draft);
        if gate != Gate::Open {
            return gate;
        }
    }
    if member.standing != Standing::Terminal {
        let gate = roles::are_handed_over(scene, member, why, draft);
        if gate != Gate::Open {
            return gate;
        }
        let gate = is_prepared(scene, member, why, draft);
        if gate != Gate::Open {
            return gate;
        }
    }
    if scene.goal.ordinals.contains(member.ordinal) {
        Gate::Open
    } else {
        departures::may_leave(scene, member, draft)
    }
}

/// `pre-delete` is done, and that stands in the status: a host that lost its leadership must not repeat the deletion.
fn is_prepared(scene: &Scene<'_>, member: &Member<'_>, why: WhyDelete, draft: &mut Draft) -> Gate {
    let Some(cause) = why.cause() else {
        return Gate::Open;
    };
    let act = Act::PreDelete {
        ordinal: member.ordinal,
        pod: member.pod.uid.clone(),
        cause,
    };
    let id = act.id();
    let gate = hooks::gate(scene, act, draft);
    // A decision to skip it stands in the status already.
    let is_recorded = rulings::is_skipped(scene, &id)
        || scene
            .world
            .journal
            .get(&id)
            .is_some_and(|known| known.is_recorded);
    match gate {
        Gate::Open if scene.hooks.has(PRE_DELETE) && !is_recorded => {
            Gate::Wait(WaitingFor::Recording)
        }
        gate => gate,
    }
}

/// Deletes the pod, or tells what it waits for.
pub(crate) fn delete(scene: &Scene<'_>, member: &Member<'_>, why: WhyDelete, draft: &mut Draft) {
    match may_be_deleted(scene, member, why, draft) {
        Gate::Wait(wait) => draft.wait(wait),
        Gate::Open => draft.steps.push(Step::DeletePod {
            ordinal: member.ordinal,
            name: member.pod.name.clone(),
            uid: member.pod.uid.clone(),
            why,
        }),
    }
}
