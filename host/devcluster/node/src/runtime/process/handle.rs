//! A running container, from the agent's side.

use std::process::Stdio;

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Probe;
use tokio::io::AsyncWriteExt;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::Mutex;

use super::control::Order;
use super::relocation::Relocation;
use super::sandbox::exit_number;
use crate::runtime::{ContainerHandle, ExecError, ExecSession, StopSignal};

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

    fn exec(&self, command: &[String], with_stdin: bool) -> Result<ExecSession, ExecError> {
        let (program, prefix) = self.helper.split_first().ok_or(ExecError::NotRunning)?;
        let mut child = tokio::process::Command::new(program)
            .args(prefix)
            .args(["__enter", &self.init, &self.working_folder, &self.user])
            .args(command.iter().map(|word| self.relocation.apply(word)))
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(if with_stdin {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(ExecError::NotRunning);
        };
        Ok(ExecSession {
            stdin: child
                .stdin
                .take()
                .map(|stdin| Box::new(stdin) as Box<dyn tokio::io::AsyncWrite + Send + Unpin>),
            stdout: Box::new(stdout),
            stderr: Box::new(stderr),
            exit: Box::pin(async move { child.wait().await.map_or(-1, exit_number) }),
        })
    }

    fn probe(&self, _probe: &Probe) -> Option<bool> {
        None
    }
}
