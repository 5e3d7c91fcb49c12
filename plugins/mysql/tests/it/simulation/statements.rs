//! What the statements of the plugin mean. One that is not known here panics: the simulation must not guess.

use super::{Replica, Server, Servers, Simulation};

pub(crate) enum Answer {
    Ok,
    Error(u16, String),
    Table(Table),
}

pub(crate) struct Table {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<Option<String>>>,
}

impl Simulation {
    /// None: the connection is lost.
    pub(crate) fn execute(&self, address: &str, statement: &str) -> Option<Answer> {
        let mut servers = self.servers();
        let number = servers.statements;
        servers.statements += 1;
        let fault = servers.fault.filter(|fault| fault.at_statement == number);
        if fault.is_some_and(|fault| !fault.after_effect) {
            return None;
        }
        servers.replicate();
        let answer = servers.understand(address, statement);
        servers.replicate();
        if fault.is_some() { None } else { Some(answer) }
    }
}

impl Servers {
    fn understand(&mut self, address: &str, statement: &str) -> Answer {
        let Some(server) = self.by_address.get_mut(address) else {
            return Answer::Error(1053, "Server shutdown in progress".to_owned());
        };
        let strings = strings_of(statement);
        let starts = |start: &str| statement.starts_with(start);
        if starts("SET SESSION sql_log_bin=0") || starts("DO SLEEP(") || starts("GRANT REPLICATION")
        {
            Answer::Ok
        } else if starts("SELECT @@global.read_only, @@global.port") {
            server.vitals()
        } else if starts("SHOW SLAVE STATUS") {
            server.slave_status()
        } else if starts("SELECT MASTER_GTID_WAIT(") {
            let has_it = server.has(&strings[0]);
            one_value(if has_it { "0" } else { "-1" })
        } else if starts("SELECT ID FROM information_schema.PROCESSLIST") {
            if server.is_busy {
                one_value("7")
            } else {
                no_rows()
            }
        } else if starts("KILL 7") {
            server.is_busy = false;
            Answer::Ok
        } else if starts("SELECT 1 FROM information_schema.TABLES") {
            if server.has_tables {
                one_value("1")
            } else {
                no_rows()
            }
        } else if starts("CREATE USER IF NOT EXISTS 'repl'@'%'") {
            server
                .replication_password
                .get_or_insert_with(|| strings[2].clone());
            Answer::Ok
        } else if starts("ALTER USER 'repl'@'%'") {
            server.replication_password = Some(strings[2].clone());
            Answer::Ok
        } else if starts("SET GLOBAL read_only=0") {
            server.is_read_only = false;
            Answer::Ok
        } else if starts("SET STATEMENT max_statement_time=3 FOR SET GLOBAL read_only=1") {
            if server.is_busy {
                return Answer::Error(1969, "Query execution was interrupted".to_owned());
            }
            server.is_read_only = true;
            Answer::Ok
        } else {
            server.replication_statement(statement, &strings)
        }
    }
}

impl Server {
    fn replication_statement(&mut self, statement: &str, strings: &[String]) -> Answer {
        let is_running = self
            .replica
            .as_ref()
            .is_some_and(|replica| replica.is_running);
        let must_stop = || {
            Answer::Error(
                1198,
                "This operation cannot be performed as you have a running slave".to_owned(),
            )
        };
        match statement {
            "STOP SLAVE" => {
                if let Some(replica) = &mut self.replica {
                    replica.is_running = false;
                }
                Answer::Ok
            }
            "START SLAVE" => match &mut self.replica {
                Some(replica) => {
                    replica.is_running = true;
                    Answer::Ok
                }
                None => Answer::Error(1200, "The server is not configured as slave".to_owned()),
            },
            _ if is_running => must_stop(),
            "RESET SLAVE ALL" => {
                self.replica = None;
                Answer::Ok
            }
            _ if statement.starts_with("SET GLOBAL gtid_slave_pos=") => {
                assert_eq!(
                    strings[0],
                    self.position(self.history.len()),
                    "it skips or repeats"
                );
                self.applied = self.history.len();
                Answer::Ok
            }
            _ if statement.starts_with("CHANGE MASTER TO MASTER_HOST=") => {
                assert!(statement.ends_with("MASTER_USE_GTID=slave_pos"));
                self.replica = Some(Replica {
                    host: strings[0].clone(),
                    password: strings[2].clone(),
                    ..Replica::default()
                });
                Answer::Ok
            }
            _ => panic!("the simulation does not know: {statement}"),
        }
    }

    fn vitals(&self) -> Answer {
        let values = [
            u8::from(self.is_read_only).to_string(),
            "3306".to_owned(),
            self.position(self.history.len()),
            self.position(self.applied),
            self.binlog_state(),
        ];
        Answer::Table(Table {
            columns: values
                .iter()
                .enumerate()
                .map(|(n, _)| n.to_string())
                .collect(),
            rows: vec![values.into_iter().map(Some).collect()],
        })
    }

    fn slave_status(&self) -> Answer {
        let Some(replica) = &self.replica else {
            return no_rows();
        };
        let yes = |is: bool| Some(if is { "Yes" } else { "No" }.to_owned());
        let receives = replica.is_running && replica.receive_error == 0;
        let row = [
            ("Master_Host", Some(replica.host.clone())),
            ("Master_Port", Some("3306".to_owned())),
            ("Slave_IO_Running", yes(receives)),
            ("Slave_SQL_Running", yes(replica.is_running)),
            (
                "Seconds_Behind_Master",
                receives.then(|| self.lag_seconds.to_string()),
            ),
            ("Gtid_IO_Pos", Some(self.position(self.applied))),
            ("Last_IO_Errno", Some(replica.receive_error.to_string())),
            ("Last_IO_Error", Some("as simulated".to_owned())),
            ("Last_SQL_Errno", Some("0".to_owned())),
            ("Last_SQL_Error", Some(String::new())),
        ];
        let (columns, values): (Vec<&str>, Vec<Option<String>>) = row.into_iter().unzip();
        Answer::Table(Table {
            columns: columns.into_iter().map(str::to_owned).collect(),
            rows: vec![values],
        })
    }

    /// Histories of the simulation have one domain, so the number says it.
    fn has(&self, position: &str) -> bool {
        let number: usize = position.rsplit('-').next().unwrap().parse().unwrap();
        number <= self.applied.max(self.history.len())
    }
}

fn one_value(value: &str) -> Answer {
    Answer::Table(Table {
        columns: vec!["value".to_owned()],
        rows: vec![vec![Some(value.to_owned())]],
    })
}

fn no_rows() -> Answer {
    Answer::Table(Table {
        columns: vec!["value".to_owned()],
        rows: Vec::new(),
    })
}

/// The quoted strings of a statement, in order.
fn strings_of(statement: &str) -> Vec<String> {
    let quoted = statement.split('\'').skip(1).step_by(2);
    quoted.map(str::to_owned).collect()
}
