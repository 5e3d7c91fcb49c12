//! Random lives of an app: whatever users, nodes, plugins and crashes do in whatever order, every plan keeps its promises, and when they stop, it comes to rest.

use proptest::prelude::*;
use stateward_planner::journal::commit::Answer;
use stateward_planner::spec::{MaxUnavailable, PodManagement, UpdateStrategy};
use stateward_planner::world::{Plugin, Switchover, Verdict};
use stateward_planner::{Model, Phase, Step};

use crate::bed::{EVERY_HOOK, image, model, plugin, settle, spec, with_claims};
use crate::oracle;

#[derive(Clone, Debug)]
enum Event {
    /// The operator does what is planned, or only some of it, and only then writes the status.
    Do {
        mask: u32,
    },
    /// Only the status is written.
    Record,
    Start(u32),
    Unready(u32),
    Restart(u32),
    Fail(u32),
    DeletePod(u32),
    Finish(u32),
    LoseClaim(u32),
    Scale(u32),
    From(u32),
    Image(u32),
    Partition(u32),
    Strategy(u32),
    Budget(u32),
    MinReady(u32),
    Pass(u32),
    Answer {
        pick: u32,
        how: u32,
    },
    RestartHost,
    Switchover(u32),
    Refuse(bool),
}

fn event() -> impl Strategy<Value = Event> {
    use Event as E;
    let pod = 0..5_u32;
    prop_oneof![
        12 => Just(E::Do { mask: u32::MAX }),
        3 => any::<u32>().prop_map(|mask| E::Do { mask }),
        3 => Just(E::Record),
        8 => pod.clone().prop_map(E::Start),
        1 => pod.clone().prop_map(E::Unready),
        1 => pod.clone().prop_map(E::Restart),
        1 => pod.clone().prop_map(E::Fail),
        1 => pod.clone().prop_map(E::DeletePod),
        5 => pod.clone().prop_map(E::Finish),
        1 => pod.clone().prop_map(E::LoseClaim),
        2 => (0..4_u32).prop_map(E::Scale),
        1 => (0..2_u32).prop_map(E::From),
        2 => (1..4_u32).prop_map(E::Image),
        1 => (0..3_u32).prop_map(E::Partition),
        1 => (0..4_u32).prop_map(E::Strategy),
        1 => (1..3_u32).prop_map(E::Budget),
        1 => (0..3_u32).prop_map(E::MinReady),
        2 => (1..70_u32).prop_map(E::Pass),
        8 => (any::<u32>(), 0..10_u32).prop_map(|(pick, how)| E::Answer { pick, how }),
        1 => Just(E::RestartHost),
        1 => (0..5_u32).prop_map(E::Switchover),
        1 => any::<bool>().prop_map(E::Refuse),
    ]
}

