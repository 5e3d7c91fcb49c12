mod completion;
mod stale;
mod young;

use super::order;
use crate::identity::REVISION_LABEL;
use crate::plan::{Step, WhyDelete};
use crate::revisions;
use crate::scene::{Goal, Mode, Scene};
use crate::spec::{MaxUnavailable, PodManagement, UpdateStrategy};
use crate::status::Ordinals;
use crate::testing::{now, pod, world};
use crate::world::{Face, PodPhase, World};

/// How a pod stands: `o` old, `n` new; upper case serves, lower case does not, `t` terminating and old, `T` terminating and new, `.` missing.
fn given(pods: &str, policy: PodManagement, partition: u32, budget: u32) -> World {
    let mut world = world(u32::try_from(pods.len()).unwrap());
    let update = world.revisions[0].name.clone();
    world.app.spec.pod_management = policy;
    world.app.spec.update = UpdateStrategy::RollingUpdate {
        partition,
        max_unavailable: Some(MaxUnavailable::Count(budget)),
    };
    world.recorded.current_revision = "web-old".to_owned();
    for (ordinal, letter) in (0..).zip(pods.chars()) {
        let revision = match letter {
            '.' => continue,
            'n' | 'N' | 'T' => update.as_str(),
            _ => "web-old",
        };
        let mut pod = pod(&world.app, ordinal, revision);
        match letter {
            'o' | 'n' => pod.ready_since = None,
            't' | 'T' => pod.deletion = Some(now()),
            _ => {}
        }
        world.pods.push(pod);
    }
    world
}

fn deleted(world: &World) -> Vec<u32> {
    let plan = crate::plan(world, now());
    let mut deleted: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::DeletePod {
                ordinal,
                why: WhyDelete::Outdated,
                ..
            } => Some(*ordinal),
            _ => None,
        })
        .collect();
    deleted.sort_unstable();
    deleted
}

/// Upstream's table of its issue 137409 (item 106) and its neighbours.
#[test]
fn parallel_takes_the_broken_first_and_keeps_the_budget() {
    for (pods, partition, budget, expected) in [
        ("ooOOO", 0, 3, vec![0, 1, 4]),
        ("ooOO", 0, 2, vec![0, 1]),
        ("OoOO", 2, 1, vec![]),
        ("OOOOt", 0, 1, vec![]),
        ("OOOot", 0, 3, vec![2, 3]),
        ("OOOOO", 0, 1, vec![4]),
        ("OOOOO", 0, 2, vec![3, 4]),
        ("OOOOO", 3, 5, vec![3, 4]),
        ("OOOOn", 0, 1, vec![]),
        ("OOoOn", 0, 1, vec![2]),
        ("OOOO.", 0, 1, vec![]),
        ("NNNNN", 0, 5, vec![]),
    ] {
        let world = given(pods, PodManagement::Parallel, partition, budget);
        assert_eq!(deleted(&world), expected, "{pods} {partition} {budget}");
    }
}

#[test]
fn ordered_takes_from_the_top_when_all_serve() {
    for (pods, partition, budget, expected) in [
        ("OOO", 0, 1, vec![2]),
        ("OOO", 0, 2, vec![1, 2]),
        ("OON", 0, 1, vec![1]),
        ("OON", 2, 1, vec![]),
        ("OOO", 2, 3, vec![2]),
        ("OOO", 3, 3, vec![]),
        ("OOn", 0, 3, vec![]),
        ("oON", 0, 3, vec![]),
        ("OOT", 0, 3, vec![]),
        ("OO.", 0, 3, vec![]),
    ] {
        let world = given(pods, PodManagement::OrderedReady, partition, budget);
        assert_eq!(deleted(&world), expected, "{pods} {partition} {budget}");
    }
}

