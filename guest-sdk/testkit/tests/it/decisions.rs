//! Deadlines, and what users decide about invocations.

use std::cell::Cell;
use std::rc::Rc;

use stateward_sdk::prelude::*;
use stateward_sdk::{Hook, Plugin};
use stateward_testkit::{Cluster, DeadlinePolicy, Kind, Scenario, Verb};

use crate::stores::{self, Stores};

/// Lets no member go; what was begun it undoes.
struct Holding;

#[plugin]
impl Holding {
    fn manifest() -> Manifest {
        Manifest::new("store", "0.1.0").tcp("admin", "flush members")
    }

    fn pre_delete(&self, leaving: &Leaving, host: &dyn Host) -> Step {
        if leaving.call.cancelling {
            return stores::leave(leaving, host);
        }
        stores::ask(host, leaving, "flush")?;
        let now_ms = leaving.app.now_ms;
        let why = match leaving.call.deadline_ms {
            None => "it still holds keys",
            Some(end) if end > now_ms => "it has time",
            Some(_) => "its time is over",
        };
        again(why).after(secs(200))
    }
}

/// A pod that is replaced under its name is another purpose: nobody has decided about that.
fn but_replaced() -> Vec<Kind> {
    let all = Kind::ALL.into_iter();
    all.filter(|kind| *kind != Kind::Replaced).collect()
}

fn given(name: &str) -> Scenario<Stores> {
    Scenario::new(name, || Cluster::new(Holding, Stores::default()))
        .given("two are there", |store| store.scale(2))
}

fn outdated(store: &Cluster<Stores>) -> usize {
    let wanted = store.app().update_revision;
    let members = store.members().into_iter();
    members.filter(|member| member.revision != wanted).count()
}

#[test]
fn given_a_deadline_that_proceeds_then_the_update_goes_on_when_it_is_over() {
    given("an update that takes too long")
        .given("members have 10 minutes to go", |store| {
            store.deadline(Hook::PreDelete, secs(600), DeadlinePolicy::Proceed);
        })
        .when("a new image is wanted", Cluster::update)
        .then("all are of the new revision", |store| {
            assert_eq!(outdated(store), 0);
            assert!(store.history().contains("it has time"));
        })
        .survives_every_fault();
}

#[test]
fn given_a_deadline_that_proceeds_then_it_lets_nobody_leave_for_good() {
    given("a scale-in that takes too long")
        .given("members have a minute to go", |store| {
            store.deadline(Hook::PreDelete, secs(60), DeadlinePolicy::Proceed);
        })
        .when("one is wanted", |store| store.scale(1))
        .waits("its time is over")
        .then("both are there", |store| {
            assert_eq!(store.members().len(), 2);
        })
        .faults(&but_replaced())
        .survives_every_fault();
}

#[test]
fn given_a_deadline_that_aborts_then_what_was_begun_is_undone() {
    given("an update that is given up")
        .given("members have a minute to go", |store| {
            store.deadline(Hook::PreDelete, secs(60), DeadlinePolicy::Abort);
        })
        .when("a new image is wanted", Cluster::update)
        .waits("was aborted")
        .then("none has gone, and none is flushed", |store| {
            assert_eq!(outdated(store), 2);
            assert!(store.application().flushed.is_empty());
        })
        .faults(&but_replaced())
        .survives_every_fault();
}

#[test]
fn given_a_member_that_may_not_go_when_a_user_skips_its_hook_then_it_goes() {
    given("a skip")
        .when("one is wanted", |store| store.scale(1))
        .waits("it still holds keys")
        .when("a user skips it", |store| {
            store.rule(Verb::Skip, Hook::PreDelete, Some(1));
        })
        .then("it is gone", |store| assert_eq!(store.members().len(), 1))
        .survives_every_fault();
}

/// Fails for good until somebody mends what it needs.
struct Broken(Rc<Cell<bool>>);

impl Plugin for Broken {
    fn on_describe(&self) -> Manifest {
        Manifest::new("store", "0.1.0")
    }

    fn hooks(&self) -> &[Hook] {
        &[Hook::PreScale]
    }

    fn on_pre_scale(&self, _: &Scaling, _: &dyn Host) -> Option<Step> {
        Some(match self.0.get() {
            true => done(),
            false => Err(Fault::Fatal("the disk is full".to_owned())),
        })
    }
}

#[test]
fn given_a_hook_that_failed_for_good_when_a_user_retries_it_then_it_is_called_again() {
    let is_well = Rc::new(Cell::new(true));
    let (broken, mended) = (is_well.clone(), is_well.clone());
    Scenario::new("a retry", move || {
        is_well.set(true);
        Cluster::new(Broken(is_well.clone()), Stores::default())
    })
    .given("one is there", |store| store.scale(1))
    .when("two are wanted, and the disk is full", move |store| {
        broken.set(false);
        store.scale(2);
    })
    .waits("the disk is full")
    .when("there is room, and a user says so", move |store| {
        mended.set(true);
        store.rule(Verb::Retry, Hook::PreScale, None);
    })
    .then("there are two", |store| {
        assert_eq!(store.members().len(), 2);
        assert!(store.members()[1].is_there());
    })
    .faults(&[Kind::CrashBeforeStep, Kind::CrashAfterStep])
    .survives_every_fault();
}

#[test]
fn given_an_update_in_progress_when_a_user_aborts_it_then_it_is_undone_and_waits_for_another_spec()
{
    given("an abort")
        .when("a new image is wanted", Cluster::update)
        .waits("it still holds keys")
        .when("a user aborts it", |store| {
            store.rule(Verb::Abort, Hook::PreDelete, None);
        })
        .waits("was aborted")
        .then("none has gone, and none is flushed", |store| {
            assert_eq!(outdated(store), 2);
            assert!(store.application().flushed.is_empty());
        })
        .when("another image is wanted", Cluster::update)
        .waits("it still holds keys")
        .faults(&but_replaced())
        .survives_every_fault();
}

#[test]
fn a_decision_about_what_is_not_there_is_a_mistake_of_the_scenario() {
    let report = given("a wrong decision")
        .when("a user skips what nobody asked", |store| {
            store.rule(Verb::Skip, Hook::PreDelete, Some(1));
        })
        .explore();
    assert_eq!(report.failing.len(), 1);
    let why = &report.failing[0].why;
    assert!(why.contains("skip pre-delete of store-1"), "{why}");
}
