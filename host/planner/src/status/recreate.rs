//! The one condition that upstream keeps on a StatefulSet: how far an update by Recreate is (item 110).

use super::conditions::{Verdict, place};
use crate::draft::Draft;
use crate::scene::{Mode, Scene};
use crate::spec::UpdateStrategy;

const TYPE: &str = "Progressing";
pub(super) const IN_PROGRESS: &str = "RecreateInProgress";
const COMPLETED: &str = "RecreateCompleted";

/// Sets it while old pods go and new ones come, and once more at the end; without an update it is not there.
pub(super) fn set(scene: &Scene<'_>, draft: &mut Draft) {
    let is_asked = scene.world.app.spec.update == UpdateStrategy::Recreate;
    let Some(update) = scene.revisions.update else {
        return;
    };
    if !is_asked || scene.goal.mode != Mode::Full {
        return;
    }
    let has_begun = draft
        .status
        .conditions
        .iter()
        .any(|known| known.type_ == TYPE && known.reason == IN_PROGRESS);
    let is_old = scene
        .members
        .values()
        .any(|member| member.revision != update.name);
    let (is_true, reason, message) = if is_old {
        (
            true,
            IN_PROGRESS,
            "pods of older revisions are being deleted",
        )
    } else if !has_begun {
        return;
    } else if scene.missing().next().is_some() {
        (true, IN_PROGRESS, "waiting until all pods are created")
    } else {
        (false, COMPLETED, "all pods were created anew")
    };
    // That it ended is told only of what was told to have begun.
    draft.is_urgent |= is_old && !has_begun;
    let verdict = Verdict {
        type_: TYPE,
        is_true,
        reason: reason.to_owned(),
        message: message.to_owned(),
    };
    place(&mut draft.status.conditions, verdict, None, scene.now);
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
}
