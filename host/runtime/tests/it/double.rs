//! Effects that keep what they were asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use stateward_runtime::{
    Change, Command, Effects, ExecOutput, Failure, Job, Level, Stream, Weight,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

/// How members answer on a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Member {
    /// `pong` to whatever comes first, then the end.
    #[default]
    Answers,
    /// Never writes, never closes.
    Silent,
    /// Takes all bytes and writes none.
    Swallows,
    /// Does not even take the connection.
    Hangs,
    /// Answers an HTTP request with its own head.
    Echoes,
    /// `pong` under TLS, as `db-0.db`.
    Secured,
}

#[derive(Default)]
pub(crate) struct Double {
    pub(crate) member: Member,
    pub(crate) output: usize,
    pub(crate) dialed: Mutex<Vec<String>>,
    pub(crate) ran: Mutex<Vec<Command>>,
    pub(crate) state: Mutex<BTreeMap<String, (Vec<u8>, u64)>>,
    pub(crate) events: Mutex<Vec<(Weight, String, String)>>,
    pub(crate) jobs: Mutex<BTreeSet<String>>,
    pub(crate) metrics: Mutex<Vec<String>>,
    pub(crate) refused: Mutex<Vec<(String, bool)>>,
    /// Values of secrets that earlier calls have read.
    pub(crate) known: Vec<Vec<u8>>,
    pub(crate) logged: Mutex<Vec<(Level, String)>>,
}

impl Double {
    pub(crate) fn new() -> Arc<Double> {
        Arc::default()
    }

    pub(crate) fn with(member: Member) -> Arc<Double> {
        Arc::new(Double {
            member,
            ..Double::default()
        })
    }

    pub(crate) fn log(&self) -> Vec<(Level, String)> {
        self.logged.lock().unwrap().clone()
    }
}

#[async_trait]
impl Effects for Double {
    async fn dial(&self, pod: &str, port: &str) -> Result<Box<dyn Stream>, Failure> {
        self.dialed.lock().unwrap().push(format!("{pod} {port}"));
        let (near, mut far) = duplex(64 << 10);
        let output = self.output;
        match self.member {
            Member::Hangs => std::future::pending().await,
            Member::Answers => {
                tokio::spawn(async move {
                    let mut asked = [0; 4];
                    far.read_exact(&mut asked).await?;
                    far.write_all(b"pong").await
                });
            }
            Member::Echoes => {
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"body") {
                        head.push(far.read_u8().await?);
                    }
                    let answer = format!(
                        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
                        head.len() + output
                    );
                    far.write_all(answer.as_bytes()).await?;
                    far.write_all(&head).await?;
                    far.write_all(&vec![b'x'; output]).await
                });
            }
            Member::Secured => {
                tokio::spawn(async move {
                    let mut far = crate::members::acceptor().accept(far).await?;
                    let mut asked = [0; 4];
                    far.read_exact(&mut asked).await?;
                    far.write_all(b"pong").await?;
                    far.shutdown().await
                });
            }
            Member::Silent => {
                tokio::spawn(async move {
                    let _far = far;
                    std::future::pending::<()>().await;
                });
            }
            Member::Swallows => {
                tokio::spawn(async move {
                    let mut swallowed = vec![0; 64 << 10];
                    while far.read(&mut swallowed).await.is_ok_and(|count| count > 0) {}
                });
            }
        }
        Ok(Box::new(near))
    }

    async fn exec(&self, _pod: &str, command: Command) -> Result<ExecOutput, Failure> {
        self.ran.lock().unwrap().push(command);
        Ok(ExecOutput {
            code: 3,
            stdout: vec![b'x'; self.output],
            ..ExecOutput::default()
        })
    }

    async fn start(&self, pod: &str, key: &str, command: Command) -> Result<Job, Failure> {
        self.ran.lock().unwrap().push(command);
        let mut jobs = self.jobs.lock().unwrap();
        Ok(match jobs.insert(format!("{pod} {key}")) {
            true => Job::Running,
            false => Job::Exited(ExecOutput::default()),
        })
    }

    async fn poll(&self, pod: &str, key: &str) -> Result<Job, Failure> {
        let jobs = self.jobs.lock().unwrap();
        Ok(match jobs.contains(&format!("{pod} {key}")) {
            true => Job::Running,
            false => Job::Lost,
        })
    }

    async fn config(&self, slot: &str) -> Result<Vec<u8>, Failure> {
        match slot {
            "ca" => Ok(crate::members::authority().into_bytes()),
            "mode" => Ok(b"fast".to_vec()),
            other => Err(Failure::Other(format!("slot {other} is not bound"))),
        }
    }

    fn metric(&self, name: &str, ordinal: Option<u32>, change: Change) {
        let told = format!("{name} {ordinal:?} {change:?}");
        self.metrics.lock().unwrap().push(told);
    }

    fn refused(&self, grant: &str, counted: bool) {
        self.refused
            .lock()
            .unwrap()
            .push((grant.to_owned(), counted));
    }

    fn known_secrets(&self) -> Vec<Vec<u8>> {
        self.known.clone()
    }

    async fn secret(&self, slot: &str) -> Result<Vec<u8>, Failure> {
        match slot {
            "root" => Ok(b"opensesame\n".to_vec()),
            other => Err(Failure::Other(format!("slot {other} is not bound"))),
        }
    }

    async fn put_state(
        &self,
        key: &str,
        value: Vec<u8>,
        after_version: u64,
    ) -> Result<u64, Failure> {
        let mut state = self.state.lock().unwrap();
        let entry = state.entry(key.to_owned()).or_default();
        if entry.1 != after_version {
            return Err(Failure::Conflict);
        }
        *entry = (value, after_version + 1);
        Ok(entry.1)
    }

    fn emit(&self, weight: Weight, reason: &str, note: &str) {
        let event = (weight, reason.to_owned(), note.to_owned());
        self.events.lock().unwrap().push(event);
    }

    fn log(&self, level: Level, text: &str) {
        self.logged.lock().unwrap().push((level, text.to_owned()));
    }

    fn first_container(&self, _pod: &str) -> Option<String> {
        Some("first".to_owned())
    }
}
