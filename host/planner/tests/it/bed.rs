//! Apps and plugins to play with.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use stateward_planner::world::{App, Face, Plugin, ReadyPlugin, Role};
use stateward_planner::{Forecast, Model, Spec, Timestamp, forecast};

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

pub(crate) fn spec(replicas: u32) -> Spec {
    Spec::parse(
        Face::StatefulApp,
        &json!({
            "replicas": replicas,
            "serviceName": "web",
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "web:v1"}]},
            },
        }),
    )
    .unwrap()
}

pub(crate) fn with_claims(mut spec: Spec) -> Spec {
    spec.claim_templates = vec![json!({"metadata": {"name": "data"}, "spec": {}})];
    spec
}

pub(crate) fn image(spec: &mut Spec, image: &str) {
    *spec
        .template
        .pointer_mut("/spec/containers/0/image")
        .unwrap() = json!(image);
}

pub(crate) fn app(spec: Spec) -> App {
    App {
        face: Face::StatefulApp,
        namespace: "default".to_owned(),
        name: "web".to_owned(),
        uid: "app-uid".to_owned(),
        generation: 1,
        deletion: None,
        annotations: BTreeMap::new(),
        spec: spec.into(),
        switchover: None,
        wishes: Default::default(),
        hold: Default::default(),
    }
}

pub(crate) const EVERY_HOOK: [&str; 6] = [
    "validate",
    "member-config",
    "pre-scale",
    "post-ready",
    "pre-delete",
    "move-role",
];

pub(crate) fn plugin(hooks: &[&str]) -> Plugin {
    Plugin::Ready(ReadyPlugin {
        name: "db".to_owned(),
        digest: "sha256:1".to_owned(),
        hooks: hooks
            .iter()
            .map(|hook| (*hook).to_owned())
            .collect::<BTreeSet<_>>(),
        roles: vec![Role {
            name: "primary".to_owned(),
            exclusive: true,
            movable: true,
            grace_seconds: 30,
        }],
        ..ReadyPlugin::default()
    })
}

pub(crate) fn model(spec: Spec, plugin: Plugin) -> Model {
    Model::of(app(spec), plugin, now())
}

/// Plays a model to its end, everything going well.
pub(crate) fn settle(model: &mut Model) {
    for _ in 0..2000 {
        let plan = model.plan();
        let before = model.world.recorded.clone();
        model.record(&plan);
        if plan.status_is_urgent && before != model.world.recorded {
            continue;
        }
        for step in &plan.steps {
            model.apply(step).unwrap();
        }
        for id in model.calls() {
            let answer = model.well(&id);
            if model.answer(&id, &answer).is_err() {
                // Its pod went meanwhile: the call counts as never made.
                model.world.journal.remove(&id);
            }
        }
        let pods: Vec<_> = model
            .world
            .pods
            .iter()
            .map(|pod| pod.name.clone())
            .collect();
        let mut has_moved = !plan.steps.is_empty();
        for pod in pods {
            let before = model.world.pods.clone();
            model.finish(&pod);
            model.start(&pod);
            has_moved |= before != model.world.pods;
        }
        if has_moved {
            continue;
        }
        match plan.wake_at {
            Some(time) if time > model.now => model.now = time,
            _ => return,
        }
    }
    panic!("no rest: {:#?}", model.plan());
}

/// The steps of a forecast, the hash of revisions replaced by `r1`, `r2` … in the order in which they are named.
pub(crate) fn told(forecast: &Forecast) -> Vec<String> {
    let mut revisions: Vec<String> = Vec::new();
    let mut told = Vec::new();
    for step in &forecast.steps {
        let mut text = step.text.clone();
        for word in step.text.split([' ', '(', ')']) {
            let is_revision = word
                .strip_prefix("web-")
                .is_some_and(|hash| hash.len() == 10);
            if is_revision && !revisions.iter().any(|known| known == word) {
                revisions.push(word.to_owned());
            }
        }
        for (index, revision) in revisions.iter().enumerate() {
            text = text.replace(revision, &format!("r{}", index + 1));
        }
        told.push(text);
    }
    told
}

pub(crate) fn forecast_of(model: &Model) -> Forecast {
    forecast(&model.world, model.now)
}
