//! One MariaDB server, logged in as root.
//!
//! No statement of the plugin enters the binary log: what it does to a member is that member's own, and would make its history diverge.

use stateward_sdk::Connection;

use crate::position::{BinlogState, Coverage, Position};
use crate::protocol::{Row, Rows, Session};
use crate::quote::quoted;
use crate::trouble::{Trouble, What};

/// The administrator that the image creates (`MARIADB_ROOT_PASSWORD`).
const ROOT: &str = "root";
/// The account that replicas log in to their primary with.
pub(crate) const REPLICATION_USER: &str = "repl";

/// For the session: nothing is logged, strings are quoted in one way, nothing hangs.
const PREPARE: &str =
    "SET SESSION sql_log_bin=0, sql_mode='', max_statement_time=10, lock_wait_timeout=10";

pub(crate) struct Server {
    name: String,
    session: Session,
}

/// Where a server stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vitals {
    pub(crate) is_read_only: bool,
    pub(crate) port: u16,
    /// What it wrote to its own binary log.
    pub(crate) logged: Position,
    /// What it applied as a replica, as it will tell its primary.
    pub(crate) applied: Position,
    pub(crate) binlog: BinlogState,
}

impl Server {
    /// `name` is the pod's, for messages.
    pub(crate) fn log_in(
        name: &str,
        connection: Box<dyn Connection>,
        password: &[u8],
    ) -> Result<Server, Trouble> {
        let session = Session::log_in(connection, ROOT, password).map_err(|what| what.of(name))?;
        let mut server = Server {
            name: name.to_owned(),
            session,
        };
        server.query(PREPARE)?;
        Ok(server)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn query(&mut self, statement: &str) -> Result<Rows, Trouble> {
        self.session
            .query(statement)
            .map_err(|what| what.of(&self.name))
    }

    pub(crate) fn vitals(&mut self) -> Result<Vitals, Trouble> {
        let rows = self.query(
            "SELECT @@global.read_only, @@global.port, @@global.gtid_binlog_pos, \
             @@global.gtid_slave_pos, @@global.gtid_binlog_state",
        )?;
        rows.first()
            .ok_or_else(|| What::protocol("no row of variables"))
            .and_then(|row| Vitals::read(&row))
            .map_err(|what| what.of(&self.name))
    }

    pub(crate) fn open_for_writes(&mut self) -> Result<(), Trouble> {
        self.query("SET GLOBAL read_only=0").map(drop)
    }

    /// Ends writing. A statement that runs delays it, and so is given three seconds and then its connection is cut, as all others are: their
    /// clients find the new primary when they connect again.
    pub(crate) fn close_for_writes(&mut self) -> Result<(), Trouble> {
        const CLOSE: &str = "SET STATEMENT max_statement_time=3 FOR SET GLOBAL read_only=1";
        match self.query(CLOSE) {
            Err(trouble) if trouble.is_statement_timeout() => {
                self.cut_clients()?;
                self.query(CLOSE)?;
            }
            closed => drop(closed?),
        }
        self.cut_clients()
    }

    /// Accounts that may write in spite of `read_only` would go on otherwise.
    fn cut_clients(&mut self) -> Result<(), Trouble> {
        let clients = self.query(
            "SELECT ID FROM information_schema.PROCESSLIST WHERE ID<>CONNECTION_ID() \
             AND USER NOT IN ('system user','event_scheduler','repl') \
             AND COMMAND NOT IN ('Binlog Dump','Daemon')",
        )?;
        let ids: Vec<String> = clients.iter().filter_map(|row| row.at(0)).collect();
        for id in ids.iter().filter_map(|id| id.parse::<u64>().ok()) {
            match self.query(&format!("KILL {id}")) {
                Err(trouble) if !trouble.is_unknown_thread() => return Err(trouble),
                _ => {}
            }
        }
        Ok(())
    }

    /// Creates the account for replicas, or gives it this password. Every member has it, because every member may become the primary.
    pub(crate) fn ensure_replication_account(&mut self, password: &str) -> Result<(), Trouble> {
        let user = quoted(REPLICATION_USER);
        let password = quoted(password);
        for statement in [
            format!("CREATE USER IF NOT EXISTS {user}@'%' IDENTIFIED BY {password}"),
            format!("ALTER USER {user}@'%' IDENTIFIED BY {password}"),
            format!("GRANT REPLICATION SLAVE ON *.* TO {user}@'%'"),
        ] {
            self.query(&statement)?;
        }
        Ok(())
    }

    /// Whether there is a table that did not come with the server.
    pub(crate) fn has_tables(&mut self) -> Result<bool, Trouble> {
        let rows = self.query(
            "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA NOT IN \
             ('mysql','information_schema','performance_schema','sys') LIMIT 1",
        )?;
        Ok(rows.first().is_some())
    }
}

impl Vitals {
    fn read(row: &Row<'_>) -> Result<Vitals, What> {
        let text = |place| row.at(place).unwrap_or_default();
        Ok(Vitals {
            is_read_only: text(0) != "0",
            port: text(1).parse().map_err(What::protocol)?,
            logged: Position::parse(&text(2)).map_err(What::Protocol)?,
            applied: Position::parse(&text(3)).map_err(What::Protocol)?,
            binlog: BinlogState::parse(&text(4)).map_err(What::Protocol)?,
        })
    }

    /// Everything that it has.
    pub(crate) fn position(&self) -> Position {
        self.logged.clone().union(&self.applied)
    }

    /// Whether everything up to there is here too.
    pub(crate) fn covers(&self, other: &Position) -> Coverage {
        self.position().covers(&self.binlog, other)
    }
}
