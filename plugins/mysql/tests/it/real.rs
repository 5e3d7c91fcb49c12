//! With real MariaDB servers: the plugin's life of an app, from its first member to its last.

use stateward_plugin_mysql::Mysql;
use stateward_sdk::prelude::*;
use stateward_sdk::testing::{Act, MockHost};

use crate::mariadb::{Mariadb, REPLICATION_PASSWORD, ROOT_PASSWORD};

const CALLS: u32 = 20;

/// An app whose members are real servers.
struct Cluster {
    host: MockHost,
    servers: Vec<Mariadb>,
}

impl Cluster {
    fn of(replicas: u32) -> Cluster {
        let host = MockHost::new(Mysql, "db", replicas);
        host.set_secret("root", ROOT_PASSWORD);
        host.set_secret("replication", REPLICATION_PASSWORD);
        Cluster {
            host,
            servers: Vec::new(),
        }
    }

    /// Its members came up one after another.
    fn joined(replicas: u32) -> Cluster {
        let mut cluster = Cluster::of(0);
        cluster.host.edit_app(|app| app.target = replicas);
        for ordinal in 0..replicas {
            cluster.boot(ordinal);
            assert_eq!(cluster.join(ordinal), done(), "db-{ordinal} joins");
        }
        cluster
    }

    fn boot(&mut self, ordinal: u32) {
        self.servers.push(Mariadb::boot(100 + ordinal));
        self.host.start(ordinal);
        self.connect(ordinal);
    }

    fn connect(&self, ordinal: u32) {
        let address = self.server(ordinal).socket_address();
        self.host.serve_at(ordinal, "mysql", address);
    }

    fn server(&self, ordinal: u32) -> &Mariadb {
        &self.servers[ordinal as usize]
    }

    fn join(&self, ordinal: u32) -> Step {
        let restarts = self.host.member_of(ordinal).unwrap().restarts;
        let pod = self.host.member_of(ordinal).unwrap().pod.unwrap();
        let id = format!("post-ready/{pod}/{restarts}");
        let act = Act::PostReady { ordinal };
        self.host.act_until_settled(&id, &act, CALLS)
    }

    fn switch_over(&self, id: &str, target: Option<u32>) -> Step {
        let act = Act::MoveRole {
            role: "primary".to_owned(),
            why: MoveCause::Planned,
            target,
        };
        self.host.act_until_settled(id, &act, CALLS)
    }

    fn primary(&self) -> u32 {
        self.host.app().claim("primary").unwrap().ordinal
    }

    /// Waits for what was written on the primary, as a reader would that asks for it.
    fn rows_on(&self, ordinal: u32) -> String {
        let position = self.server(self.primary()).sql("SELECT @@gtid_binlog_pos");
        self.server(ordinal).sql(&format!(
            "DO MASTER_GTID_WAIT('{position}', 10); SELECT GROUP_CONCAT(n ORDER BY n) FROM shop.items"
        ))
    }

    fn roles(&self) -> Vec<String> {
        (0..self.servers.len())
            .map(|ordinal| {
                let report = self.host.probe(ordinal as u32).unwrap();
                let health = if report.healthy { "" } else { " (ill)" };
                format!("{}{health}", report.role.unwrap_or_default())
            })
            .collect()
    }
}

#[test]
fn an_app_lives_from_its_first_member_through_a_switchover_to_a_scale_in() {
    let cluster = Cluster::joined(3);
    assert_eq!(cluster.roles(), ["primary", "replica", "replica"]);

    // Rows written on the primary are read on every replica, and replicas take no writes.
    let first = cluster.server(0);
    first.sql("CREATE DATABASE shop; CREATE TABLE shop.items (n INT PRIMARY KEY)");
    first.sql("CREATE USER app@'127.%' IDENTIFIED BY 'app'; GRANT ALL ON shop.* TO app@'127.%'");
    first.sql("INSERT INTO shop.items VALUES (1),(2)");
    assert_eq!(cluster.rows_on(1), "1,2");
    assert_eq!(cluster.rows_on(2), "1,2");
    assert_eq!(cluster.server(1).sql("SELECT @@read_only"), "1");

    // A switchover: the role moves under a new epoch, all others follow.
    assert_eq!(cluster.switch_over("move/1", Some(1)), done());
    let claim = cluster.host.app().claim("primary").unwrap().clone();
    assert_eq!((claim.ordinal, claim.epoch), (1, 2));
    assert_eq!(cluster.roles(), ["replica", "primary", "replica"]);
    cluster.server(1).sql("INSERT INTO shop.items VALUES (3)");
    assert_eq!(cluster.rows_on(0), "1,2,3");
    assert_eq!(cluster.rows_on(2), "1,2,3");

    // The same again changes nothing.
    assert_eq!(cluster.switch_over("move/1", Some(1)), done());
    assert_eq!(cluster.host.app().claim("primary"), Some(&claim));

    // Scale in to two: the survivors replicate, the last one is detached.
    cluster.host.edit_app(|app| app.target = 2);
    assert_eq!(cluster.host.act("pre-scale/2/2", &Act::PreScale), done());
    let leaves = Act::PreDelete {
        ordinal: 2,
        why: Cause::ScaleIn,
    };
    assert_eq!(cluster.host.act("pre-delete/2", &leaves), done());
    assert_eq!(cluster.server(2).sql("SHOW SLAVE STATUS"), "");
    assert_eq!(cluster.roles(), ["replica", "primary", "unattached (ill)"]);
    assert_eq!(
        cluster.host.act("pre-delete/2", &leaves),
        done(),
        "once more is as good"
    );
}

