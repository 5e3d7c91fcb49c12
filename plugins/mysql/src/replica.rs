//! A server as a replica: what it follows, how far it is, and how that is changed.

use crate::position::Position;
use crate::protocol::Row;
use crate::quote::quoted;
use crate::server::{REPLICATION_USER, Server, Vitals};
use crate::trouble::{Trouble, What};

/// The primary's binary log does not have what the replica asks for: they diverged, or it was purged.
const NOT_IN_BINLOG: u32 = 1236;
/// How long one look waits for the replica to get somewhere, in seconds.
const LOOK: &str = "0.2";

/// What `SHOW SLAVE STATUS` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Following {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// `Yes`, `No`, `Connecting`, `Preparing`.
    pub(crate) receiving: String,
    /// `Yes` or `No`.
    pub(crate) applying: String,
    /// How far it is behind, where that is known.
    pub(crate) lag_seconds: Option<u64>,
    /// What it received, applied or not.
    pub(crate) received: Position,
    receive_error: Option<(u32, String)>,
    apply_error: Option<(u32, String)>,
}

/// Where a primary listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// How far a replica got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reached {
    /// It has everything up to the goal, and follows.
    Goal,
    /// It is on the way.
    OnTheWay { percent: u8, message: String },
    /// It will not get there without help.
    Stuck(String),
}

impl Following {
    fn read(row: &Row<'_>) -> Result<Following, What> {
        let text = |column| row.text(column).unwrap_or_default();
        let error = |number, words| {
            let number: u32 = text(number).parse().unwrap_or_default();
            (number != 0).then(|| (number, text(words)))
        };
        Ok(Following {
            host: text("Master_Host"),
            port: text("Master_Port").parse().map_err(What::protocol)?,
            receiving: text("Slave_IO_Running"),
            applying: text("Slave_SQL_Running"),
            lag_seconds: text("Seconds_Behind_Master").parse().ok(),
            received: Position::parse(&text("Gtid_IO_Pos")).map_err(What::Protocol)?,
            receive_error: error("Last_IO_Errno", "Last_IO_Error"),
            apply_error: error("Last_SQL_Errno", "Last_SQL_Error"),
        })
    }

    /// Both of its threads work.
    pub(crate) fn is_running(&self) -> bool {
        self.receiving == "Yes" && self.applying == "Yes"
    }

    pub(crate) fn follows(&self, source: &Source) -> bool {
        self.host == source.host && self.port == source.port
    }

    /// Why it does not run, as far as the server says.
    pub(crate) fn trouble(&self) -> Option<String> {
        let said = self.apply_error.as_ref().or(self.receive_error.as_ref());
        said.map(|(errno, words)| format!("error {errno}: {words}"))
    }

    /// It will not go on by itself. A receiver that cannot connect tries again, so that is not stuck.
    fn is_stuck(&self) -> bool {
        let cannot_continue = |(errno, _): &(u32, String)| *errno == NOT_IN_BINLOG;
        (self.apply_error.is_some() && self.applying != "Yes")
            || self.receive_error.as_ref().is_some_and(cannot_continue)
    }
}

impl Server {
    /// What it follows; none when it is no replica.
    pub(crate) fn following(&mut self) -> Result<Option<Following>, Trouble> {
        let rows = self.query("SHOW SLAVE STATUS")?;
        rows.first()
            .map(|row| Following::read(&row))
            .transpose()
            .map_err(|what| what.of(self.name()))
    }

    /// Makes it a replica of `source` that goes on from what it has.
    pub(crate) fn follow(
        &mut self,
        source: &Source,
        password: &str,
        vitals: &Vitals,
    ) -> Result<(), Trouble> {
        self.query("STOP SLAVE")?;
        // What an ex-primary wrote itself is not part of what it applied, so it would ask for it again. Only legal while nothing is applied.
        if vitals.position() != vitals.applied {
            let position = quoted(&vitals.position().to_string());
            self.query(&format!("SET GLOBAL gtid_slave_pos={position}"))?;
        }
        self.query(&format!(
            "CHANGE MASTER TO MASTER_HOST={}, MASTER_PORT={}, MASTER_USER={}, MASTER_PASSWORD={}, \
             MASTER_CONNECT_RETRY=1, MASTER_USE_GTID=slave_pos",
            quoted(&source.host),
            source.port,
            quoted(REPLICATION_USER),
            quoted(password),
        ))?;
        self.query("START SLAVE")?;
        Ok(())
    }

    /// Ends its being a replica. Done already is as good.
    pub(crate) fn stop_following(&mut self) -> Result<(), Trouble> {
        self.query("STOP SLAVE")?;
        self.query("RESET SLAVE ALL")?;
        Ok(())
    }

    /// Waits until it has applied everything up to `goal`, for so many seconds at most.
    pub(crate) fn waited_for(&mut self, goal: &Position, seconds: &str) -> Result<bool, Trouble> {
        if goal.is_empty() {
            return Ok(true);
        }
        let goal = quoted(&goal.to_string());
        let rows = self.query(&format!("SELECT MASTER_GTID_WAIT({goal}, {seconds})"))?;
        Ok(rows.first().and_then(|row| row.at(0)).as_deref() == Some("0"))
    }

    /// Looks so many times how a replica gets on, until it has `goal` and both of its threads run.
    pub(crate) fn watch_until(&mut self, goal: &Position, looks: u32) -> Result<Reached, Trouble> {
        let mut message = "waits for its replication to start".to_owned();
        for _ in 0..looks {
            let has_goal = self.waited_for(goal, LOOK)?;
            let Some(following) = self.following()? else {
                return Ok(Reached::Stuck("it follows nobody any more".to_owned()));
            };
            if has_goal && following.is_running() {
                return Ok(Reached::Goal);
            }
            if following.is_stuck() {
                return Ok(Reached::Stuck(following.trouble().unwrap_or_default()));
            }
            message = following
                .trouble()
                .unwrap_or_else(|| "applies what it missed".to_owned());
            if has_goal {
                // Nothing to wait for but the connection: let the server do the waiting.
                self.query(&format!("DO SLEEP({LOOK})"))?;
            }
        }
        let percent = self.vitals()?.position().percent_of(goal);
        Ok(Reached::OnTheWay { percent, message })
    }
}
