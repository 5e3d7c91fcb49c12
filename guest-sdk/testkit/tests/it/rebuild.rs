//! Requests of a plugin: a member whose volumes are discarded, one whose pod is replaced, one that is not to be started.

use stateward_sdk::prelude::*;
use stateward_testkit::{Cluster, Kind, Scenario, Settled};

use crate::stores::{self, Stores, Volume};

/// A plugin that rebuilds, replaces and puts aside as it is asked.
struct Rebuilder;

#[plugin]
impl Rebuilder {
    fn manifest() -> Manifest {
        Manifest::new("store", "0.1.0")
            .tcp("admin", "fill members")
            .requests("replace a member")
            .discard_volumes("empty a member")
            .task("rebuild", "a member anew, from the others")
            .task("replace", "the pod of a member")
            .task("put-aside", "a member that must not serve")
    }

    fn post_ready(&self, joining: &Joining, host: &dyn Host) -> Step {
        stores::join(joining, host)
    }

    fn pre_delete(&self, leaving: &Leaving, host: &dyn Host) -> Step {
        stores::leave(leaving, host)
    }

    fn task(&self, task: &Task, host: &dyn Host) -> Step {
        let member = task.member.and_then(|ordinal| host.member(ordinal));
        let Some((member, pod)) = member.and_then(|member| Some((member.clone(), member.pod?)))
        else {
            return refuse("name a member that is there");
        };
        match task.name.as_str() {
            "rebuild" => {
                host.discard_volumes(member.ordinal, &member.claims(), &task.arguments)?;
                host.delete_pod(&pod, &task.arguments)?;
            }
            "replace" => host.delete_pod(&pod, &task.arguments)?,
            _ => {
                host.quarantine(member.ordinal, &task.arguments)?;
                host.delete_pod(&pod, &task.arguments)?;
            }
        }
        done()
    }
}

fn but_replaced() -> Vec<Kind> {
    let all = Kind::ALL.into_iter();
    all.filter(|kind| *kind != Kind::Replaced).collect()
}

fn stores() -> Cluster<Stores> {
    Cluster::new(Rebuilder, Stores::default())
}

/// Three members to which clients have written.
fn given(name: &str) -> Scenario<Stores> {
    Scenario::new(name, stores)
        .given("three are there", |store| store.scale(3))
        .given("clients have written", |store| {
            store.application_mut().write();
        })
        .always("the others keep what they have", |store| {
            for ordinal in [0, 2] {
                assert_ne!(store.application().volume(ordinal), Volume::Empty);
            }
        })
}

#[test]
fn given_a_task_of_a_user_when_it_discards_volumes_then_the_member_comes_back_empty_and_rejoins() {
    let report = given("a member is rebuilt")
        .when("a user asks for it", |store| {
            store.task("rebuild", Some(1), "its disk is broken");
        })
        .then("it was flushed, emptied, and has copied", |store| {
            assert_eq!(store.application().volume(1), Volume::Copied);
            assert!(store.application().prepared[&1] >= 1);
            assert!(
                store
                    .history()
                    .contains("the volume data of store-1 is gone")
            );
            assert_eq!(store.ended("rebuild").as_deref(), Some("Done"));
        })
        .explore();
    assert!(report.failing.is_empty(), "{report}");
    assert!(report.runs > 60, "{} runs", report.runs);
}

#[test]
fn given_a_pod_that_the_plugin_wants_replaced_then_it_is_prepared_and_keeps_its_volumes() {
    given("a pod is replaced")
        .when("a user asks for it", |store| {
            store.task("replace", Some(1), "it is stuck");
        })
        .then("it was flushed, and has what it had", |store| {
            assert_eq!(store.application().volume(1), Volume::Original);
            assert!(store.history().contains("pre-delete of store-1"));
        })
        .survives_every_fault();
}

#[test]
fn given_a_quarantined_member_then_it_is_not_started_until_a_user_releases_it() {
    given("a member is put aside")
        .when("a user asks for it", |store| {
            store.task("put-aside", Some(1), "its data diverged");
        })
        .waits("keeps this member from being started: its data diverged")
        .then("it is not there", |store| {
            assert!(!store.members()[1].is_there());
        })
        .when("a user releases it", |store| store.release(1))
        .then("it is back with what it had", |store| {
            assert_eq!(store.application().volume(1), Volume::Original);
        })
        // A pod that comes under the name of the one that was to go is left as it is.
        .faults(&but_replaced())
        .survives_every_fault();
}

#[test]
fn requests_need_their_grants() {
    for (task, grant) in [
        ("rebuild", "discardVolumes: true"),
        ("put-aside", "requests: true"),
    ] {
        let store = stores();
        store.edit_grants(|grants| {
            grants.requests = false;
            grants.discard_volumes = false;
        });
        assert!(store.settle().is_reached());
        store.task(task, Some(1), "");
        let Settled::Waiting(waits) = store.settle() else {
            panic!("{task} was allowed");
        };
        assert!(waits[0].contains(grant), "{waits:?}");
    }
}

#[test]
fn how_a_task_ends_is_told_and_what_nobody_can_ask_for_is_a_mistake() {
    let store = stores();
    assert!(store.settle().is_reached());
    store.task("rebuild", None, "");
    store.task("replace", Some(0), "");
    assert!(store.settle().is_reached());
    assert_eq!(store.ended("rebuild").as_deref(), Some("Refused"));
    assert_eq!(store.ended("replace").as_deref(), Some("Done"));
    assert_eq!(store.ended("put-aside"), None);

    for (task, member, words) in [
        ("tidy", None, "plugin store knows no task tidy"),
        ("replace", Some(7), "store has no member 7"),
    ] {
        let report = Scenario::new("a wrong wish", stores)
            .when("a user asks", move |store| store.task(task, member, ""))
            .explore();
        assert_eq!(report.failing.len(), 1);
        assert!(report.failing[0].why.contains(words), "{report}");
    }
}

/// Waits in its task for what it has asked for.
struct Waiting;

#[plugin]
impl Waiting {
    fn manifest() -> Manifest {
        Manifest::new("store", "0.1.0")
            .tcp("admin", "flush members")
            .requests("replace a member")
            .task("replace", "the pod of a member")
    }

    fn pre_delete(&self, leaving: &Leaving, host: &dyn Host) -> Step {
        stores::leave(leaving, host)
    }

    fn task(&self, task: &Task, host: &dyn Host) -> Step {
        let noted: Option<String> = task.call.checkpoint()?;
        let member = task.member.and_then(|ordinal| host.member(ordinal));
        let Some(pod) = member.and_then(|member| member.pod) else {
            return again("it is away");
        };
        match noted {
            Some(old) if old != pod => done(),
            Some(old) => again("its pod goes").checkpoint(&old),
            None => {
                host.delete_pod(&pod, &task.arguments)?;
                again("its pod goes").checkpoint(&pod)
            }
        }
    }
}

#[test]
fn a_task_that_waits_for_its_own_request_keeps_the_lane_that_this_needs() {
    Scenario::new("a task in its own way", || {
        Cluster::new(Waiting, Stores::default())
    })
    .given("two are there", |store| store.scale(2))
    .when("a user asks for it", |store| {
        store.task("replace", Some(1), "it is stuck");
    })
    .waits("task/replace/1")
    .runs();
}
