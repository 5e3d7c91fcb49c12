use crate::plan::{Step, WhyDelete};
use crate::spec::{PodManagement, UpdateStrategy};
use crate::testing::{NOW, now, pod, world};
use crate::world::{PodPhase, World};
use jiff::Timestamp;

/// How a pod stands: `A` available, `p` pending, `u` running and not ready, `F` failed, `S` succeeded, `?` node lost, `t` terminating, `.` missing.
fn given(pods: &str, replicas: u32, start: u32, policy: PodManagement) -> World {
    let mut world = world(replicas);
    let revision = world.revisions[0].name.clone();
    world.app.spec.start = start;
    world.app.spec.pod_management = policy;
    for (ordinal, letter) in (0..).zip(pods.chars()) {
        if letter == '.' {
            continue;
        }
        let mut pod = pod(&world.app, ordinal, &revision);
        let phase = match letter {
            'p' => PodPhase::Pending,
            'F' => PodPhase::Failed,
            'S' => PodPhase::Succeeded,
            '?' => PodPhase::Unknown,
            _ => PodPhase::Running,
        };
        if letter != 'A' {
            pod.ready_since = None;
        }
        pod.phase = phase;
        pod.deletion = (letter == 't').then(now);
        world.pods.push(pod);
    }
    world
}

/// What is done when the status stands as planned.
fn steps(world: &World) -> Vec<String> {
    let mut world = world.clone();
    world.recorded = crate::plan(&world, now()).status.into();
    crate::plan(&world, now())
        .steps
        .iter()
        .map(|step| match step {
            Step::CreatePod { ordinal, .. } => format!("+{ordinal}"),
            Step::DeletePod { ordinal, why, .. } => match why {
                WhyDelete::Condemned => format!("-{ordinal}"),
                WhyDelete::Terminal => format!("x{ordinal}"),
                WhyDelete::Outdated => format!("o{ordinal}"),
                other => format!("{other:?} {ordinal}"),
            },
            other => format!("{other:?}"),
        })
        .collect()
}

fn table(policy: PodManagement, cases: &[(&str, u32, u32, &[&str])]) {
    for (pods, replicas, start, expected) in cases {
        let world = given(pods, *replicas, *start, policy);
        assert_eq!(
            steps(&world),
            *expected,
            "given {pods}, {replicas} wanted from {start} on"
        );
    }
}

/// Items 79 to 85 and 92.
#[test]
fn ordered_does_one_step_when_its_turn_has_come() {
    table(
        PodManagement::OrderedReady,
        &[
            ("", 3, 0, &["+0"]),
            ("A", 3, 0, &["+1"]),
            ("p", 3, 0, &[]),
            ("u", 3, 0, &[]),
            ("?", 3, 0, &[]),
            ("At", 3, 0, &[]),
            ("A.A", 3, 0, &["+1"]),
            ("AFA", 3, 0, &["x1"]),
            ("ASA", 3, 0, &["x1"]),
            ("uF", 3, 0, &[]),
            ("AAA", 3, 0, &[]),
            ("AAA", 1, 0, &["-2"]),
            ("uAA", 1, 0, &[]),
            ("A.A", 2, 0, &["+1"]),
            ("AAt", 1, 0, &[]),
            ("AAu", 1, 0, &["-2"]),
            ("Auu", 1, 0, &[]),
            ("AuA", 1, 0, &["-2"]),
            ("uuu", 0, 0, &[]),
            ("AFF", 1, 0, &["-2"]),
            ("AAA", 3, 2, &["+3"]),
            ("..AAA", 3, 2, &[]),
            ("AAAAA", 3, 2, &["-1"]),
        ],
    );
}

/// Items 86 to 89: what leaves goes before what comes.
#[test]
fn parallel_does_everything_at_once() {
    table(
        PodManagement::Parallel,
        &[
            ("", 3, 0, &["+0", "+1", "+2"]),
            ("pF.t", 4, 0, &["x1", "+2"]),
            ("uuuu", 2, 0, &["-3", "-2"]),
            ("AAtt", 1, 0, &["-1"]),
            ("AA", 2, 1, &["-0", "+2"]),
        ],
    );
}

#[test]
fn a_pod_must_have_been_ready_for_long_enough() {
    let mut world = given("A", 2, 0, PodManagement::OrderedReady);
    world.app.spec.min_ready_seconds = 30;
    world.pods[0].ready_since = Some(Timestamp::from_second(NOW - 29).unwrap());
    let plan = crate::plan(&world, now());
    assert!(plan.steps.is_empty());
    assert_eq!(plan.wake_at, Some(Timestamp::from_second(NOW + 1).unwrap()));
    assert_eq!(
        (plan.status.ready_replicas, plan.status.available_replicas),
        (1, 0)
    );
    world.pods[0].ready_since = Some(Timestamp::from_second(NOW - 30).unwrap());
    assert_eq!(steps(&world), ["+1"]);
}