fn happen(model: &mut Model, event: &Event) {
    let pod = |ordinal: &u32| format!("web-{ordinal}");
    match event {
        Event::Do { mask } => {
            let plan = model.plan();
            oracle::judge(model, &plan);
            // What is urgent is written before anything else is done.
            if plan.status_is_urgent {
                model.record(&plan);
                return;
            }
            for (index, step) in plan.steps.iter().enumerate() {
                if mask & (1 << (index % 32)) != 0 {
                    model
                        .apply(step)
                        .unwrap_or_else(|refusal| panic!("{refusal}: {step:?}"));
                }
            }
            model.record(&plan);
        }
        Event::Record => {
            let plan = model.plan();
            oracle::judge(model, &plan);
            model.record(&plan);
        }
        Event::Start(n) => model.start(&pod(n)),
        Event::Unready(n) => model.make_unready(&pod(n)),
        Event::Restart(n) => model.restart(&pod(n)),
        Event::Fail(n) => model.fail(&pod(n)),
        Event::DeletePod(n) => model.delete_pod(&pod(n)),
        Event::Finish(n) => model.finish(&pod(n)),
        Event::LoseClaim(n) => {
            let is_used = model.world.pods.iter().any(|known| known.name == pod(n));
            if !is_used {
                model.finish_claim(&format!("data-web-{n}"));
            }
        }
        Event::Scale(replicas) => model.edit(|spec| spec.replicas = *replicas),
        Event::From(start) => model.edit(|spec| spec.start = *start),
        Event::Image(version) => model.edit(|spec| image(spec, &format!("web:v{version}"))),
        Event::Partition(to) => model.edit(|spec| {
            if let UpdateStrategy::RollingUpdate { partition, .. } = &mut spec.update {
                *partition = *to;
            }
        }),
        Event::Strategy(which) => model.edit(|spec| {
            spec.update = match which {
                0 => UpdateStrategy::OnDelete,
                1 => UpdateStrategy::Recreate,
                _ => UpdateStrategy::RollingUpdate {
                    partition: 0,
                    max_unavailable: None,
                },
            };
        }),
        Event::Budget(pods) => model.edit(|spec| {
            if let UpdateStrategy::RollingUpdate {
                max_unavailable, ..
            } = &mut spec.update
            {
                *max_unavailable = Some(MaxUnavailable::Count(*pods));
            }
        }),
        Event::MinReady(seconds) => model.edit(|spec| spec.min_ready_seconds = *seconds),
        Event::Pass(seconds) => model.pass(jiff::SignedDuration::from_secs(i64::from(*seconds))),
        Event::Answer { pick, how } => answer(model, *pick, *how),
        Event::RestartHost => model.restart_host(),
        Event::Switchover(target) => {
            model.world.app.switchover = Some(Switchover {
                id: format!("wish to {target} at {}", model.now),
                role: "primary".to_owned(),
                target: (*target < 4).then_some(*target),
            });
        }
        Event::Refuse(refuses) => {
            model.verdict = if *refuses {
                Verdict::Refused {
                    message: "no".to_owned(),
                }
            } else {
                Verdict::Accepted
            };
            model.world.answers.validate = None;
        }
    }
}

fn answer(model: &mut Model, pick: u32, how: u32) {
    let calls = model.calls();
    let Some(id) = calls.get(pick as usize % calls.len().max(1)) else {
        return;
    };
    let later = model.now + jiff::SignedDuration::from_secs(5);
    let phase = match how {
        0 | 1 => Phase::InProgress {
            ask_again: later,
            percent: Some(50),
            message: "on the way".to_owned(),
        },
        2 => Phase::Refused {
            reason: "not now".to_owned(),
            since: model.now,
            ask_again: later,
        },
        3 => Phase::Failing {
            reason: "PluginTimeout".to_owned(),
            message: "too slow".to_owned(),
            failures: 1,
            ask_again: later,
        },
        // Done, and nobody has claimed anything.
        4 => Phase::Done,
        _ => Phase::Calling,
    };
    let answer = if phase == Phase::Calling {
        model.well(id)
    } else {
        Answer {
            checkpoint: matches!(phase, Phase::InProgress { .. }).then(|| "Y2s=".to_owned()),
            phase,
            requests: Vec::new(),
        }
    };
    // A claim for a pod that is gone meanwhile is a conflict; the operator counts the call as failed.
    if model.answer(id, &answer).is_err() {
        let failed = Answer {
            phase: Phase::Failing {
                reason: "RoleEpochChanged".to_owned(),
                message: "conflict".to_owned(),
                failures: 1,
                ask_again: later,
            },
            checkpoint: None,
            requests: Vec::new(),
        };
        model.answer(id, &failed).unwrap();
    }
}

/// When everybody leaves it alone, the app reaches its goal and then nothing is done or written.
fn comes_to_rest(model: &mut Model) {
    model.verdict = Verdict::Accepted;
    model.world.answers.validate = None;
    model.edit(|spec| {
        spec.update = UpdateStrategy::RollingUpdate {
            partition: 0,
            max_unavailable: None,
        };
    });
    for id in model.calls() {
        let answer = model.well(&id);
        if model.answer(&id, &answer).is_err() {
            model.world.journal.remove(&id);
        }
    }
    settle(model);
    let plan = model.plan();
    oracle::judge(model, &plan);
    assert!(model.is_at_rest(), "{plan:#?}");
    // A role comes back by a claim, and not every plugin makes one.
    let waits = |wait: &&stateward_planner::Waiting| wait.reason != "RoleUnheld";
    let waiting: Vec<_> = plan.status.waiting.iter().filter(waits).collect();
    assert!(waiting.is_empty(), "{waiting:#?}");
    let spec = &model.world.app.spec;
    let mut pods: Vec<_> = model
        .world
        .pods
        .iter()
        .map(|pod| pod.name.clone())
        .collect();
    pods.sort();
    let wanted: Vec<_> = (spec.start..spec.start + spec.replicas)
        .map(|ordinal| format!("web-{ordinal}"))
        .collect();
    assert_eq!(pods, wanted);
    let update = &model.world.recorded.update_revision;
    assert!(
        model
            .world
            .pods
            .iter()
            .all(|pod| pod.labels.get("controller-revision-hash") == Some(update))
    );
    assert_eq!(model.world.recorded.current_revision, *update);
}

