//! The status of a large app stays small, and is written seldom.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use stateward_planner::journal::commit::Answer;
use stateward_planner::spec::{Deadline, DeadlinePolicy, PodManagement};
use stateward_planner::world::{Face, Plugin};
use stateward_planner::{InvocationId, Model, Phase, Status, Step};

use crate::bed::{model, plugin, spec};

const MEMBERS: u32 = 1000;
/// What an object of the API may well have besides.
const MOST_BYTES: usize = 128 * 1024;
const IN_FLIGHT: usize = 32;

/// A thousand members became ready at the same time, and none has joined.
fn given() -> Model {
    given_members(MEMBERS)
}

fn given_members(members: u32) -> Model {
    let mut wanted = spec(members);
    wanted.pod_management = PodManagement::Parallel;
    let mut plugin = plugin(&["post-ready"]);
    if let Plugin::Ready(plugin) = &mut plugin {
        plugin.post_ready_overlaps = true;
    }
    let mut model = model(wanted, plugin);
    while model.world.pods.len() < members as usize {
        let plan = model.plan();
        model.record(&plan);
        for step in &plan.steps {
            model.apply(step).unwrap();
        }
    }
    for ordinal in 0..members {
        model.start(&format!("web-{ordinal}"));
    }
    model
}

fn bytes(status: &Status) -> usize {
    serde_json::to_vec(status).unwrap().len()
}

/// One look of the operator: the status is written when it is urgent or worth it, then the steps are done. The status writes.
fn look(model: &mut Model) -> usize {
    let plan = model.plan();
    let is_worth_writing = (plan.status).is_worth_writing(&model.world.recorded, Face::StatefulApp);
    let mut recorded = model.world.recorded.clone();
    if is_worth_writing {
        recorded = plan.status.clone().into();
    }
    for id in &plan.forget {
        model.world.journal.remove(id);
    }
    model.world.recorded = recorded;
    for step in &plan.steps {
        if !matches!(step, Step::Decide { .. }) {
            model.apply(step).unwrap();
        }
    }
    let calls = model.calls().len();
    assert!(calls <= IN_FLIGHT, "{calls} calls in flight");
    let size = bytes(&model.world.recorded);
    assert!(size <= MOST_BYTES, "the status has {size} bytes");
    usize::from(is_worth_writing)
}

#[test]
fn given_post_ready_due_on_a_thousand_members_when_each_takes_long_then_the_status_stays_small() {
    let mut model = given();
    look(&mut model);
    let calls = model.calls();
    assert_eq!(calls.len(), IN_FLIGHT);
    for id in calls {
        let answer = Answer {
            phase: Phase::InProgress {
                ask_again: model.now,
                percent: Some(50),
                message: "…".repeat(341),
            },
            // 2 KiB, the most that a checkpoint has.
            checkpoint: Some("A".repeat(2732)),
            requests: Vec::new(),
        };
        model.answer(&id, &answer).unwrap();
    }
    look(&mut model);
    assert_eq!(model.world.recorded.invocations.len(), IN_FLIGHT);
    let size = bytes(&model.world.recorded);
    println!("32 invocations under way with the largest checkpoints: {size} bytes of status");
    look(&mut model);
    // As many as there may be are under way: they go on all the same.
    assert_eq!(model.calls().len(), IN_FLIGHT);
}

#[test]
fn given_post_ready_due_on_a_thousand_members_when_each_ends_at_once_then_no_status_is_written_for_each()
 {
    let mut model = given();
    let (mut writes, mut looks, mut joined) = (0, 0, 0);
    while joined < MEMBERS as usize {
        writes += look(&mut model);
        looks += 1;
        for id in model.calls() {
            let answer = Answer {
                phase: Phase::Done,
                checkpoint: None,
                requests: Vec::new(),
            };
            model.answer(&id, &answer).unwrap();
            joined += 1;
        }
        assert!(looks < 200, "{joined} joined after {looks} looks");
    }
    println!("{MEMBERS} members joined in {looks} looks with {writes} status writes");
    // The operator coalesces them besides; here each look writes that has something to tell.
    assert!(writes <= looks && writes < MEMBERS as usize / 10);
}

fn refused(model: &Model, checkpoint: Option<String>) -> Answer {
    Answer {
        phase: Phase::Refused {
            reason: "…".repeat(341),
            since: model.now,
            ask_again: model.now + SignedDuration::from_secs(60),
        },
        checkpoint,
        requests: Vec::new(),
    }
}

