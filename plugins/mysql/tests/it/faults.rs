//! Whole stretches of an app's life under the real planner, once without a fault and then with each fault at each point: the host dies, a call is made
//! twice, a snapshot is old, a connection is lost before and after a statement, an answer does not come in time, a pod is replaced under its name.

use std::collections::BTreeMap;

use stateward_plugin_mysql::Mysql;
use stateward_sdk::Failure;
use stateward_testkit::{Accepted, Application, Cluster, Kind, Pod, Scenario};

use crate::simulation::wire::Session;
use crate::simulation::{REPLICATION_PASSWORD, ROOT_PASSWORD, Server, Simulation};

const PRIMARY: &str = "primary";

/// Servers in pods, their data on volumes.
#[derive(Default)]
struct Database {
    simulation: Simulation,
    /// Of servers that do not run.
    volumes: BTreeMap<u32, Server>,
    /// Of servers that run.
    addresses: BTreeMap<u32, String>,
    /// Transactions that clients were told are safe.
    acknowledged: usize,
    /// So often a member still refuses connections.
    refusals: BTreeMap<u32, u32>,
}

impl Database {
    /// A client writes to whoever is open.
    fn write(&mut self, count: usize) {
        let open = self.open();
        let [ordinal] = open.as_slice() else {
            panic!("open for writes: {open:?}");
        };
        let address = &self.addresses[ordinal];
        self.simulation.write_at(address, count);
        self.acknowledged += count;
    }

    /// Members that take writes.
    fn open(&self) -> Vec<u32> {
        let running = self.addresses.iter();
        let open = running.filter(|(_, address)| !self.simulation.at(address).is_read_only);
        open.map(|(ordinal, _)| *ordinal).collect()
    }

    /// Whether this server is where it belongs: open, or following whoever is.
    fn told(&self, address: &str) -> String {
        let server = self.simulation.at(address);
        let open = self.open();
        let primary = open.first().and_then(|ordinal| self.addresses.get(ordinal));
        let role = match (server.is_read_only, server.follows()) {
            (false, _) => "open",
            (true, Some(followed)) if Some(followed) == primary.map(String::as_str) => "following",
            (true, _) => "astray",
        };
        format!("{role} with {}", server.history.len())
    }
}

impl Application for Database {
    fn ask(&mut self, _: &Pod, words: &[&str]) -> Result<String, String> {
        Err(format!("MariaDB does not understand {words:?}"))
    }

    fn boot(&mut self, pod: &Pod) {
        let id = pod.config["server-id"].parse().unwrap();
        let server = self.volumes.remove(&pod.ordinal).unwrap_or(Server {
            id,
            ..Server::default()
        });
        self.simulation.put(&pod.address, server);
        self.addresses.insert(pod.ordinal, pod.address.clone());
    }

    fn stop(&mut self, pod: &Pod) {
        let server = self.simulation.take(&pod.address);
        self.volumes.insert(pod.ordinal, server);
        self.addresses.remove(&pod.ordinal);
    }

    fn accept(&mut self, pod: &Pod, _port: &str) -> Result<Accepted, Failure> {
        if let Some(refusals) = self
            .refusals
            .get_mut(&pod.ordinal)
            .filter(|left| **left > 0)
        {
            *refusals -= 1;
            return Ok(Accepted::Refused);
        }
        let session = Session::with(self.simulation.clone(), pod.address.clone());
        Ok(Accepted::Session(Box::new(session)))
    }

    fn summary(&self, _running: &[u32]) -> String {
        let mut told: Vec<String> = self.addresses.values().map(|at| self.told(at)).collect();
        told.sort();
        told.join(", ")
    }
}

fn database() -> Cluster<Database> {
    let db = Cluster::new(Mysql, Database::default());
    db.set_secret("root", ROOT_PASSWORD);
    db.set_secret("replication", REPLICATION_PASSWORD);
    db
}

/// An app of so many members, whose primary has five transactions.
fn given(name: &str, members: u32) -> Scenario<Database> {
    Scenario::new(name, database)
        .given(format!("{members} are there"), move |db| db.scale(members))
        .given("clients have written", |db| db.application_mut().write(5))
        .always("at most one takes writes", |db| {
            let open = db.application().open();
            assert!(open.len() <= 1, "{open:?}");
        })
        .always("nothing that was acknowledged is lost", |db| {
            let database = db.application();
            for ordinal in database.open() {
                let server = database.simulation.at(&database.addresses[&ordinal]);
                assert!(server.history.len() >= database.acknowledged);
            }
        })
}

fn survives(scenario: &Scenario<Database>, at_least: usize) {
    let report = scenario.explore();
    assert!(report.failing.is_empty(), "{report}");
    assert!(report.runs >= at_least, "{} runs", report.runs);
}

#[test]
fn three_become_five_though_a_join_fails() {
    let scenario = given("3 to 5 with a failing join", 3)
        .when(
            "five are wanted, and the fourth refuses connections",
            |db| {
                db.application_mut().refusals.insert(3, 2);
                db.scale(5);
            },
        )
        .then("all follow the primary", |db| {
            assert_eq!(db.application().open(), [0]);
            db.application_mut().write(1);
        });
    survives(&scenario, 200);
}

#[test]
fn an_update_moves_the_primary_and_replaces_everybody() {
    let scenario = given("an update", 3)
        .when("a new image is wanted", Cluster::update)
        .then("somebody takes writes", |db| db.application_mut().write(1));
    survives(&scenario, 200);
}

#[test]
fn a_switchover_loses_no_write() {
    let scenario = given("a switchover", 3)
        .when("the role is to move", |db| db.switch_over(PRIMARY, Some(2)))
        .then("whoever is recorded takes writes", |db| {
            // A plugin may refuse a switchover while something is wrong: that is its end, and the old primary goes on.
            let open = db.application().open();
            assert_eq!(db.holder(PRIMARY), open.first().copied());
            db.application_mut().write(1);
        });
    survives(&scenario, 100);
}

#[test]
fn a_dead_leader_is_the_primary_again_when_it_is_back() {
    let scenario = given("a dead leader", 3)
        .when("the primary dies", |db| db.kill(0))
        .then("it takes writes again", |db| {
            assert_eq!(db.holder(PRIMARY), Some(0));
            assert_eq!(db.application().open(), [0]);
            db.application_mut().write(1);
        });
    survives(&scenario, 100);
}

#[test]
fn four_become_two_and_the_primary_stays() {
    let scenario = given("a scale-in", 4)
        .given("the last is the primary", |db| {
            db.switch_over(PRIMARY, Some(3))
        })
        .when("two are wanted", |db| db.scale(2))
        .then("one that stays takes writes", |db| {
            assert!(db.holder(PRIMARY).unwrap() < 2);
            db.application_mut().write(1);
        });
    // A primary that dies while it leaves is asked back by a user (`a_primary_that_was_scaled_away_is_asked_back`): there is no failover.
    let others = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Replaced);
    let scenario = scenario.faults(&others.collect::<Vec<_>>());
    survives(&scenario, 100);
}

#[test]
fn a_teardown_ends_every_member_and_keeps_what_was_written() {
    let scenario = given("a teardown", 3)
        .when("the app is deleted", Cluster::delete)
        .then("nobody runs, and the data stands on the volumes", |db| {
            let database = db.application();
            assert!(database.addresses.is_empty());
            assert!(
                database
                    .volumes
                    .values()
                    .any(|server| server.history.len() == 5)
            );
        });
    survives(&scenario, 20);
}
