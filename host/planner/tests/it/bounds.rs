//! The status of a large app stays small, and is written seldom.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use stateward_planner::journal::commit::Answer;
use stateward_planner::spec::{Deadline, DeadlinePolicy, PodManagement};
use stateward_planner::status::{Holder, RoleStatus};
use stateward_planner::world::{Face, Hold, Plugin, Pod, Role, Task, TaskWish};
use stateward_planner::{Act, InvocationId, Model, Phase, Status, Step};

use crate::bed::{model, plugin, spec};

pub(crate) const MEMBERS: u32 = 1000;
/// What an object of the API may well have besides.
pub(crate) const MOST_BYTES: usize = 128 * 1024;
const IN_FLIGHT: usize = 32;

/// A thousand members became ready at the same time, and none has joined.
fn given() -> Model {
    given_members(MEMBERS)
}

pub(crate) fn given_members(members: u32) -> Model {
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

pub(crate) fn bytes(status: &Status) -> usize {
    serde_json::to_vec(status).unwrap().len()
}

/// One look of the operator: the status is written when it is urgent or worth it, then the steps are done. The status writes.
pub(crate) fn look(model: &mut Model) -> usize {
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
    let calls = model.calls();
    let is_joining = |id: &&InvocationId| model.world.journal[*id].act.hook() == "post-ready";
    let joining = calls.iter().filter(is_joining).count();
    assert!(joining <= IN_FLIGHT, "{joining} calls in flight");
    assert!(calls.len() - joining <= 1, "one lane for all others");
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

#[test]
fn given_a_thousand_members_that_joined_then_the_status_tells_of_some_and_the_pods_of_the_others() {
    const IN_THE_STATUS: usize = 512;
    let mut model = given();
    while !model.is_at_rest() {
        look(&mut model);
        for id in model.calls() {
            let answer = model.well(&id);
            model.answer(&id, &answer).unwrap();
        }
    }
    let world = &model.world;
    let is_marked = |pod: &&Pod| pod.annotations.contains_key("stateward.dev/post-ready");
    let is_told = |pod: &&Pod| world.recorded.joined.has(pod);
    let (marked, told): (BTreeSet<_>, BTreeSet<_>) = (
        world
            .pods
            .iter()
            .filter(is_marked)
            .map(|pod| &pod.uid)
            .collect(),
        world
            .pods
            .iter()
            .filter(is_told)
            .map(|pod| &pod.uid)
            .collect(),
    );
    assert_eq!(told.len(), IN_THE_STATUS);
    assert_eq!(marked.len(), MEMBERS as usize - IN_THE_STATUS);
    assert!(told.is_disjoint(&marked));
    println!(
        "a thousand joined members: {} bytes of status",
        bytes(&world.recorded)
    );

    model.restart_host();
    assert!(model.is_at_rest(), "a member that joined is asked again");
    // Its successor is somebody else, and there is room for one that is told of.
    let gone = model.world.pods[0].clone();
    model.delete_pod(&gone.name);
    model.finish(&gone.name);
    while !model.is_at_rest() {
        look(&mut model);
        for id in model.calls() {
            let answer = model.well(&id);
            model.answer(&id, &answer).unwrap();
        }
        model.start(&gone.name);
    }
    let successor = (model.world.pods.iter()).find(|pod| pod.name == gone.name);
    let successor = successor.unwrap();
    assert_ne!(successor.uid, gone.uid);
    let joined = &model.world.recorded.joined;
    assert!(joined.has(successor) && !joined.has(&gone));
}

/// Pods that are being deleted end.
pub(crate) fn end_leaving(model: &mut Model) {
    for pod in model.world.pods.clone() {
        if pod.deletion.is_some() {
            model.finish(&pod.name);
        }
    }
}

pub(crate) fn refused(model: &Model, checkpoint: Option<String>) -> Answer {
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

const EVERY_HOOK: [&str; 6] = [
    "pre-scale",
    "post-ready",
    "pre-delete",
    "post-delete",
    "move-role",
    "task",
];

/// Members that are to leave.
const LEAVING: u32 = 10;

/// The largest answer of a hook, and then a refusal, with which it leaves its lane and keeps what it has. Only the scale goes on, and of two members one may
/// leave.
fn largest(model: &Model, id: &InvocationId) -> Answer {
    let known = &model.world.journal[id];
    let goes_on = match &known.act {
        Act::PreDelete { ordinal, .. } => ordinal % 2 == 1,
        Act::PreScale { .. } | Act::MoveRole { .. } => true,
        _ => false,
    };
    match (&known.checkpoint, goes_on) {
        (Some(_), true) => model.well(id),
        (Some(_), false) => refused(model, None),
        (None, _) => Answer {
            phase: Phase::InProgress {
                ask_again: model.now,
                percent: Some(50),
                message: "\"…".repeat(341),
            },
            checkpoint: Some("A".repeat(2732)),
            requests: Vec::new(),
        },
    }
}

#[test]
fn given_every_hook_due_on_a_thousand_members_with_the_largest_checkpoints_then_the_status_stays_small()
 {
    let mut model = given();
    if let Plugin::Ready(plugin) = &mut model.world.plugin {
        // The task alone at first, `post-ready` last: so none is kept out by the others.
        plugin.hooks = EVERY_HOOK.map(str::to_owned).into();
        plugin.hooks.remove("post-ready");
        plugin.tasks = vec![Task {
            name: "tidy".to_owned(),
            after_scale: false,
        }];
        plugin.roles = vec![Role {
            name: "primary".to_owned(),
            exclusive: true,
            movable: true,
            grace_seconds: 0,
        }];
    }
    // Some of them are to go, the primary among them, and somebody wants a task done with long arguments.
    model.world.app.hold = Hold::Held;
    model.world.app.wishes.task = Some(TaskWish {
        id: "wish".to_owned(),
        task: "tidy".to_owned(),
        member: None,
        arguments: "\"".repeat(1000),
    });
    let mut recorded = (*model.world.recorded).clone();
    recorded.roles = vec![RoleStatus {
        name: "primary".to_owned(),
        holder: Some(Holder {
            ordinal: MEMBERS - 1,
            pod: model.world.pods[MEMBERS as usize - 1].uid.clone(),
        }),
        epoch: 1,
        moves: 0,
        moving: None,
        last_request: None,
    }];
    for key in 0..8 {
        let value = [0; 1024];
        recorded = stateward_planner::put_state(&recorded, &format!("key-{key}"), &value, 0)
            .unwrap()
            .0;
    }
    model.world.recorded = recorded.into();

    let (mut largest_status, mut seen, mut refusals) = (0, BTreeSet::new(), 0);
    for round in 0..80 {
        if round == 4 {
            model.edit(|spec| spec.replicas = MEMBERS - LEAVING);
        }
        if round == 60
            && let Plugin::Ready(plugin) = &mut model.world.plugin
        {
            plugin.hooks.insert("post-ready".to_owned());
        }
        look(&mut model);
        for id in model.calls() {
            seen.insert(model.world.journal[&id].act.hook());
            let answer = largest(&model, &id);
            if let Err(conflict) = model.answer(&id, &answer) {
                assert_eq!(conflict.reason(), "StatusFull");
                refusals += 1;
                let answer = refused(&model, None);
                model.answer(&id, &answer).unwrap();
            }
        }
        end_leaving(&mut model);
        model.pass(SignedDuration::from_secs(5));
        largest_status = largest_status.max(bytes(&model.world.recorded));
    }
    println!(
        "every hook with the largest checkpoints: at most {largest_status} bytes of status, {refusals} answers without room"
    );
    let open: BTreeMap<_, usize> =
        (model.world.recorded.invocations.iter()).fold(BTreeMap::new(), |mut open, known| {
            *open.entry(known.act.hook()).or_default() += 1;
            open
        });
    println!("open at the end: {open:?}");
    assert_eq!(seen, EVERY_HOOK.into());
    assert!(largest_status > MOST_BYTES * 3 / 4, "it was filled");
    let mut full = (*model.world.recorded).clone();
    let refused = (8..16).find_map(|key| {
        match stateward_planner::put_state(&full, &format!("key-{key}"), &[0; 1024], 0) {
            Ok((status, _)) => {
                full = status;
                None
            }
            Err(error) => Some(error.reason()),
        }
    });
    assert_eq!(refused, Some("StatusFull"));
    assert!(bytes(&full) <= MOST_BYTES);

    // What is open goes on and makes room: in the end everything is done.
    for _ in 0..600 {
        look(&mut model);
        let pods = model.world.pods.len();
        if pods == (MEMBERS - LEAVING) as usize && model.world.recorded.invocations.is_empty() {
            break;
        }
        for id in model.calls() {
            let answer = model.well(&id);
            model.answer(&id, &answer).unwrap();
        }
        end_leaving(&mut model);
        model.pass(SignedDuration::from_secs(60));
    }
    let pods = model.world.pods.len();
    assert_eq!(pods, (MEMBERS - LEAVING) as usize);
    assert!(model.world.recorded.invocations.is_empty());
}

#[test]
fn given_a_refusal_with_requests_when_the_host_dies_right_then_it_is_asked_again_when_it_said() {
    let mut model = given_members(1);
    if let Plugin::Ready(plugin) = &mut model.world.plugin {
        plugin.roles = vec![Role {
            name: "primary".to_owned(),
            exclusive: true,
            movable: true,
            grace_seconds: 0,
        }];
    }
    look(&mut model);
    let [id] = model.calls().try_into().unwrap();
    let mut answer = refused(&model, None);
    answer.requests = model.well(&id).requests;
    assert!(!answer.requests.is_empty());
    model.answer(&id, &answer).unwrap();
    // The host dies before it has looked at what came of it, and again later.
    for _ in 0..2 {
        model.restart_host();
        model.pass(SignedDuration::from_secs(29));
        look(&mut model);
        assert_eq!(model.calls(), [], "it is too early");
        let known = &model.world.journal[&id];
        assert_eq!(known.attempts, 1);
    }
    model.pass(SignedDuration::from_secs(2));
    look(&mut model);
    assert_eq!(model.calls(), std::slice::from_ref(&id));
    let done = model.well(&id);
    model.answer(&id, &done).unwrap();
    look(&mut model);
    assert!(model.world.recorded.invocations.is_empty());
}
