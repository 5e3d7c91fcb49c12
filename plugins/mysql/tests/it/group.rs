//! An app of simulated servers, for the scenarios.

use stateward_plugin_mysql::Mysql;
use stateward_sdk::prelude::*;
use stateward_sdk::testing::{Act, MockHost};

use crate::simulation::{REPLICATION_PASSWORD, ROOT_PASSWORD, Server, Simulation, address_of};

const CALLS: u32 = 40;

pub(crate) struct Group {
    pub(crate) host: MockHost,
    pub(crate) simulation: Simulation,
}

impl Group {
    /// Nobody is there yet.
    pub(crate) fn wanted(replicas: u32) -> Group {
        let host = MockHost::new(Mysql, "db", 0);
        host.edit_app(|app| app.target = replicas);
        host.set_secret("root", ROOT_PASSWORD);
        host.set_secret("replication", REPLICATION_PASSWORD);
        Group {
            host,
            simulation: Simulation::default(),
        }
    }

    /// They came up one after another, and the first has written five transactions.
    pub(crate) fn of(replicas: u32) -> Group {
        let group = Group::wanted(replicas);
        for ordinal in 0..replicas {
            group.boot(ordinal);
            assert_eq!(group.join(ordinal), done(), "db-{ordinal} joins");
        }
        group.write(0, 5);
        group
    }

    pub(crate) fn boot(&self, ordinal: u32) {
        self.simulation.boot(&self.host, ordinal);
    }

    pub(crate) fn reboot(&self, ordinal: u32) {
        self.simulation.reboot(&self.host, ordinal);
    }

    pub(crate) fn write(&self, ordinal: u32, count: usize) {
        self.simulation.write(&self.host, ordinal, count);
    }

    pub(crate) fn edit(&self, ordinal: u32, edit: impl FnOnce(&mut Server)) {
        self.simulation.edit(&self.host, ordinal, edit);
    }

    pub(crate) fn server(&self, ordinal: u32) -> Server {
        self.simulation.server(&self.host, ordinal)
    }

    pub(crate) fn address(&self, ordinal: u32) -> String {
        address_of(&self.host, ordinal)
    }

    /// The id that the host would give: it stays the same until the pod or its restarts change.
    pub(crate) fn join_id(&self, ordinal: u32) -> String {
        let member = self.host.member_of(ordinal).unwrap();
        format!("post-ready/{}/{}", member.pod.unwrap(), member.restarts)
    }

    pub(crate) fn join_once(&self, ordinal: u32) -> Step {
        let act = Act::PostReady { ordinal };
        self.host.act(&self.join_id(ordinal), &act)
    }

    pub(crate) fn join(&self, ordinal: u32) -> Step {
        let act = Act::PostReady { ordinal };
        self.host
            .act_until_settled(&self.join_id(ordinal), &act, CALLS)
    }

    pub(crate) fn switch_over(&self, id: &str, act: &Act) -> Step {
        self.host.act_until_settled(id, act, CALLS)
    }

    pub(crate) fn move_to(&self, target: u32) -> Step {
        let act = moves(MoveCause::Planned, Some(target));
        self.switch_over(&format!("move/to/{target}"), &act)
    }

    pub(crate) fn holder(&self) -> Option<u32> {
        self.host.app().claim("primary").map(|claim| claim.ordinal)
    }

    /// The one thing that must hold when everything is settled.
    pub(crate) fn assert_settled(&self, ordinals: impl IntoIterator<Item = u32>) {
        let holder = self.holder().expect("somebody holds the role");
        let primary = self.server(holder);
        assert!(!primary.is_read_only, "db-{holder} is open");
        assert!(primary.replica.is_none(), "db-{holder} follows nobody");
        for ordinal in ordinals.into_iter().filter(|ordinal| *ordinal != holder) {
            let replica = self.server(ordinal);
            assert!(replica.is_read_only, "db-{ordinal} is read-only");
            let address = self.address(holder);
            assert_eq!(replica.follows(), Some(address.as_str()), "db-{ordinal}");
            assert_eq!(replica.history, primary.history, "db-{ordinal}");
        }
    }
}

pub(crate) fn moves(why: MoveCause, target: Option<u32>) -> Act {
    Act::MoveRole {
        role: "primary".to_owned(),
        why,
        target,
    }
}

/// What a refusal says.
pub(crate) fn refusal(step: Step) -> String {
    match step {
        Ok(Outcome::Refuse(why)) => why,
        other => panic!("no refusal: {other:?}"),
    }
}

/// What an answer waits for.
pub(crate) fn waits(step: Step) -> String {
    match step {
        Ok(Outcome::InProgress(progress)) => progress.message,
        other => panic!("not in progress: {other:?}"),
    }
}
