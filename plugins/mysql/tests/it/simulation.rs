//! MariaDB as far as the plugin can see it: servers that understand its statements, replicate from each other at once, and fail on demand.
//!
//! A history is the list of the servers that wrote its transactions: number 7 is the 7th entry. So two servers can be compared, and a replica goes
//! on from its own end, or finds that it has diverged, as a real one does.

mod statements;
pub(crate) mod wire;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use stateward_sdk::testing::MockHost;
use wire::Session;

pub(crate) const ROOT_PASSWORD: &str = "root-pass";
pub(crate) const REPLICATION_PASSWORD: &str = "repl-pass";

/// All servers, by address. Clones are the same servers.
#[derive(Clone, Default)]
pub(crate) struct Simulation(Arc<Mutex<Servers>>);

#[derive(Default)]
pub(crate) struct Servers {
    by_address: BTreeMap<String, Server>,
    /// The connection is lost at this statement, counted over all servers.
    fault: Option<Fault>,
    statements: u32,
}

#[derive(Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) at_statement: u32,
    /// Whether the statement took effect before the connection was lost.
    pub(crate) after_effect: bool,
}

#[derive(Clone, Default, Debug)]
pub(crate) struct Server {
    pub(crate) id: u32,
    pub(crate) is_read_only: bool,
    /// Who wrote each transaction.
    pub(crate) history: Vec<u32>,
    /// As which position it will tell a primary: it counts replicated transactions only.
    pub(crate) applied: usize,
    pub(crate) replica: Option<Replica>,
    pub(crate) replication_password: Option<String>,
    pub(crate) has_tables: bool,
    /// It applies nothing more, however far its primary is.
    pub(crate) is_frozen: bool,
    /// `SET GLOBAL read_only=1` runs into a statement that does not end by itself.
    pub(crate) is_busy: bool,
    pub(crate) lag_seconds: u64,
}

#[derive(Clone, Default, Debug)]
pub(crate) struct Replica {
    pub(crate) host: String,
    pub(crate) password: String,
    pub(crate) is_running: bool,
    pub(crate) receive_error: u32,
}

impl Simulation {
    /// A fresh server in this member's pod, as it boots: read-only, following nobody.
    pub(crate) fn boot(&self, host: &MockHost, ordinal: u32) {
        let server = Server {
            id: 100 + ordinal,
            ..Server::default()
        };
        self.boot_with(host, ordinal, server);
    }

    /// The member's pod is replaced, and its server starts with the data that the last one had.
    pub(crate) fn reboot(&self, host: &MockHost, ordinal: u32) {
        let old = self.remove(host, ordinal);
        self.boot_with(host, ordinal, old);
    }

    fn boot_with(&self, host: &MockHost, ordinal: u32, server: Server) {
        host.start(ordinal);
        let address = address_of(host, ordinal);
        self.put(&address, server);
        let simulation = self.clone();
        host.serve(ordinal, "mysql", move || {
            Session::with(simulation.clone(), address.clone())
        });
    }

    /// The member's pod ends; answers what was in its volumes.
    pub(crate) fn remove(&self, host: &MockHost, ordinal: u32) -> Server {
        let address = address_of(host, ordinal);
        host.stop(ordinal);
        self.servers().by_address.remove(&address).unwrap()
    }

    /// A server boots at this address: read-only, with the data that it has.
    pub(crate) fn put(&self, address: &str, mut server: Server) {
        server.is_read_only = true;
        if let Some(replica) = &mut server.replica {
            replica.is_running = false;
        }
        self.servers().by_address.insert(address.to_owned(), server);
    }

    /// The server at this address ends; answers what was in its volumes.
    pub(crate) fn take(&self, address: &str) -> Server {
        let mut servers = self.servers();
        servers.replicate();
        servers.by_address.remove(address).unwrap()
    }

    /// The server at this address.
    pub(crate) fn at(&self, address: &str) -> Server {
        let mut servers = self.servers();
        servers.replicate();
        servers.by_address[address].clone()
    }

    /// A client writes to the server at this address.
    pub(crate) fn write_at(&self, address: &str, count: usize) {
        let mut servers = self.servers();
        let server = servers.by_address.get_mut(address).unwrap();
        assert!(!server.is_read_only, "a client was refused");
        let id = server.id;
        server.history.extend(vec![id; count]);
        // The acknowledgement waits for the replicas that follow.
        servers.replicate();
    }

