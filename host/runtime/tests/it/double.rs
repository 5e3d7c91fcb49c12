//! Effects that keep what they were asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use stateward_runtime::{Command, Effects, ExecOutput, Failure, Level, Stream, Weight};
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
}

#[derive(Default)]
pub(crate) struct Double {
    pub(crate) member: Member,
    pub(crate) output: usize,
    pub(crate) dialed: Mutex<Vec<String>>,
    pub(crate) ran: Mutex<Vec<Command>>,
    pub(crate) state: Mutex<BTreeMap<String, (Vec<u8>, u64)>>,
    pub(crate) events: Mutex<Vec<(Weight, String, String)>>,
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
        match self.member {
            Member::Hangs => std::future::pending().await,
            Member::Answers => {
                tokio::spawn(async move {
                    let mut asked = [0; 4];
                    far.read_exact(&mut asked).await?;
                    far.write_all(b"pong").await
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
