//! The one condition that upstream keeps on a StatefulSet: how far an update by Recreate is (item 110).

use super::conditions::{Verdict, place};
use crate::draft::Draft;
use crate::scene::{Mode, Scene};
use crate::spec::UpdateStrategy;

const TYPE: &str = "Progressing";
pub(super) const IN_PROGRESS: &str = "RecreateInProgress";
const COMPLETED: &str = "RecreateCompleted";

/// Sets it while old pods go and new ones come, until all are ready; without an update it is not there. As upstream has it, an update that finds no pod is
/// one, too.
pub(super) fn set(scene: &Scene<'_>, draft: &mut Draft) {
    let is_asked = scene.world.app.spec.update == UpdateStrategy::Recreate;
    let Some(update) = scene.revisions.update else {
        return;
    };
    if !is_asked || scene.goal.mode != Mode::Full {
        return;
    }
    let known = (draft.status.conditions.iter()).find(|known| known.type_ == TYPE);
    let has_begun = known.is_some_and(|known| known.reason == IN_PROGRESS);
    let is_old = (scene.members.values()).any(|member| member.revision != update.name);
    let is_under_way = (scene.revisions.current).is_some_and(|current| current.name != update.name);
    let (is_true, reason, message) = if is_old {
        (
            true,
            IN_PROGRESS,
            "pods of older revisions are being deleted",
        )
    } else if known.is_none() && !is_under_way {
        return;
    } else if is_complete(scene, draft) {
        (false, COMPLETED, "all pods were created anew")
    } else if is_under_way {
        (
            true,
            IN_PROGRESS,
            "waiting until all pods are created and ready",
        )
    } else {
        return;
    };
    // Before the first pod goes.
    draft.is_urgent |= is_old && !has_begun;
    let verdict = Verdict {
        type_: TYPE,
        is_true,
        reason: reason.to_owned(),
        message: message.to_owned(),
    };
    place(&mut draft.status.conditions, verdict, None, scene.now);
}

/// As upstream's completeUpdate counts (item 136).
fn is_complete(scene: &Scene<'_>, draft: &Draft) -> bool {
    let status = &draft.status;
    let counted = [
        status.updated_replicas,
        status.ready_replicas,
        status.replicas,
    ];
    counted == [scene.goal.ordinals.replicas; 3]
}

#[cfg(test)]
mod tests {
    use crate::Model;
    use crate::spec::UpdateStrategy;
    use crate::testing::{app, now};
    use crate::world::{Face, Plugin};
    use serde_json::json;

    fn told(model: &Model) -> String {
        let conditions = &model.world.recorded.conditions;
        let told: Vec<_> = conditions
            .iter()
            .map(|known| format!("{}={} {}", known.type_, known.status, known.reason))
            .collect();
        told.join(", ")
    }

    fn step(model: &mut Model) {
        let plan = model.plan();
        model.record(&plan);
        for step in &plan.steps {
            model.apply(step).unwrap();
        }
        for ordinal in 0..2 {
            model.start(&format!("web-{ordinal}"));
        }
    }

    /// Upstream's TestRecreateUpdate: the order of its conditions.
    #[test]
    fn given_an_update_by_recreate_then_the_condition_goes_from_progress_to_completion() {
        let mut app = app(2);
        app.face = Face::StatefulSet;
        app.spec.update = UpdateStrategy::Recreate;
        let mut model = Model::of(app, Plugin::None, now());
        for _ in 0..6 {
            step(&mut model);
        }
        assert_eq!(told(&model), "", "nothing is recreated at first");
        model.edit(|spec| spec.template["metadata"]["annotations"] = json!({"a": "b"}));
        step(&mut model);
        step(&mut model);
        assert_eq!(told(&model), "Progressing=True RecreateInProgress");
        assert!(model.world.pods.iter().all(|pod| pod.deletion.is_some()));
        model.finish("web-0");
        step(&mut model);
        assert_eq!(
            model.world.pods.len(),
            1,
            "none is created before the last is gone"
        );
        model.finish("web-1");
        step(&mut model);
        assert_eq!(told(&model), "Progressing=True RecreateInProgress");
        for _ in 0..4 {
            step(&mut model);
        }
        assert_eq!(told(&model), "Progressing=False RecreateCompleted");
        assert!(model.is_at_rest());
    }

    /// Upstream counts as its rollouts do: all are there and ready.
    #[test]
    fn given_a_pod_that_does_not_become_ready_then_the_update_is_not_over() {
        let mut app = app(2);
        app.face = Face::StatefulSet;
        app.spec.update = UpdateStrategy::Recreate;
        app.spec.pod_management = crate::spec::PodManagement::Parallel;
        let mut model = Model::of(app, Plugin::None, now());
        for _ in 0..6 {
            step(&mut model);
        }
        model.edit(|spec| spec.template["metadata"]["annotations"] = json!({"a": "b"}));
        step(&mut model);
        step(&mut model);
        for name in ["web-0", "web-1"] {
            model.finish(name);
        }
        for _ in 0..4 {
            step(&mut model);
            model.make_unready("web-1");
        }
        assert_eq!(told(&model), "Progressing=True RecreateInProgress");
        for _ in 0..3 {
            step(&mut model);
        }
        assert_eq!(told(&model), "Progressing=False RecreateCompleted");
    }

    #[test]
    fn given_no_pods_then_an_update_is_over_at_once() {
        let mut app = app(0);
        app.face = Face::StatefulSet;
        app.spec.update = UpdateStrategy::Recreate;
        let mut model = Model::of(app, Plugin::None, now());
        for _ in 0..3 {
            step(&mut model);
        }
        assert_eq!(told(&model), "");
        model.edit(|spec| spec.template["metadata"]["annotations"] = json!({"a": "b"}));
        for _ in 0..3 {
            step(&mut model);
        }
        assert_eq!(told(&model), "Progressing=False RecreateCompleted");
    }
}
