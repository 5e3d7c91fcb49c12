//! A thousand members in trouble at once: the status stays small, and nobody is forgotten for ever.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use stateward_planner::journal::commit::Answer;
use stateward_planner::status::{EndedInvocation, Origin, Ruling, TaskRun, TaskStatus};
use stateward_planner::world::{Hold, Plugin, Task, TaskWish, Verb};
use stateward_planner::{Act, Invocation, InvocationId, Model, Phase, Status, put_state};

use crate::bounds::{MEMBERS, MOST_BYTES, bytes, end_leaving, given_members, look, refused};

/// Tasks that run at once, each with the largest arguments and checkpoint.
const TASKS: u64 = 8;
/// Pods of one member in a quarter of an hour, at most: at once, after 10 s, 20 s … 300 s.
const TRIED: u32 = 10;
/// Members that are to leave.
const LEAVING: u32 = 10;
/// Every hook that waits for room. A move of a role never does.
const WAITING_HOOKS: [&str; 5] = [
    "pre-scale",
    "post-ready",
    "pre-delete",
    "post-delete",
    "task",
];

fn checkpoint() -> String {
    "A".repeat(2732)
}

/// A status with as much in it as its bounds allow.
fn full(model: &Model) -> Status {
    let mut status = (*model.world.recorded).clone();
    let now = model.now;
    for key in 0..16 {
        let key = format!("{key:064}");
        status = put_state(&status, &key, &[7; 1024], 0).unwrap().0;
    }
    status.rulings = (0..16)
        .map(|n| Ruling {
            request: Some("r".repeat(64)),
            invocation: InvocationId(format!("pre-scale/{n}/{n}")),
            verb: Verb::Retry,
            by: "u".repeat(256),
            reason: "w".repeat(512),
            at: now,
            generation: 1,
            result: "NoSuchInvocation".to_owned(),
        })
        .collect();
    status.history = (0..24)
        .map(|n| EndedInvocation {
            invocation: InvocationId(format!("post-ready/{}/{n}", "u".repeat(36))),
            started: now,
            ended: now,
            attempts: u32::MAX,
            result: "Done".to_owned(),
        })
        .collect();
    for number in 0..TASKS {
        let (name, arguments) = (format!("task-{number}"), "a".repeat(1024));
        let act = Act::Task {
            name: name.clone(),
            run: 1,
            member: None,
            arguments: arguments.clone(),
        };
        status.tasks.push(TaskStatus {
            name,
            runs: 1,
            running: Some(TaskRun {
                number: 1,
                origin: Origin::Probe,
                member: None,
                arguments,
            }),
            last: None,
            after_scale: 0,
        });
        status.invocations.push(Invocation {
            id: act.id(),
            act,
            started: now,
            attempts: 1,
            checkpoint: Some(checkpoint()),
            phase: Phase::InProgress {
                ask_again: now + SignedDuration::from_hours(24),
                percent: Some(50),
                message: "m".repeat(128),
            },
            cancelling: false,
            digest: Some(format!("sha256:{}", "d".repeat(64))),
            is_recorded: true,
        });
    }
    status
}

/// Every pod that does not run yet ends. UIDs are as long as those of Kubernetes.
fn fail_all(model: &mut Model) {
    let names: Vec<_> = model
        .world
        .pods
        .iter()
        .map(|pod| pod.name.clone())
        .collect();
    for (pod, name) in model.world.pods.iter_mut().zip(&names) {
        if pod.uid.len() < 36 {
            let padding = 36 - pod.uid.len();
            pod.uid.push_str(&"-".repeat(padding));
        }
        pod.ready_since = None;
        assert!(name.starts_with("web-"));
    }
    for name in names {
        model.fail(&name);
    }
}