/// Items 19 and 26.
#[test]
fn an_app_in_deletion_is_counted_and_left_alone() {
    let mut world = given("AF", 3, 0, PodManagement::Parallel);
    world.app.deletion = Some(now());
    let plan = crate::plan(&world, now());
    assert!(plan.steps.is_empty(), "{:?}", plan.steps);
    assert_eq!(plan.status.replicas, 2);
}

#[test]
fn a_stranger_under_a_members_name_is_told() {
    let mut world = given("AA", 2, 0, PodManagement::OrderedReady);
    world.pods[1].owners.clear();
    world.pods[1].labels.clear();
    let plan = crate::plan(&world, now());
    assert!(plan.steps.is_empty());
    assert_eq!(plan.status.waiting[0].reason, "PodNameTaken");
}

/// Item 128: below the partition a pod comes back at the current revision.
#[test]
fn a_lost_pod_comes_back_at_the_revision_of_its_slot() {
    let mut world = given("...", 3, 5, PodManagement::Parallel);
    let mut old = world.revisions[0].clone();
    old.name = "web-old".to_owned();
    old.number = 0;
    old.data = serde_json::json!({"spec": {"template": {"$patch": "replace", "spec": {"containers": []}}}}).into();
    world.revisions.push(old);
    world.recorded.current_revision = "web-old".to_owned();
    world.app.spec.update = UpdateStrategy::RollingUpdate {
        partition: 1,
        max_unavailable: None,
    };
    let plan = crate::plan(&world, now());
    let revisions: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::CreatePod {
                ordinal, revision, ..
            } => Some((*ordinal, revision == "web-old")),
            _ => None,
        })
        .collect();
    assert_eq!(revisions, [(5, true), (6, false), (7, false)]);
}

#[test]
fn with_a_number_of_parallel_starts_ordered_goes_up_in_batches() {
    for (pods, most, expected) in [
        ("", 2, vec!["+0", "+1"]),
        ("pA", 2, vec!["+2"]),
        ("pp", 2, vec![]),
        ("App", 3, vec!["+3"]),
        ("AFA", 9, vec!["x1", "+3", "+4"]),
        ("AAAAA", 2, vec![]),
    ] {
        let mut world = given(pods, 5, 0, PodManagement::OrderedReady);
        world.app.spec.max_parallel_starts = Some(most);
        assert_eq!(steps(&world), expected, "{pods}, {most} at a time");
    }
}

#[test]
fn with_a_number_of_parallel_starts_parallel_creates_no_more_at_a_time() {
    for (pods, most, expected) in [
        ("", 2, vec!["+0", "+1"]),
        ("pA", 2, vec!["+2"]),
        ("pp", 2, vec![]),
        ("AuA", 1, vec!["+3"]),
    ] {
        let mut world = given(pods, 5, 0, PodManagement::Parallel);
        world.app.spec.max_parallel_starts = Some(most);
        for pod in &mut world.pods {
            pod.was_ready = pod.phase != PodPhase::Pending;
        }
        assert_eq!(steps(&world), expected, "{pods}, {most} at a time");
    }
}

#[test]
fn a_reserved_ordinal_has_no_member_and_the_next_one_takes_its_place() {
    for (policy, pods, replicas, reserved, expected) in [
        (PodManagement::OrderedReady, "A", 2, 1, vec!["+2"]),
        (PodManagement::OrderedReady, "AAA", 2, 1, vec!["-1"]),
        (PodManagement::OrderedReady, "AAA", 3, 1, vec!["+3"]),
        (PodManagement::Parallel, "AAA", 3, 0, vec!["-0", "+3"]),
    ] {
        let mut world = given(pods, replicas, 0, policy);
        world.app.spec.reserved.insert(reserved);
        assert_eq!(steps(&world), expected, "{pods} without {reserved}");
    }
}

/// The policy of a StatefulApp may change at any time.
#[test]
fn given_another_policy_then_the_next_plan_goes_by_it() {
    let mut world = given("p", 3, 0, PodManagement::OrderedReady);
    assert!(steps(&world).is_empty());
    world.app.spec.pod_management = PodManagement::Parallel;
    assert_eq!(steps(&world), ["+1", "+2"]);
}

#[test]
fn given_a_wait_beyond_the_deadline_then_the_condition_names_pod_and_rule() {
    let mut world = given("Ap", 2, 0, PodManagement::OrderedReady);
    world.app.spec.progress_deadline_seconds = Some(60);
    let first = crate::plan(&world, now());
    let progressing = |status: &crate::Status| {
        let found = status
            .conditions
            .iter()
            .find(|one| one.type_ == "Progressing");
        found.map(|one| (one.status.clone(), one.reason.clone(), one.message.clone()))
    };
    assert_eq!(progressing(&first.status).unwrap().0, "True");
    let deadline = Timestamp::from_second(NOW + 60).unwrap();
    assert_eq!(first.wake_at, Some(deadline));
    world.recorded = first.status.into();
    let late = crate::plan(&world, deadline);
    let (status, reason, message) = progressing(&late.status).unwrap();
    assert_eq!(
        (status.as_str(), reason.as_str()),
        ("False", "ProgressDeadlineExceeded")
    );
    assert!(
        message.contains("pod web-1") && message.contains("PodStarting"),
        "{message}"
    );
}
