//! What one plan costs when one of many members has changed, beside copying the picture that it is made from.
//!
//! The world is as the operator hands it in: pods and claims by name, and those that did not change the same as in the plan before, so that what was derived
//! from one of them then is there (see `Shared`).
//!
//! `make bench` prints the times and their ratios.

#![allow(
    clippy::unwrap_used,
    reason = "a bench ends at the first thing that fails"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::json;
use stateward_planner::spec::PodManagement;
use stateward_planner::world::{App, Face, Plugin, ReadyPlugin};
use stateward_planner::{Model, Spec, Step, Timestamp};

const ROUNDS: usize = 301;

/// Steps of a scale that were let go and not taken yet.
const LET_GO: usize = 30;

/// An app whose members are all ready; its plugin has the hooks that every member passes through.
fn settled(members: u32, plugin: Plugin) -> Model {
    let spec = json!({
        "replicas": members,
        "serviceName": "web",
        "podManagementPolicy": "Parallel",
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{
                "name": "web",
                "image": "web:v1",
                "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}},
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            }]},
        },
        "volumeClaimTemplates": [{
            "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        }],
    });
    let mut spec = Spec::parse(Face::StatefulApp, &spec).unwrap();
    spec.pod_management = PodManagement::Parallel;
    let app = App {
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
    };
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let mut model = Model::of(app, plugin, now);
    loop {
        let plan = model.plan();
        model.record(&plan);
        for step in &plan.steps {
            model.apply(step).unwrap();
        }
        for id in model.calls() {
            let answer = model.well(&id);
            model.answer(&id, &answer).unwrap();
        }
        for member in 0..members {
            model.start(&format!("web-{member}"));
        }
        if model.is_at_rest() {
            model
                .world
                .pods
                .sort_by(|one, other| one.name.cmp(&other.name));
            model
                .world
                .claims
                .sort_by(|one, other| one.name.cmp(&other.name));
            return model;
        }
    }
}

/// An app that grows to twice its size: `pre-scale` has let some of the new pods go, and half of those that exist are still starting.
fn growing(members: u32, plugin: Plugin) -> Model {
    let mut model = settled(members / 2, plugin);
    model.world.app.spec.replicas = members;
    model.world.app.generation += 1;
    for pod in model.world.pods.iter_mut().step_by(2) {
        pod.ready_since = None;
        pod.was_ready = false;
    }
    for _ in 0..LET_GO {
        let plan = model.plan();
        model.record(&plan);
        for step in &plan.steps {
            if !matches!(step, Step::CreatePod { .. }) {
                model.apply(step).unwrap();
            }
        }
        for id in model.calls() {
            let answer = model.well(&id);
            model.answer(&id, &answer).unwrap();
        }
    }
    model
}

/// What nine of ten runs take longer than: what a run costs where nobody else wants the processor.
fn cost(mut run: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let begin = Instant::now();
            run();
            begin.elapsed()
        })
        .collect();
    times.sort();
    times.get(ROUNDS / 10).copied().unwrap_or_default()
}

/// The plugin of a large app, with these hooks.
fn plugin(hooks: [&str; 2]) -> Plugin {
    Plugin::Ready(ReadyPlugin {
        name: "db".to_owned(),
        digest: "sha256:1".to_owned(),
        hooks: hooks.map(str::to_owned).into_iter().collect(),
        post_ready_overlaps: true,
        ..ReadyPlugin::default()
    })
}

/// What stands at the end of a heap that has room. A heap that ends with what a plan used is given back to the kernel and taken again each time; an operator's does
/// not end there.
fn end_of_a_roomy_heap() -> Vec<u8> {
    // Of a size that comes from the heap itself.
    let mut blocks: Vec<Vec<u8>> = (0..256).map(|_| vec![1; 64 << 10]).collect();
    blocks.pop().unwrap_or_default()
}

fn main() {
    let end = end_of_a_roomy_heap();
    println!("members                       a plan   a copy of the world   ratio");
    for (members, plugin, what) in [
        (100, Plugin::None, "without a plugin"),
        (1000, Plugin::None, "without a plugin"),
        (1000, plugin(["post-ready", "pre-delete"]), "with two hooks"),
    ] {
        let mut model = settled(members, plugin);
        // One container restarted and is not ready yet.
        let changed = format!("web-{}", members / 2);
        for pod in model
            .world
            .pods
            .iter_mut()
            .filter(|pod| pod.name == changed)
        {
            pod.ready_since = None;
            pod.restarts += 1;
        }
        tell(members, what, &model);
    }
    let growing = growing(300, plugin(["pre-scale", "post-ready"]));
    tell(300, "growing, two hooks", &growing);
    black_box(end);
}

fn tell(members: u32, what: &str, model: &Model) {
    let plan = cost(|| {
        black_box(stateward_planner::plan(black_box(&model.world), model.now));
    });
    let copy = cost(|| {
        black_box(black_box(&model.world).clone());
    });
    println!(
        "{members:>5} {what:<18} {:>8.1} µs {:>18.1} µs {:>7.2}",
        plan.as_secs_f64() * 1e6,
        copy.as_secs_f64() * 1e6,
        plan.as_secs_f64() / copy.as_secs_f64(),
    );
}