#[test]
fn given_a_thousand_members_whose_pods_keep_ending_then_the_status_stays_small_and_each_is_replaced()
 {
    for is_full in [false, true] {
        let mut model = given_members(MEMBERS);
        if let Plugin::Ready(plugin) = &mut model.world.plugin {
            plugin.hooks = ["task".to_owned()].into();
            plugin.tasks = (0..TASKS)
                .map(|number| Task {
                    name: format!("task-{number}"),
                    after_scale: false,
                })
                .collect();
        }
        if is_full {
            model.edit(|spec| spec.reserved = (5000..6000).collect());
            look(&mut model);
            let status = full(&model);
            model.world.journal = (status.invocations.iter())
                .map(|known| (known.id.clone(), known.clone()))
                .collect();
            model.world.recorded = status.into();
        }
        let (mut largest, mut counted) = (0, 0);
        let mut replaced: BTreeMap<String, u32> = BTreeMap::new();
        // A quarter of an hour of pods that end as soon as they are there.
        for _ in 0..15 {
            for _ in 0..4 {
                fail_all(&mut model);
                look(&mut model);
                largest = largest.max(bytes(&model.world.recorded));
                counted = counted.max(model.world.recorded.failures.len());
                for pod in model.world.pods.clone() {
                    if pod.deletion.is_some() {
                        model.finish(&pod.name);
                        *replaced.entry(pod.name.clone()).or_default() += 1;
                    }
                }
            }
            model.pass(SignedDuration::from_secs(60));
        }
        let fewest = replaced.values().min().copied().unwrap_or_default();
        let most = replaced.values().max().copied().unwrap_or_default();
        println!(
            "{MEMBERS} members keep ending: {counted} counted, at most {largest} bytes of status; replaced {fewest} to {most} times in a quarter of an hour"
        );
        assert_eq!(replaced.len(), MEMBERS as usize);
        assert!(counted > 50, "{counted} are counted");
        assert!((2..=TRIED).contains(&fewest), "{fewest}");
        assert!(most <= TRIED, "{most}");
        assert!(largest <= MOST_BYTES);
        assert!(!is_full || largest > MOST_BYTES * 3 / 4, "it was filled");
        if is_full {
            assert_eq!(model.world.recorded.invocations.len(), TASKS as usize);
        }

        // When they run again, nothing of it is left.
        for _ in 0..4 {
            model.pass(SignedDuration::from_secs(600));
            look(&mut model);
            for pod in model.world.pods.clone() {
                model.finish(&pod.name);
                model.start(&pod.name);
            }
        }
        look(&mut model);
        assert_eq!(model.world.recorded.failures, []);
    }
}

/// Keeps the largest checkpoint and refuses for ever, but for what the scale and every second of those who leave need.
fn stubborn(model: &Model, id: &InvocationId) -> Answer {
    let known = &model.world.journal[id];
    let is_easy = match &known.act {
        Act::PreScale { .. } | Act::Task { .. } => true,
        Act::PreDelete { ordinal, .. } => ordinal % 2 == 1,
        _ => false,
    };
    match &known.checkpoint {
        _ if is_easy => model.well(id),
        Some(_) => refused(model, None),
        None => Answer {
            phase: Phase::InProgress {
                ask_again: model.now,
                percent: None,
                message: "copying".to_owned(),
            },
            checkpoint: Some(checkpoint()),
            requests: Vec::new(),
        },
    }
}

#[test]
fn given_members_that_hold_the_largest_checkpoints_and_refuse_for_ever_then_every_other_hook_goes_on()
 {
    for (overlaps, members, looks) in [(true, MEMBERS, 40), (false, 60, 150)] {
        let mut model = given_members(members);
        if let Plugin::Ready(plugin) = &mut model.world.plugin {
            plugin.hooks = WAITING_HOOKS.map(str::to_owned).into();
            plugin.post_ready_overlaps = overlaps;
            plugin.tasks = vec![Task {
                name: "mend".to_owned(),
                after_scale: false,
            }];
        }
        model.world.app.hold = Hold::Held;
        let mut seen = BTreeSet::new();
        for round in 0..3 * looks {
            if round == looks {
                model.edit(|spec| spec.replicas = members - LEAVING);
            }
            if round == 2 * looks {
                model.world.app.wishes.task = Some(TaskWish {
                    id: "wish".to_owned(),
                    task: "mend".to_owned(),
                    member: None,
                    arguments: "a".repeat(1024),
                });
            }
            look(&mut model);
            for id in model.calls() {
                seen.insert(model.world.journal[&id].act.hook());
                let answer = stubborn(&model, &id);
                if model.answer(&id, &answer).is_err() {
                    let answer = refused(&model, None);
                    model.answer(&id, &answer).unwrap();
                }
            }
            end_leaving(&mut model);
            model.pass(SignedDuration::from_secs(5));
        }
        let open = model.world.recorded.invocations.iter();
        let joining = open
            .filter(|known| known.act.hook() == "post-ready")
            .count();
        println!("overlapping: {overlaps}; {joining} hold their checkpoints, called: {seen:?}");
        assert!(joining > 20, "{joining} refuse");
        assert_eq!(seen, WAITING_HOOKS.into());
        let task = &model.world.recorded.tasks[0];
        let ended = task.last.as_ref().map(|run| run.result.as_str());
        assert_eq!(ended, Some("Done"), "{task:?}");
    }
}