/// The members whose post-ready was called, and when first.
fn begun(model: &Model) -> BTreeMap<InvocationId, Timestamp> {
    (model.world.journal.values())
        .map(|known| (known.id.clone(), known.started))
        .collect()
}

#[test]
fn given_a_deadline_and_a_thousand_members_that_refuse_then_as_many_begin_as_the_status_has_room_for()
 {
    let mut model = given();
    let deadline = Deadline {
        seconds: 600,
        policy: DeadlinePolicy::Proceed,
    };
    model.edit(|spec| spec.deadlines = BTreeMap::from([("post-ready".to_owned(), deadline)]));
    for _ in 0..5 {
        look(&mut model);
        for id in model.calls() {
            let answer = refused(&model, None);
            model.answer(&id, &answer).unwrap();
        }
        model.pass(SignedDuration::from_secs(100));
    }
    let first = begun(&model);
    assert_eq!(first.len(), IN_FLIGHT);
    assert_eq!(model.world.recorded.invocations.len(), IN_FLIGHT);
    let size = bytes(&model.world.recorded);
    println!("32 refused invocations with a deadline: {size} bytes of status");

    // The time before counts after a restart.
    model.restart_host();
    assert_eq!(begun(&model), first);
    model.pass(SignedDuration::from_secs(100));
    for _ in 0..6 {
        look(&mut model);
        for id in model.calls() {
            let answer = refused(&model, None);
            model.answer(&id, &answer).unwrap();
        }
    }
    let next = begun(&model);
    assert_eq!(next.len(), IN_FLIGHT);
    assert!(
        next.keys().all(|id| !first.contains_key(id)),
        "the next begin when the first were let through"
    );
}

#[test]
fn given_checkpoints_and_a_thousand_members_that_refuse_then_as_many_begin_as_the_status_has_room_for()
 {
    let mut model = given();
    for round in 0..6 {
        look(&mut model);
        for id in model.calls() {
            // They leave their lane with what they have begun.
            let mut answer = refused(&model, Some("A".repeat(2732)));
            if round == 0 {
                answer.phase = Phase::InProgress {
                    ask_again: model.now,
                    percent: None,
                    message: "copying".to_owned(),
                };
            }
            model.answer(&id, &answer).unwrap();
        }
    }
    assert_eq!(begun(&model).len(), IN_FLIGHT);
}

#[test]
fn given_a_thousand_members_that_refuse_and_nothing_to_remember_then_every_one_is_asked() {
    let mut model = given();
    for _ in 0..MEMBERS.div_ceil(32) {
        look(&mut model);
        for id in model.calls() {
            let answer = refused(&model, None);
            model.answer(&id, &answer).unwrap();
        }
    }
    assert_eq!(begun(&model).len(), MEMBERS as usize);
    assert!(model.world.recorded.invocations.is_empty());
}

/// Members that were allowed to leave and whose pods are not gone.
const ALLOWED: usize = 128;

#[test]
fn given_many_members_that_leave_at_once_then_so_many_are_allowed_to_as_the_status_has_room_for() {
    let mut model = given_members(160);
    if let Plugin::Ready(plugin) = &mut model.world.plugin {
        plugin.hooks = ["pre-delete".to_owned()].into();
    }
    look(&mut model);
    model.edit(|spec| spec.replicas = 0);
    let leave = |model: &mut Model| {
        for _ in 0..2 * 160 {
            look(model);
            for id in model.calls() {
                let answer = model.well(&id);
                model.answer(&id, &answer).unwrap();
            }
        }
    };
    leave(&mut model);
    let pods = |model: &Model| -> Vec<String> {
        let leaving = model.world.pods.iter().filter(|pod| pod.deletion.is_some());
        leaving.map(|pod| pod.name.clone()).collect()
    };
    let leaving = pods(&model);
    assert_eq!(leaving.len(), ALLOWED);
    println!(
        "{ALLOWED} permissions to delete: {} bytes of status",
        bytes(&model.world.recorded)
    );

    // When pods are gone, the next may leave.
    for pod in &leaving {
        model.finish(pod);
    }
    leave(&mut model);
    for pod in pods(&model) {
        model.finish(&pod);
    }
    leave(&mut model);
    assert!(model.world.pods.is_empty());
    assert!(model.world.recorded.invocations.is_empty());
}
