//! Upstream's tests of minReadySeconds: pods that are ready for 10 of 30 seconds are not available yet.

use super::{deleted, given};
use crate::plan::Step;
use crate::spec::{PodManagement, UpdateStrategy};
use crate::testing::{NOW, now};
use crate::world::{Face, World};

/// Whether all pods have been ready for long enough is the only difference.
fn ready_for(seconds: i64, pods: &str, partition: u32) -> World {
    let mut world = given(pods, PodManagement::OrderedReady, partition, 1);
    world.app.face = Face::StatefulSet;
    world.app.spec.min_ready_seconds = 30;
    for pod in &mut world.pods {
        pod.ready_since = Some(jiff::Timestamp::from_second(NOW - seconds).unwrap());
    }
    world
}

fn available(world: &World) -> u32 {
    crate::plan(world, now()).status.available_replicas
}

#[test]
fn a_rollout_waits_until_pods_are_ready_for_long_enough() {
    for (pods, partition, first) in [("OO", 0, 1), ("OOOO", 2, 3)] {
        let young = ready_for(10, pods, partition);
        assert_eq!((available(&young), deleted(&young)), (0, vec![]));
        let old = ready_for(60, pods, partition);
        assert_eq!(deleted(&old), [first]);
    }
}

#[test]
fn scaling_in_waits_until_pods_are_ready_for_long_enough() {
    let is_leaving = |world: &World| {
        let steps = crate::plan(world, now()).steps;
        steps
            .iter()
            .any(|step| matches!(step, Step::DeletePod { .. }))
    };
    for (seconds, leaves) in [(10, false), (60, true)] {
        let mut world = ready_for(seconds, "NNN", 0);
        world.app.spec.replicas = 1;
        assert_eq!(is_leaving(&world), leaves, "ready for {seconds} s");
    }
}

#[test]
fn by_on_delete_the_revision_is_there_whatever_pods_are_ready_for() {
    let mut world = ready_for(10, "OO", 0);
    world.app.spec.update = UpdateStrategy::OnDelete;
    let status = crate::plan(&world, now()).status;
    assert_eq!(status.available_replicas, 0);
    assert_eq!(status.update_revision, world.revisions[0].name);
}

#[test]
fn without_min_ready_seconds_a_pod_is_available_at_once() {
    let mut world = ready_for(0, "NN", 0);
    assert_eq!(available(&world), 0);
    world.app.spec.min_ready_seconds = 0;
    assert_eq!(available(&world), 2);
}
