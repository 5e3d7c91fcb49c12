//! What only the program around the runtime can do: reach members, read secrets, keep state, tell people.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use wasmtime::component::{ComponentType, Lift, Lower};

use crate::contract::Failure;

/// A byte stream to a member.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// The effects of one hook call.
///
/// Grants, budgets and text limits are checked before these are called, pods are known members of the snapshot, and every future is dropped when the
/// timeout that the plugin gave, or the call's own, has passed. What remains for the implementation is to check that the pod still is the one of that
/// UID ([`Failure::Replaced`]) and to do the thing.
#[async_trait]
pub trait Effects: Send + Sync {
    /// Opens a byte stream to this pod. `port` is the name of a container port, or its number.
    async fn dial(&self, pod: &str, port: &str) -> Result<Box<dyn Stream>, Failure>;

    /// Runs a program in a container of this pod and waits for its end.
    async fn exec(&self, pod: &str, command: Command) -> Result<ExecOutput, Failure>;

    /// Starts a program that may outlive the call, under a key of this pod's present containers; or what became of it, when it was started before.
    async fn start(&self, pod: &str, key: &str, command: Command) -> Result<Job, Failure> {
        let _ = (pod, key, command);
        Err(not_here("exec.start"))
    }

    /// What became of a program that was started under this key.
    async fn poll(&self, pod: &str, key: &str) -> Result<Job, Failure> {
        let _ = (pod, key);
        Err(not_here("exec.poll"))
    }

    /// The value of a ConfigMap that the app's owner bound to this slot.
    async fn config(&self, slot: &str) -> Result<Vec<u8>, Failure> {
        let _ = slot;
        Err(not_here("config.read"))
    }

    /// A number that the manifest declares, of a member or of the app.
    fn metric(&self, name: &str, ordinal: Option<u32>, change: Change) {
        let _ = (name, ordinal, change);
    }

    /// The call did what this grant would allow, and it is not granted. `counted`: it was let through nonetheless.
    fn refused(&self, grant: &str, counted: bool) {
        let _ = (grant, counted);
    }

    /// Values of the app's secrets that earlier calls have read: they are masked in this one from its start.
    fn known_secrets(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }

    /// The value that the app's owner bound to this slot.
    async fn secret(&self, slot: &str) -> Result<Vec<u8>, Failure>;

    /// Stores a value; durable when it returns the new version. `after_version` is 0 for a key that was never written; [`Failure::Conflict`] when it
    /// was written since.
    async fn put_state(
        &self,
        key: &str,
        value: Vec<u8>,
        after_version: u64,
    ) -> Result<u64, Failure>;

    /// An event on the app. The text is cleaned, capped and masked.
    fn emit(&self, weight: Weight, reason: &str, note: &str);

    /// A line for the log. The text is cleaned, capped and masked.
    fn log(&self, level: Level, text: &str);

    /// Name of the pod's first container, which a command without a container means. A plugin must name the container where this is not known.
    fn first_container(&self, _pod: &str) -> Option<String> {
        None
    }
}

fn not_here(what: &str) -> Failure {
    Failure::Other(format!("{what} cannot be had from this host"))
}

/// What became of a program that may outlive the call that started it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// It runs.
    Running,
    /// It ended.
    Exited(ExecOutput),
    /// Nobody knows any more.
    Lost,
}

/// How a number changes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// A gauge has this value now.
    Set(f64),
    /// A counter grows by this much.
    Add(f64),
}

/// A program to run in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The container: always one that the grants name.
    pub container: String,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// What it reads from its standard input.
    pub stdin: Vec<u8>,
}

/// What a program answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecOutput {
    /// Exit code of the program.
    pub code: i32,
    /// Its standard output, up to 256 KiB.
    pub stdout: Vec<u8>,
    /// Its standard error, up to 256 KiB.
    pub stderr: Vec<u8>,
    /// Whether output beyond the limit was dropped. The runtime cuts and sets it too.
    pub truncated: bool,
}

/// Weight of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[component(enum)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Weight {
    /// Something went as it should.
    #[component(name = "normal")]
    Normal,
    /// Somebody should look.
    #[component(name = "warning")]
    Warning,
}

/// Level of a log line.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ComponentType,
    Lift,
    Lower,
)]
#[component(enum)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Level {
    /// For the plugin's author.
    #[component(name = "debug")]
    Debug,
    /// For the operator.
    #[component(name = "info")]
    Info,
    /// Something is odd.
    #[component(name = "warn")]
    Warn,
    /// Something is wrong.
    #[component(name = "error")]
    Error,
}
