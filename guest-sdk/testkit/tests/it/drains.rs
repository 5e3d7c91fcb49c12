//! Members that have to leave their nodes, and pods that somebody else deletes.

use stateward_sdk::prelude::*;
use stateward_testkit::{Cluster, Kind, Scenario};

use crate::stores::{self, Stores};

/// Flushes members before they go, for whatever reason.
struct Careful;

#[plugin]
impl Careful {
    fn manifest() -> Manifest {
        Manifest::new("store", "0.1.0").tcp("admin", "fill and flush members")
    }

    fn post_ready(&self, joining: &Joining, host: &dyn Host) -> Step {
        stores::join(joining, host)
    }

    fn pre_delete(&self, leaving: &Leaving, host: &dyn Host) -> Step {
        stores::leave(leaving, host)
    }
}

fn given(name: &str) -> Scenario<Stores> {
    Scenario::new(name, || Cluster::new(Careful, Stores::default()))
        .given("three are there", |store| store.scale(3))
        .then("each has a node", |store| {
            let nodes = store.members().into_iter().filter_map(|member| member.node);
            assert_eq!(nodes.collect::<Vec<_>>(), ["node-0", "node-1", "node-2"]);
        })
}

fn is_on_another(store: &Cluster<Stores>) {
    let nodes = store.members().into_iter().filter_map(|member| member.node);
    assert_eq!(nodes.collect::<Vec<_>>(), ["node-0", "node-3", "node-2"]);
}

/// It alone went, and was flushed before.
fn was_prepared(store: &Cluster<Stores>) {
    let prepared = store.application().prepared.clone();
    assert_eq!(prepared.into_iter().collect::<Vec<_>>(), [(1, 1)]);
}

#[test]
fn given_a_drained_node_then_its_member_is_prepared_and_evicted() {
    let drained = || {
        given("a drain")
            .when("the node of the second is drained", |store| store.drain(1))
            .then("the second is on another", is_on_another)
    };
    drained()
        .then("it was flushed before", was_prepared)
        .then("it was evicted", |store| {
            assert!(store.history().contains("store-1 is evicted"));
        })
        .runs();
    drained().survives_every_fault();
}

#[test]
fn given_a_node_that_is_only_cordoned_then_the_host_deletes_its_member_in_the_end() {
    let cordoned = || {
        given("a cordon")
            .when("the node of the second is cordoned", |store| {
                store.cordon(1);
            })
            .then("the second is on another", is_on_another)
            .then("nobody evicted it", |store| {
                assert!(!store.history().contains("is evicted"));
            })
    };
    cordoned()
        .then("it was flushed before", was_prepared)
        .runs();
    cordoned().survives_every_fault();
}

#[test]
fn given_two_drained_nodes_then_one_member_leaves_after_the_other() {
    given("two drains")
        .when("two nodes are drained", |store| {
            store.drain(0);
            store.drain(1);
        })
        .then("both are on others", |store| {
            let mut nodes = store.members().into_iter().filter_map(|member| member.node);
            assert!(nodes.all(|node| node != "node-0" && node != "node-1"));
        })
        .survives_every_fault();
}

/// Is never ready to let a member go.
struct Holding;

#[plugin]
impl Holding {
    fn manifest() -> Manifest {
        Manifest::new("store", "0.1.0").tcp("admin", "fill and flush members")
    }

    fn pre_delete(&self, leaving: &Leaving, host: &dyn Host) -> Step {
        if leaving.call.cancelling {
            return stores::leave(leaving, host);
        }
        stores::ask(host, leaving, "flush")?;
        again("its clients are still there").after(secs(5))
    }
}

#[test]
fn given_a_drain_that_is_given_up_then_what_was_begun_is_undone() {
    let held = || Cluster::new(Holding, Stores::default());
    Scenario::new("a drain that is given up", held)
        .given("two are there", |store| store.scale(2))
        .when("the node of the second is drained", |store| store.drain(1))
        .waits("its clients are still there")
        .then("it is flushed", |store| {
            assert!(store.application().flushed.contains(&1));
        })
        .when("the node is uncordoned", |store| store.uncordon(1))
        .then("it serves where it was", |store| {
            assert!(store.application().flushed.is_empty());
            assert_eq!(store.members()[1].node.as_deref(), Some("node-1"));
        })
        .faults(&[
            Kind::CrashBeforeAnswer,
            Kind::CrashAfterAnswer,
            Kind::CrashBeforeStep,
            Kind::CrashAfterStep,
            Kind::Duplicate,
            Kind::LostAfterEffect,
        ])
        .survives_every_fault();
}

#[test]
fn a_pod_that_somebody_else_deletes_is_prepared_while_its_grace_period_lasts() {
    given("a pod is deleted by hand")
        .when("somebody deletes the second", |store| store.delete_pod(1))
        .then("it was flushed", |store| {
            assert_eq!(store.application().prepared.get(&1), Some(&1));
        })
        .faults(&[Kind::CrashAfterAnswer, Kind::Duplicate])
        .survives_every_fault();
}
