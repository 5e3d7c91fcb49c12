//! The status of a large app stays small, and is written seldom.

use stateward_planner::journal::commit::Answer;
use stateward_planner::spec::PodManagement;
use stateward_planner::world::{Face, Plugin};
use stateward_planner::{Model, Phase, Status, Step};

use crate::bed::{model, plugin, spec};

const MEMBERS: u32 = 1000;
/// What an object of the API may well have besides.
const MOST_BYTES: usize = 128 * 1024;
const IN_FLIGHT: usize = 32;

/// A thousand members became ready at the same time, and none has joined.
fn given() -> Model {
    let mut wanted = spec(MEMBERS);
    wanted.pod_management = PodManagement::Parallel;
    let mut plugin = plugin(&["post-ready"]);
    if let Plugin::Ready(plugin) = &mut plugin {
        plugin.post_ready_overlaps = true;
    }
    let mut model = model(wanted, plugin);
    while model.world.pods.len() < MEMBERS as usize {
        let plan = model.plan();
        model.record(&plan);
        for step in &plan.steps {
            model.apply(step).unwrap();
        }
    }
    for ordinal in 0..MEMBERS {
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
