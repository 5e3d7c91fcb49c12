//! Deliberately wrong plugins: each kind of fault finds the one that cannot stand it.

use std::collections::BTreeSet;

use stateward_sdk::Stateless;
use stateward_sdk::prelude::*;
use stateward_testkit::{Application, Cluster, Kind, Pod, Report, Scenario};

/// Members that count what they are told; the count must be one for each, whatever happens.
#[derive(Default)]
struct Tally(std::collections::BTreeMap<u32, u32>);

impl Application for Tally {
    fn ask(&mut self, pod: &Pod, words: &[&str]) -> Result<String, String> {
        let count = self.0.entry(pod.ordinal).or_default();
        match words {
            ["add"] => {
                *count += 1;
                Ok("added".to_owned())
            }
            ["count"] => Ok(count.to_string()),
            _ => Err("unknown".to_owned()),
        }
    }

    fn summary(&self, _running: &[u32]) -> String {
        format!("{:?}", self.0)
    }
}

fn manifest() -> Manifest {
    Manifest::new("tally", "0.1.0")
        .tcp("admin", "tell")
        .state("remember")
}

fn tell(host: &dyn Host, member: &Member, words: &str) -> Result<String, Failure> {
    let pod = member.pod.as_deref().ok_or(Failure::Replaced)?;
    let mut admin = host.connect_one(pod, "admin", secs(1))?;
    admin.write(format!("{words}\n").as_bytes(), secs(1))?;
    let answer = admin.read(64, secs(1))?;
    Ok(String::from_utf8_lossy(&answer).trim().to_owned())
}

/// Adds without looking.
struct Blind;

#[plugin]
impl Blind {
    fn manifest() -> Manifest {
        manifest()
    }

    fn post_ready(&self, joining: &Joining, host: &dyn Host) -> Step {
        tell(host, joining, "add")?;
        done()
    }
}

/// Looks before it adds.
struct Careful;

#[plugin]
impl Careful {
    fn manifest() -> Manifest {
        manifest()
    }

    fn post_ready(&self, joining: &Joining, host: &dyn Host) -> Step {
        if tell(host, joining, "count")? == "0" {
            tell(host, joining, "add")?;
        }
        done()
    }
}

/// Notes that it will add before it adds, and never looks whether it did.
struct Forgetful;

#[plugin]
impl Forgetful {
    fn manifest() -> Manifest {
        manifest()
    }

    fn post_ready(&self, joining: &Joining, host: &dyn Host) -> Step {
        let key = format!("added-{}", joining.ordinal);
        if host.state_get(&key).is_some() {
            return done();
        }
        host.state_put(&key, b"yes", 0)?;
        tell(host, joining, "add")?;
        done()
    }
}

/// Lets a failed exchange pass for done.
struct Careless;

#[plugin]
impl Careless {
    fn manifest() -> Manifest {
        manifest()
    }

    fn post_ready(&self, joining: &Joining, host: &dyn Host) -> Step {
        if tell(host, joining, "count").is_ok_and(|count| count == "0") {
            tell(host, joining, "add").ok();
        }
        done()
    }
}

/// Believes that the members are those of its snapshot.
struct Trusting;

#[plugin]
impl Trusting {
    fn manifest() -> Manifest {
        manifest()
    }

    fn post_ready(&self, joining: &Joining, host: &dyn Host) -> Step {
        for other in host.members() {
            if other.is_there() && tell(host, &other, "count") == Err(Failure::Replaced) {
                return Err(Fault::Fatal("a member is not what it was".to_owned()));
            }
        }
        if tell(host, joining, "count")? == "0" {
            tell(host, joining, "add")?;
        }
        done()
    }
}

/// Gives up when a pod is not the one that it was.
struct Strict;

#[plugin]
impl Strict {
    fn manifest() -> Manifest {
        manifest()
    }

    fn post_ready(&self, joining: &Joining, host: &dyn Host) -> Step {
        match tell(host, joining, "count") {
            Ok(count) if count == "0" => drop(tell(host, joining, "add")?),
            Ok(_) => {}
            Err(Failure::Replaced) => panic!("where is it?"),
            Err(failure) => return Err(failure.into()),
        }
        done()
    }
}

fn not_survived<P: Stateless + 'static>(_: P) -> BTreeSet<Kind> {
    let report = Scenario::new("two members", move || {
        Cluster::new(P::new(), Tally::default())
    })
    .when("two are wanted", |tally| tally.scale(2))
    .explore();
    kinds(&report)
}

fn kinds(report: &Report) -> BTreeSet<Kind> {
    if let Some(shortest) = report.failing.first() {
        let told = report.to_string();
        assert!(told.contains("post-ready of tally-0, call 1"), "{told}");
        assert!(
            report
                .failing
                .iter()
                .all(|other| other.history.len() >= 100)
        );
        assert!(!shortest.why.is_empty());
    }
    report.kinds()
}

#[test]
fn a_plugin_that_looks_first_survives_all() {
    assert_eq!(not_survived(Careful), BTreeSet::new());
}

#[test]
fn a_plugin_that_does_not_look_does_it_twice() {
    let kinds = not_survived(Blind);
    let twice = [
        Kind::CrashAfterEffect,
        Kind::CrashBeforeAnswer,
        Kind::Duplicate,
        Kind::LostAfterEffect,
        Kind::Timeout,
    ];
    assert!(kinds.is_superset(&BTreeSet::from(twice)), "{kinds:?}");
}

#[test]
fn a_plugin_that_notes_before_it_acts_does_it_never() {
    let kinds = not_survived(Forgetful);
    let never = [Kind::CrashBeforeEffect, Kind::LostBeforeEffect];
    assert!(kinds.is_superset(&BTreeSet::from(never)), "{kinds:?}");
}

#[test]
fn a_plugin_that_swallows_failures_does_it_never() {
    let kinds = not_survived(Careless);
    assert!(kinds.contains(&Kind::LostBeforeEffect), "{kinds:?}");
}

#[test]
fn a_plugin_that_trusts_its_snapshot_is_found() {
    let report = Scenario::new("two members that die", || {
        Cluster::new(Trusting, Tally::default())
    })
    .when("two are wanted", |tally| tally.scale(2))
    .when("both die", |tally| {
        tally.kill(0);
        tally.kill(1);
    })
    .explore();
    let kinds = kinds(&report);
    assert!(kinds.contains(&Kind::StaleSnapshot), "{kinds:?}");
}

#[test]
fn a_plugin_that_panics_when_a_pod_is_another_is_found() {
    assert_eq!(not_survived(Strict), BTreeSet::from([Kind::Replaced]));
}
