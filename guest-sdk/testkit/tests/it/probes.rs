//! What probes begin: tasks that they want, and failovers.

use stateward_sdk::prelude::*;
use stateward_testkit::{Cluster, Scenario};

use crate::stores::{self, Stores};

const ROLE: &str = "primary";

/// Members that are flushed want to be resumed; the first that joins is the primary.
struct Watchful;

#[plugin]
impl Watchful {
    fn manifest() -> Manifest {
        Manifest::new("store", "0.1.0")
            .tcp("admin", "look after members")
            .requests("say who is the primary")
            .role(Role::exclusive(ROLE).movable())
            .task("resume", "a member that is flushed")
    }

    fn probe(&self, _: &App, member: &Member, reach: &dyn Reach) -> Result<Report, Fault> {
        let report = Report::healthy();
        Ok(match stores::ask(reach, member, "flushed")?.as_str() {
            "yes" => report.wants("resume"),
            _ => report,
        })
    }

    fn post_ready(&self, joining: &Joining, host: &dyn Host) -> Step {
        let pod = joining.pod.as_deref().unwrap_or_default();
        match joining.app.claim(ROLE) {
            None => {
                host.claim_role(ROLE, pod, 0)?;
                again("becoming the first primary").after(secs(0))
            }
            Some(held) if held.ordinal == joining.ordinal && held.pod != pod => {
                host.claim_role(ROLE, pod, held.epoch)?;
                again("renewing the claim").after(secs(0))
            }
            Some(_) => done(),
        }
    }

    fn move_role(&self, moving: &Moving, host: &dyn Host) -> Step {
        let others = host.members().into_iter();
        let mut others = others.filter(|other| other.ordinal != moving.held.ordinal);
        match others.find_map(|other| other.pod) {
            Some(pod) => {
                host.claim_role(ROLE, &pod, moving.held.epoch)?;
                done()
            }
            None => refuse("no other member is there"),
        }
    }

    fn task(&self, task: &Task, host: &dyn Host) -> Step {
        let member = task.member.and_then(|ordinal| host.member(ordinal));
        match member.filter(Member::is_there) {
            Some(member) => {
                stores::ask(host, &member, "resume")?;
                done()
            }
            None => done(),
        }
    }
}

fn given(name: &str) -> Scenario<Stores> {
    Scenario::new(name, || Cluster::new(Watchful, Stores::default()))
        .given("two are there", |store| store.scale(2))
}

#[test]
fn given_a_probe_that_wants_a_task_then_it_runs() {
    given("a task that a probe wants")
        .when("somebody flushes the second", |store| {
            store.application_mut().flushed.insert(1);
            store.pass(secs(10));
        })
        .then("it is resumed", |store| {
            assert!(store.application().flushed.is_empty());
        })
        .survives_every_fault();
}

#[test]
fn given_a_holder_that_probes_find_unwell_for_its_grace_then_the_role_moves() {
    given("a failover")
        .then("the first is the primary", |store| {
            assert_eq!(store.holder(ROLE), Some(0));
        })
        .when("it answers nobody any more", |store| {
            store.cut_off(0, true);
            store.pass(secs(10));
        })
        .then("the second is", |store| {
            assert_eq!(store.holder(ROLE), Some(1));
        })
        .survives_every_fault();
}
