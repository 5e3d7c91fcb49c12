//! A running container, from the agent's side.

use std::process::Stdio;

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Probe;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::net::unix::OwnedWriteHalf;
use tokio::process::Command;
use tokio::sync::Mutex;

use super::control::Order;
use super::relocation::Relocation;
use super::sandbox::exit_number;
use super::terminal::{self, NO_TERMINAL, TERMINAL};
use crate::runtime::{ContainerHandle, ExecError, ExecSession, StopSignal, Streams};

pub(super) struct ProcessHandle {
    /// PID 1 of the container, as the machine counts; [`super::enter::SHARED`] without namespaces.
    pub(super) init: String,
    pub(super) relocation: Relocation,
    pub(super) orders: Mutex<OwnedWriteHalf>,
    pub(super) helper: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) working_folder: String,
    /// `uid:gid`, either may be empty.
    pub(super) user: String,
}

impl ProcessHandle {
    /// The process that joins the container and runs a command there; without its standard streams.
    fn enter(&self, command: &[String], streams: Streams) -> Result<Command, ExecError> {
        let (program, prefix) = self.helper.split_first().ok_or(ExecError::NotRunning)?;
        let terminal = match streams {
            Streams::Terminal => TERMINAL,
            Streams::Output | Streams::InputAndOutput => NO_TERMINAL,
        };
        let mut enter = Command::new(program);
        enter
            .args(prefix)
            .arg("__enter")
            .args([&self.init, &self.working_folder, &self.user])
            .arg(terminal)
            .args(command.iter().map(|word| self.relocation.apply(word)))
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .process_group(0)
            .kill_on_drop(true);
        if streams == Streams::Terminal && !self.environment.iter().any(|(name, _)| name == "TERM")
        {
            enter.env("TERM", "xterm");
        }
        Ok(enter)
    }
}

#[async_trait]
impl ContainerHandle for ProcessHandle {
    async fn signal(&self, signal: StopSignal) {
        let mut orders = self.orders.lock().await;
        match signal {
            StopSignal::Terminate => {
                if let Ok(mut line) = serde_json::to_vec(&Order::Signal(nix::libc::SIGTERM)) {
                    line.push(b'\n');
                    // A container that has just ended does not read any more.
                    let _ended = orders.write_all(&line).await;
                }
            }
            // A closed socket ends PID 1 of the container, and the kernel ends the rest.
            StopSignal::Kill => {
                let _ended = orders.shutdown().await;
            }
        }
    }

    async fn exec(&self, command: &[String], streams: Streams) -> Result<ExecSession, ExecError> {
        let mut enter = self.enter(command, streams)?;
        if streams == Streams::Terminal {
            return terminal::start(enter).await;
        }
        let mut child = enter
            .stdin(match streams {
                Streams::InputAndOutput => Stdio::piped(),
                Streams::Output | Streams::Terminal => Stdio::null(),
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(ExecError::NotRunning);
        };
        Ok(ExecSession {
            stdin: child
                .stdin
                .take()
                .map(|stdin| Box::new(stdin) as Box<dyn AsyncWrite + Send + Unpin>),
            stdout: Box::new(stdout),
            stderr: Box::new(stderr),
            resize: None,
            exit: Box::pin(async move { child.wait().await.map_or(-1, exit_number) }),
        })
    }

    fn probe(&self, _probe: &Probe) -> Option<bool> {
        None
    }
}