#[test]
fn a_pod_that_ended_is_replaced_and_not_counted_twice() {
    let mut world = given("OOO", PodManagement::Parallel, 0, 3);
    world.pods[1].phase = PodPhase::Failed;
    // That it ended is counted first.
    world.recorded = crate::plan(&world, now()).status.into();
    let uids: Vec<_> = crate::plan(&world, now())
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::DeletePod { uid, .. } => Some(uid.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(uids.len(), 3, "{uids:?}");
}

#[test]
fn holders_go_when_nobody_else_is_left() {
    let mut world = given("OOO", PodManagement::OrderedReady, 0, 3);
    world.recorded.roles = vec![crate::status::RoleStatus {
        holder: Some(crate::status::Holder {
            ordinal: 2,
            pod: "uid-2".to_owned(),
        }),
        epoch: 1,
        ..crate::status::RoleStatus::unclaimed("primary")
    }];
    let turn = |world: &World| {
        let goal = Goal {
            ordinals: Ordinals {
                reserved: Default::default(),
                replicas: 3,
                start: 0,
            },
            mode: Mode::Full,
        };
        let pods = crate::adoption::claim(world, &mut crate::draft::Draft::of(world));
        let revisions = revisions::of_template(world);
        let scene = Scene::arrange(world, now(), goal, pods, revisions);
        order::next(&scene, &mut crate::draft::Draft::of(world))
            .iter()
            .map(|member| member.ordinal)
            .collect::<Vec<_>>()
    };
    assert_eq!(turn(&world), [1, 0]);
    let update = world.revisions[0].name.clone();
    for pod in &mut world.pods[..2] {
        pod.labels.insert(REVISION_LABEL, update.clone());
    }
    assert_eq!(turn(&world), [2]);
}

#[test]
fn the_plugins_order_is_followed_when_it_is_one() {
    use crate::world::UpdateOrder;
    let mut world = crate::testing::served(3, &["update-order"]);
    world.app.spec.template["spec"]["containers"][0]["image"] = "web:v2".into();
    for step in crate::plan(&world, now()).steps {
        if let Step::CreateRevision { body, .. } = step {
            world.revisions.push(crate::testing::revision(&body));
        }
    }
    let asked = Step::Decide {
        question: crate::plan::Question::UpdateOrder,
    };
    assert!(crate::plan(&world, now()).steps.contains(&asked));
    for (said, first) in [
        (vec![1, 0, 2], "web-1 Outdated"),
        (vec![0, 0, 1], "web-2 Outdated"),
        (vec![0, 1], "web-2 Outdated"),
    ] {
        world.answers.update_order = Some(UpdateOrder::Ordinals { ordinals: said });
        assert_eq!(crate::testing::deletions(&world), [first]);
    }
}

/// A rollout by OrderedReady in which web-2 came up at a revision that never starts, and the template was changed again.
fn broken(face: Face) -> World {
    let mut world = given("OOo", PodManagement::OrderedReady, 0, 1);
    world.app.face = face;
    world.pods[2].was_ready = false;
    world.pods[2].phase = PodPhase::Pending;
    world.pods[2].labels.insert(REVISION_LABEL, "web-broken");
    world
}

/// Upstream's issue 67250.
#[test]
fn given_an_outdated_pod_that_never_was_ready_then_it_is_replaced_before_the_health_gate() {
    assert_eq!(deleted(&broken(Face::StatefulApp)), [2]);
    assert!(
        deleted(&broken(Face::StatefulSet)).is_empty(),
        "item 100: upstream waits for a human"
    );
    let mut served = broken(Face::StatefulApp);
    served.pods[2].was_ready = true;
    assert!(
        deleted(&served).is_empty(),
        "one that has served may come back"
    );
    let mut present = broken(Face::StatefulApp);
    let update = present.revisions[0].name.clone();
    present.pods[2].labels.insert(REVISION_LABEL, update);
    assert!(deleted(&present).is_empty(), "it is as it should be");
    let mut below = broken(Face::StatefulApp);
    below.pods[0].ready_since = None;
    assert!(
        deleted(&below).is_empty(),
        "a lower member that has served comes first"
    );
}

#[test]
fn given_two_that_never_were_ready_then_one_is_replaced_at_a_time() {
    let mut world = broken(Face::StatefulApp);
    world.pods[1].was_ready = false;
    world.pods[1].ready_since = None;
    assert_eq!(deleted(&world), [1]);
}

#[test]
fn while_it_is_paused_nothing_is_updated_and_lost_pods_come_back_as_they_were() {
    for policy in [PodManagement::OrderedReady, PodManagement::Parallel] {
        let mut world = given("OO.", policy, 0, 3);
        world.app.spec.paused = true;
        let mut old = world.revisions[0].clone();
        old.name = "web-old".to_owned();
        old.number = 0;
        old.data["spec"]["template"]["spec"]["containers"][0]["image"] = "web:v0".into();
        world.revisions.push(old);
        let plan = crate::plan(&world, now());
        assert!(deleted(&world).is_empty());
        let created: Vec<_> = plan
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::CreatePod {
                    ordinal, revision, ..
                } => Some((*ordinal, revision.as_str())),
                _ => None,
            })
            .collect();
        assert_eq!(created, [(2, "web-old")]);
        assert!(
            plan.status
                .waiting
                .iter()
                .any(|wait| wait.reason == "Paused")
                || policy == PodManagement::OrderedReady,
            "{:#?}",
            plan.status.waiting
        );
    }
}

/// The strategy has a type and no block; as many pods as `counted` are on record as of the old revision.
fn of_bare_type(pods: &str, face: Face, counted: u32) -> World {
    let mut world = given(pods, PodManagement::OrderedReady, 0, 1);
    world.app.face = face;
    world.app.spec.has_bare_type = true;
    world.recorded.current_replicas = counted;
    let mut old = world.revisions[0].clone();
    old.name = "web-old".to_owned();
    old.number = 0;
    old.data["spec"]["template"]["spec"]["containers"][0]["image"] = "web:v0".into();
    world.revisions.push(old);
    world
}

/// Item 129: a type without its block.
#[test]
fn a_lost_pod_of_a_bare_type_comes_back_by_the_count_in_a_statefulset_only() {
    let revision_of = |face: Face| {
        let world = of_bare_type(".ONN", face, 2);
        let plan = crate::plan(&world, now());
        plan.steps.iter().find_map(|step| match step {
            Step::CreatePod { revision, .. } => Some(revision.clone()),
            _ => None,
        })
    };
    assert_eq!(revision_of(Face::StatefulSet).as_deref(), Some("web-old"));
    assert_ne!(revision_of(Face::StatefulApp).as_deref(), Some("web-old"));
}

/// Items 108 and 129: otherwise the successor would be made from the revision that is being replaced, for as long as the count is the old one.
#[test]
fn a_replaced_pod_of_a_bare_type_leaves_the_count_before_it_goes() {
    let world = of_bare_type("ONN", Face::StatefulSet, 1);
    let plan = crate::plan(&world, now());
    assert_eq!(plan.status.current_replicas, 0);
    assert!(plan.status_is_urgent);
    assert!(
        (plan.steps.iter()).any(|step| matches!(step, Step::DeletePod { ordinal: 0, .. })),
        "{:#?}",
        plan.steps
    );
}
