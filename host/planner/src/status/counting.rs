//! Upstream's counters and the completion of a rollout (items 133 to 137).

use crate::availability::is_proven;
use crate::draft::Draft;
use crate::identity::ordinal_of;
use crate::plan::{Step, WhyDelete};
use crate::scene::{Member, Mode, Scene};
use crate::world::Face;

pub(super) fn count(scene: &Scene<'_>, draft: &mut Draft) {
    let update = scene.revisions.update.map(|update| update.name.as_str());
    let current = scene.revisions.current.map(|current| current.name.as_str());
    let status = &mut draft.status;
    status.replicas = 0;
    status.ready_replicas = 0;
    status.available_replicas = 0;
    status.current_replicas = 0;
    status.updated_replicas = 0;
    for member in scene.members.values() {
        status.replicas += 1;
        // One that is terminating and still ready counts; one that is terminating has no revision any more.
        status.ready_replicas += u32::from(member.is_ready());
        status.available_replicas += u32::from(is_counted_available(scene, member));
        if !member.is_terminating() {
            let is_current = match current == update {
                true => member.is_updated,
                false => Some(member.revision) == current,
            };
            status.current_replicas += u32::from(is_current);
            status.updated_replicas += u32::from(member.is_updated);
        }
    }
    if scene.world.app.face == Face::StatefulSet {
        let leaving = draft
            .steps
            .iter()
            .filter(|step| is_replaced(scene, step, current));
        let leaving = u32::try_from(leaving.count()).unwrap_or(u32::MAX);
        status.current_replicas = status.current_replicas.saturating_sub(leaving);
        // The count decides which revision a successor is made from, so it stands before the pod is gone.
        draft.is_urgent |= scene.world.app.spec.has_bare_type
            && update != current
            && status.current_replicas != scene.world.recorded.current_replicas;
    }
    if let Some(update) = update {
        update.clone_into(&mut status.update_revision);
    }
    if let Some(current) = current {
        current.clone_into(&mut status.current_revision);
    }
    complete(scene, draft);
}

/// Whether this step deletes a pod of the current revision for the rollout (item 108).
fn is_replaced(scene: &Scene<'_>, step: &Step, current: Option<&str>) -> bool {
    let Step::DeletePod {
        name,
        uid,
        why: WhyDelete::Outdated,
        ..
    } = step
    else {
        return false;
    };
    ordinal_of(&scene.world.app.name, name)
        .and_then(|ordinal| scene.incarnation(ordinal, uid))
        .is_some_and(|member| Some(member.revision) == current)
}

/// Upstream counts one that is terminating and still ready (item 133); in a StatefulApp it takes part in nothing any more.
fn is_counted_available(scene: &Scene<'_>, member: &Member<'_>) -> bool {
    match scene.world.app.face {
        Face::StatefulApp => member.is_available(),
        Face::StatefulSet => is_proven(member.pod, &scene.world.app.spec, scene.now),
    }
}

/// Every member is at the update revision: it becomes the current one. Upstream takes ready for good enough, the StatefulApp face waits until they are
/// available (its issue 136831). Upstream also counts those that are about to leave for those that are missing, so that a pod below the partition may come
/// back at the update revision; a StatefulApp has no others than the wanted ones when it is complete.
fn complete(scene: &Scene<'_>, draft: &mut Draft) {
    let wanted = scene.goal.ordinals.replicas;
    let status = &mut draft.status;
    let (serving, are_all_wanted) = match scene.world.app.face {
        Face::StatefulApp => (status.available_replicas, scene.is_as_wanted()),
        Face::StatefulSet => (status.ready_replicas, true),
    };
    let is_complete = scene.goal.mode == Mode::Full
        && are_all_wanted
        && scene.revisions.update.is_some()
        && status.current_revision != status.update_revision
        && [status.updated_replicas, serving, status.replicas] == [wanted; 3];
    if is_complete {
        status.current_revision.clone_from(&status.update_revision);
        status.current_replicas = status.updated_replicas;
    }
}
