//! The simulated host is as strict as the real one.

use stateward_sdk::prelude::*;
use stateward_testkit::{Application, Cluster, Pod, Scenario, Settled, applications};

use crate::ring::ring;

#[test]
fn what_is_not_granted_is_denied_and_the_wait_names_the_grant() {
    let ring = ring();
    ring.edit_grants(|grants| grants.http.clear());
    ring.scale(1);
    let Settled::Waiting(waits) = ring.settle() else {
        panic!("it was allowed");
    };
    assert!(waits[0].contains("needs the grant http"), "{waits:?}");
    assert!(ring.history().contains("denied:"), "{}", ring.history());
}

struct Sized;

#[plugin]
impl Sized {
    fn manifest() -> Manifest {
        Manifest::new("sized", "0.1.0")
    }

    fn validate(&self, _: Option<&App>, new: &App, _: &dyn View) -> Vec<Finding> {
        match new.target {
            0..=3 => Vec::new(),
            _ => vec![Finding::error("replicas", "three are enough")],
        }
    }

    fn member_config(
        &self,
        _: &App,
        member: &Member,
        _: &dyn View,
    ) -> std::collections::BTreeMap<String, String> {
        [("id".to_owned(), (100 + member.ordinal).to_string())].into()
    }

    fn probe(&self, _: &App, member: &Member, _: &dyn Reach) -> Result<Report, Fault> {
        Ok(Report::healthy().role(format!("number {}", member.ordinal)))
    }
}

#[derive(Default)]
struct Ids(std::collections::BTreeMap<u32, String>);

impl Application for Ids {
    fn ask(&mut self, _: &Pod, _: &[&str]) -> Result<String, String> {
        Err("it does not listen".to_owned())
    }

    fn boot(&mut self, pod: &Pod) {
        self.0.insert(pod.ordinal, pod.config["id"].clone());
    }
}

#[test]
fn hooks_that_only_look_are_asked_as_in_a_cluster() {
    let app = Cluster::new(Sized, Ids::default());
    assert!(app.settle().is_reached());
    assert_eq!(app.application().0[&2], "102");
    let seen = app.members()[1].last.clone().unwrap();
    assert_eq!(seen.role.as_deref(), Some("number 1"));

    app.scale(4);
    let Settled::Waiting(waits) = app.settle() else {
        panic!("a refused spec was carried out");
    };
    assert!(waits[0].contains("three are enough"), "{waits:?}");
    assert_eq!(app.members().len(), 4, "the fourth is wanted, and absent");
    assert!(!app.members()[3].is_there());
}

#[test]
fn a_scenario_that_fails_without_a_fault_says_so() {
    let report = Scenario::new("it cannot be", ring)
        .when("one is wanted", |ring| ring.scale(1))
        .then("there are two", |ring| assert_eq!(ring.members().len(), 2))
        .explore();
    assert_eq!((report.runs, report.failing.len()), (1, 1));
    assert_eq!(report.failing[0].kind, None);
    assert!(report.to_string().contains("there are two"), "{report}");
}

#[test]
fn a_ring_that_needs_no_joining_is_there_at_once() {
    let ring = applications::Ring::new();
    assert_eq!((ring.data(), ring.state(0)), (0, None));
}

#[test]
fn no_fault_strikes_before_what_is_tested() {
    let second = |ring: &Cluster<applications::Ring>| ring.scale(2);
    let whole = Scenario::new("two", ring)
        .when("one is wanted", |ring| ring.scale(1))
        .when("two are wanted", second)
        .explore();
    let later = Scenario::new("the second", ring)
        .given("one is there", |ring| ring.scale(1))
        .when("two are wanted", second)
        .explore();
    assert!(whole.failing.is_empty() && later.failing.is_empty());
    assert!(1 < later.runs && later.runs < whole.runs);
}
