//! Upstream's TestStatefulSetControlRollingUpdateWithMaxUnavailableAndUnavailableStalePod, row by row (its issue 137409): all pods are old, and some of them
//! are away.
//!
//! Upstream plays its table behind the ascending pass of OrderedReady; here the whole plan is asked. That pass stops at a pod that is away, so with
//! OrderedReady nothing goes in any row.

use super::{deleted, given};
use crate::spec::PodManagement::{self, OrderedReady, Parallel};
use crate::testing::now;
use crate::world::{Face, World};

/// Pods, partition, budget, who goes.
type Row<'a> = (&'a str, u32, u32, &'a [u32]);

fn play(policy: PodManagement, rows: &[Row<'_>]) {
    for (pods, partition, budget, expected) in rows {
        for face in [Face::StatefulSet, Face::StatefulApp] {
            let mut world = given(pods, policy, *partition, *budget);
            world.app.face = face;
            let told = format!("{face:?} {policy:?} {pods}, partition {partition}, {budget}");
            assert_eq!(deleted(&world), *expected, "{told}");
        }
    }
}

#[test]
fn an_old_pod_that_is_away_goes_whatever_the_budget_with_parallel() {
    play(
        Parallel,
        &[
            ("o", 0, 1, &[0]),
            ("OOo", 0, 1, &[2]),
            ("OOOoo", 0, 2, &[3, 4]),
            ("OOt", 0, 1, &[]),
            ("OOOot", 0, 3, &[2, 3]),
            ("OOOto", 0, 3, &[2, 4]),
            ("OOOOo", 2, 1, &[4]),
            ("OOoOO", 2, 1, &[2]),
            ("OoOOO", 2, 1, &[]),
            ("OOOoo", 3, 2, &[3, 4]),
            ("OoOOo", 3, 2, &[4]),
            ("ooOO", 0, 2, &[0, 1]),
            ("ooOOO", 0, 3, &[0, 1, 4]),
        ],
    );
}

#[test]
fn an_old_pod_that_is_away_is_waited_for_with_ordered() {
    play(
        OrderedReady,
        &[
            ("o", 0, 1, &[]),
            ("OOo", 0, 1, &[]),
            ("OOOOo", 0, 2, &[]),
            ("OOt", 0, 1, &[]),
            ("OOOot", 0, 3, &[]),
            ("OOOto", 0, 3, &[]),
            ("OOOOo", 2, 1, &[]),
        ],
    );
}

/// Ready, and for less than minReadySeconds.
#[test]
fn an_old_pod_that_is_ready_for_too_short_is_away() {
    let young = |policy| -> World {
        let mut world = given("OOO", policy, 0, 1);
        world.app.spec.min_ready_seconds = 30;
        world.pods[2].ready_since = Some(now());
        world
    };
    assert_eq!(deleted(&young(Parallel)), [2]);
    assert!(deleted(&young(OrderedReady)).is_empty());
}