fn live(mut model: Model, events: &[Event]) {
    let mut claims = 0;
    for event in events {
        happen(&mut model, event);
        if matches!(event, Event::Do { .. }) {
            assert!(model.world.claims.len() >= claims, "claims are kept");
        }
        claims = model.world.claims.len();
    }
    comes_to_rest(&mut model);
}

/// A world that was saved and read again is planned alike.
fn survives_saving(model: &Model) {
    let text = serde_json::to_string(&model.world).unwrap();
    let mut world: stateward_planner::World = serde_json::from_str(&text).unwrap();
    for (id, known) in &mut world.journal {
        known.is_recorded = model.world.journal[id].is_recorded;
    }
    assert!(world == model.world, "the same world comes back");
    assert_eq!(stateward_planner::plan(&world, model.now), model.plan());
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(event(), 1..60)
}

/// Quick by default; `PROPTEST_CASES` makes a campaign of it.
fn config() -> ProptestConfig {
    let mut config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 48;
    }
    config
}

fn policy(is_parallel: bool) -> PodManagement {
    if is_parallel {
        PodManagement::Parallel
    } else {
        PodManagement::OrderedReady
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_set_without_a_plugin_keeps_its_promises(events in events(), is_parallel: bool) {
        let mut spec = with_claims(spec(3));
        spec.pod_management = policy(is_parallel);
        live(model(spec, Plugin::None), &events);
    }

    #[test]
    fn an_app_with_a_plugin_keeps_its_promises(events in events(), is_parallel: bool, overlaps: bool) {
        let mut spec = with_claims(spec(3));
        spec.pod_management = policy(is_parallel);
        let mut plugin = plugin(&EVERY_HOOK);
        if let Plugin::Ready(plugin) = &mut plugin {
            plugin.post_ready_overlaps = overlaps;
            plugin.pre_scale_overlaps = overlaps;
        }
        live(model(spec, plugin), &events);
    }

    #[test]
    fn an_app_that_runs_already_keeps_its_promises(events in events(), hooks in prop::sample::subsequence(EVERY_HOOK.to_vec(), 0..=6)) {
        let mut model = model(with_claims(spec(3)), plugin(&hooks));
        settle(&mut model);
        live(model, &events);
    }

    #[test]
    fn a_saved_world_is_planned_alike(events in events()) {
        let mut model = model(with_claims(spec(3)), plugin(&EVERY_HOOK));
        for event in &events {
            happen(&mut model, event);
        }
        survives_saving(&model);
    }

    #[test]
    fn a_late_step_never_hits_another_pod(events in events(), late in events()) {
        let mut model = model(with_claims(spec(3)), Plugin::None);
        for event in &events {
            happen(&mut model, event);
        }
        let old = model.plan();
        for event in &late {
            happen(&mut model, event);
        }
        // A deposed or slow host does now what it planned then.
        for step in &old.steps {
            let before = model.world.pods.clone();
            let outcome = model.apply(step);
            if let Step::DeletePod { uid, .. } = step {
                let is_other = |pod: &&stateward_planner::world::Pod| pod.uid != *uid;
                let others: Vec<_> = before.iter().filter(is_other).collect();
                assert!(others.iter().all(|pod| model.world.pods.contains(pod)));
            }
            if let Step::CreatePod { ordinal, .. } = step {
                let name = format!("web-{ordinal}");
                let count = model.world.pods.iter().filter(|pod| pod.name == name).count();
                assert!(count <= 1, "{outcome:?}");
            }
        }
        comes_to_rest(&mut model);
    }
}