    /// As it starts again in the same pod.
    pub(crate) fn restart(&self, host: &MockHost, ordinal: u32) {
        self.edit(host, ordinal, |server| {
            server.is_read_only = true;
            if let Some(replica) = &mut server.replica {
                replica.is_running = false;
            }
        });
        host.edit_member(ordinal, |member| member.restarts += 1);
    }

    pub(crate) fn server(&self, host: &MockHost, ordinal: u32) -> Server {
        let mut servers = self.servers();
        servers.replicate();
        servers.by_address[&address_of(host, ordinal)].clone()
    }

    pub(crate) fn edit(&self, host: &MockHost, ordinal: u32, edit: impl FnOnce(&mut Server)) {
        let address = address_of(host, ordinal);
        edit(self.servers().by_address.get_mut(&address).unwrap());
    }

    /// A client writes so many transactions; panics when the server takes none.
    pub(crate) fn write(&self, host: &MockHost, ordinal: u32, count: usize) {
        self.edit(host, ordinal, |server| {
            assert!(!server.is_read_only, "a client was refused");
            server.history.extend(vec![server.id; count]);
        });
    }

    /// From now on; statements are counted from 0 again.
    pub(crate) fn inject(&self, fault: Option<Fault>) {
        let mut servers = self.servers();
        servers.fault = fault;
        servers.statements = 0;
    }

    pub(crate) fn statements(&self) -> u32 {
        self.servers().statements
    }

    fn servers(&self) -> MutexGuard<'_, Servers> {
        self.0.lock().unwrap()
    }
}

pub(crate) fn address_of(host: &MockHost, ordinal: u32) -> String {
    host.member_of(ordinal).unwrap().address.unwrap()
}

impl Servers {
    /// Lets every running replica get what its primary has.
    fn replicate(&mut self) {
        // A replica of a replica takes one round more.
        for _ in 0..self.by_address.len() {
            for address in self.by_address.keys().cloned().collect::<Vec<_>>() {
                self.replicate_to(&address);
            }
        }
    }

    fn replicate_to(&mut self, address: &str) {
        let server = self.by_address[address].clone();
        let Some(mut replica) = server.replica.filter(|replica| replica.is_running) else {
            return;
        };
        let primary = self.by_address.get(&replica.host);
        let may_log_in = |primary: &&Server| {
            primary.replication_password.as_deref() == Some(replica.password.as_str())
        };
        let theirs = primary.filter(may_log_in).map(|p| p.history.clone());
        let server = self.by_address.get_mut(address).unwrap();
        replica.receive_error = match (primary_state(&theirs, server), &theirs) {
            (Reached::Refused, _) => 1045,
            // It asks for what it already wrote itself, or for what nobody has.
            (Reached::Diverged, _) => 1236,
            (Reached::Ok, Some(theirs)) if !server.is_frozen => {
                server.history.clone_from(theirs);
                server.applied = server.history.len();
                0
            }
            (Reached::Ok, _) => 0,
        };
        server.replica = Some(replica);
    }
}

enum Reached {
    Ok,
    Refused,
    Diverged,
}

fn primary_state(theirs: &Option<Vec<u32>>, server: &Server) -> Reached {
    match theirs {
        None => Reached::Refused,
        Some(theirs)
            if server.applied == server.history.len() && theirs.starts_with(&server.history) =>
        {
            Reached::Ok
        }
        Some(_) => Reached::Diverged,
    }
}

impl Server {
    pub(crate) fn follows(&self) -> Option<&str> {
        self.replica
            .as_ref()
            .filter(|replica| replica.is_running && replica.receive_error == 0)
            .map(|replica| replica.host.as_str())
    }

    fn position(&self, count: usize) -> String {
        match count.checked_sub(1).and_then(|last| self.history.get(last)) {
            Some(server) => format!("0-{server}-{count}"),
            None => String::new(),
        }
    }

    fn binlog_state(&self) -> String {
        let mut last = BTreeMap::new();
        for (place, server) in self.history.iter().enumerate() {
            last.insert(server, place + 1);
        }
        let gtids = last
            .iter()
            .map(|(server, number)| format!("0-{server}-{number}"));
        gtids.collect::<Vec<_>>().join(",")
    }
}