#[test]
fn a_primary_that_was_killed_opens_again_and_its_replicas_come_back() {
    let mut cluster = Cluster::joined(2);
    cluster
        .server(0)
        .sql("CREATE DATABASE shop; CREATE TABLE shop.items (n INT PRIMARY KEY); INSERT INTO shop.items VALUES (1)");
    assert_eq!(cluster.rows_on(1), "1");

    // When its container dies and starts again, it is read-only until it was looked at.
    cluster.servers[0].kill();
    cluster.servers[0].start();
    cluster.host.edit_member(0, |member| member.restarts = 1);
    assert_eq!(cluster.roles()[0], "unattached (ill)");

    assert_eq!(cluster.join(0), done());
    cluster.server(0).sql("INSERT INTO shop.items VALUES (2)");
    assert_eq!(cluster.rows_on(1), "1,2");

    // The same for a pod of its own: the claim is renewed first.
    cluster.servers[0].kill();
    cluster.servers[0].start();
    cluster.host.start(0);
    cluster.connect(0);
    assert_eq!(cluster.join(0), done());
    assert_eq!(cluster.host.app().claim("primary").unwrap().epoch, 2);
    cluster.server(0).sql("INSERT INTO shop.items VALUES (3)");
    assert_eq!(cluster.rows_on(1), "1,2,3");
}

#[test]
fn a_member_that_has_what_the_primary_lacks_is_refused_and_nothing_is_reset() {
    let mut cluster = Cluster::joined(1);
    cluster.server(0).sql("CREATE DATABASE shop");
    cluster.boot(1);
    // Root may write in spite of read_only.
    cluster
        .server(1)
        .sql("CREATE DATABASE private; CREATE DATABASE more");

    println!("{}", cluster.server(1).sql("SHOW BINLOG EVENTS"));
    println!("{}", cluster.server(0).sql("SHOW BINLOG EVENTS"));
    let Ok(Outcome::Refuse(why)) = cluster.join(1) else {
        panic!("a diverged member joined");
    };
    assert!(why.contains("0-101-2") && why.contains("0-100-1"), "{why}");
    let databases = cluster.server(1).sql("SHOW DATABASES LIKE 'private'");
    assert_eq!(databases, "private");
}

#[test]
fn clients_that_write_during_a_switchover_lose_nothing_that_was_acknowledged() {
    let cluster = Cluster::joined(2);
    let old = cluster.server(0);
    old.sql("CREATE DATABASE shop; CREATE TABLE shop.items (n INT PRIMARY KEY)");
    old.sql("CREATE USER app@'127.%' IDENTIFIED BY 'app'; GRANT ALL ON shop.* TO app@'127.%'");
    let write = |statement: &str| old.try_sql_as("app", "app", statement);

    let acknowledged = std::thread::scope(|scope| {
        // Given a client that writes row after row until it is refused, and one whose statement takes longer than a switchover may wait,
        let writer = scope.spawn(|| {
            let rows = 1..1_000_000;
            rows.take_while(|row| write(&format!("INSERT INTO shop.items VALUES ({row})")).is_ok())
                .count()
        });
        let slow = scope.spawn(|| write("INSERT INTO shop.items SELECT -1 + SLEEP(60)"));
        let slow_runs = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '%SELECT -1 + SL%' AND ID<>CONNECTION_ID()";
        while old.sql(slow_runs) == "0" {}

        // when the primary moves,
        assert_eq!(cluster.switch_over("move/1", None), done());

        // then the long statement was cut, and the writer was refused.
        assert!(slow.join().unwrap().is_err());
        writer.join().unwrap()
    });
    let rows = cluster.server(1).sql("SELECT COUNT(*) FROM shop.items");
    assert!(acknowledged > 0);
    assert!(
        rows.parse::<usize>().unwrap() >= acknowledged,
        "{acknowledged} acknowledged, {rows} there"
    );
    assert_eq!(cluster.roles(), ["replica", "primary"]);
}
