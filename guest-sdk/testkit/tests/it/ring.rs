//! A right plugin: a ring whose members join when they are asked, and hand their data over before they leave.

use stateward_sdk::prelude::*;
use stateward_testkit::applications::{self, State};
use stateward_testkit::{Cluster, Scenario};

pub(crate) struct Ring;

#[plugin]
impl Ring {
    fn manifest() -> Manifest {
        Manifest::new("ring", "0.1.0").http(
            "admin",
            ["GET", "POST"],
            ["/*"],
            "bring members in and out",
        )
    }

    fn post_ready(&self, joining: &Joining, host: &dyn Host) -> Step {
        let admin = host.http(joining, "admin");
        if admin.get("/state")?.text()? != "NEW" {
            return done();
        }
        admin.post("/join")?;
        again("joining").after(secs(1))
    }

    fn pre_delete(&self, leaving: &Leaving, host: &dyn Host) -> Step {
        if !leaving.for_good() {
            return done();
        }
        let admin = host.http(leaving, "admin");
        match admin.get("/state")?.text()? {
            "LEFT" => return done(),
            "LEAVING" => {}
            _ => drop(admin.post("/leave")?),
        }
        again("handing its data over").after(secs(5))
    }
}

pub(crate) fn ring() -> Cluster<applications::Ring> {
    Cluster::new(Ring, applications::Ring::new().joins_when_asked())
}

#[test]
fn a_right_plugin_survives_every_fault() {
    let report = Scenario::new("3 to 5 with a failing join, an update, and down to 2", ring)
        .when("three are wanted", |ring| ring.scale(3))
        .when("five are wanted, and two joins fail", |ring| {
            ring.application_mut().fail_joins(2);
            ring.scale(5);
        })
        .then("all are in", |ring| {
            assert!((0..5).all(|n| ring.application().state(n) == Some(State::Normal)));
        })
        .when("a new image is wanted", Cluster::update)
        .when("two are wanted", |ring| ring.scale(2))
        .always("no data is lost", |ring| {
            assert_eq!(ring.application().data(), 60);
        })
        .explore();
    assert!(report.failing.is_empty(), "{report}");
    assert!(report.runs > 300, "{} runs", report.runs);
}

#[test]
fn a_member_that_dies_while_it_leaves_takes_nothing_with_it() {
    Scenario::new("a leaving member dies", ring)
        .when("three are wanted", |ring| ring.scale(3))
        .when("one less is wanted, and another one dies", |ring| {
            ring.scale(2);
            ring.kill(0);
        })
        .then("no data is lost", |ring| {
            assert_eq!(ring.application().data(), 60);
        })
        .survives_every_fault();
}

#[test]
fn a_member_that_is_slow_or_cut_off_is_waited_for_and_then_goes_on() {
    Scenario::new("trouble with a leaving member", ring)
        .when("three are wanted", |ring| ring.scale(3))
        .when("two are wanted, and the third does not answer", |ring| {
            ring.cut_off(2, true);
            ring.scale(2);
        })
        .waits("no answer in time")
        .when("it answers again, slowly", |ring| {
            ring.cut_off(2, false);
            ring.slow_down(2, secs(3));
        })
        .then("no data is lost", |ring| {
            assert_eq!(ring.application().data(), 60);
        })
        .runs();
}
