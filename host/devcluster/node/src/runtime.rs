//! What starts, watches and ends containers, behind one trait with two implementations.

pub(crate) mod process;
pub(crate) mod simulated;

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::{Pod, Probe};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;

/// A folder or file of the machine as a container sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) source: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) read_only: bool,
}

/// Everything that is decided about a container before it starts.
#[derive(Debug)]
pub(crate) struct ContainerStart {
    pub(crate) pod: Arc<Pod>,
    pub(crate) hostname: String,
    pub(crate) address: Ipv4Addr,
    pub(crate) image: String,
    pub(crate) command: Vec<String>,
    pub(crate) args: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) working_folder: Option<String>,
    pub(crate) user: Option<u32>,
    pub(crate) group: Option<u32>,
    pub(crate) mounts: Vec<Mount>,
    /// For this start only; gone when the container ends.
    pub(crate) folder: PathBuf,
    pub(crate) log: Arc<process::log::ContainerLog>,
}

/// Why a container did not start.
#[derive(Debug, Error)]
pub(crate) enum StartError {
    /// No recipe for the image, or no program of its recipes is installed.
    #[error("{0}")]
    Image(String),
    /// The container's world could not be made, or its command could not be started.
    #[error("{0}")]
    Start(String),
}

/// How a container ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExitStatus {
    pub(crate) code: i32,
}

/// A container that was started.
pub(crate) struct StartedContainer {
    pub(crate) handle: Arc<dyn ContainerHandle>,
    /// Resolves once, when the container and all its processes are gone.
    pub(crate) exit: BoxFuture<'static, ExitStatus>,
    /// What the runtime itself says about readiness (a script's `not ready`); probes come on top.
    pub(crate) ready: watch::Receiver<bool>,
}

/// Why a command could not be run in a container.
#[derive(Debug, Error)]
pub(crate) enum ExecError {
    #[error("the container is not running any more")]
    NotRunning,
    #[error("the command could not be started: {0}")]
    Start(#[from] std::io::Error),
    #[error("the command has no terminal: {0}")]
    Terminal(String),
}

/// What a command of exec is connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Streams {
    /// Standard output and standard error.
    Output,
    /// Standard input as well.
    InputAndOutput,
    /// A terminal for all three.
    Terminal,
}

/// The size of a terminal, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WindowSize {
    pub(crate) columns: u16,
    pub(crate) rows: u16,
}

/// Tells a command that its terminal has another size now.
pub(crate) type Resize = Box<dyn Fn(WindowSize) + Send>;

/// A command that runs in a container.
pub(crate) struct ExecSession {
    pub(crate) stdin: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    pub(crate) stdout: Box<dyn AsyncRead + Send + Unpin>,
    /// Empty with a terminal, which has one output.
    pub(crate) stderr: Box<dyn AsyncRead + Send + Unpin>,
    /// Only with a terminal.
    pub(crate) resize: Option<Resize>,
    pub(crate) exit: BoxFuture<'static, i32>,
}

/// The signals a kubelet sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopSignal {
    Terminate,
    Kill,
}

/// What is done with a running container.
#[async_trait]
pub(crate) trait ContainerHandle: Send + Sync {
    async fn signal(&self, signal: StopSignal);

    async fn exec(&self, command: &[String], streams: Streams) -> Result<ExecSession, ExecError>;

    /// The runtime's own answer to a probe; `None` means: ask over the network or by exec.
    fn probe(&self, probe: &Probe) -> Option<bool>;
}

/// What starts containers.
#[async_trait]
pub(crate) trait Runtime: Send + Sync {
    /// The name in a container's id, as in `process://…`.
    fn name(&self) -> &'static str;

    /// Whether a pod's volumes have to exist as folders.
    fn needs_volumes(&self) -> bool;

    /// Waits while the pod's node is scripted as lost.
    async fn until_reachable(&self, _pod: &str) {}

    /// Waits while the whole node is scripted as lost.
    async fn until_node_reachable(&self) {}

    async fn start(&self, start: ContainerStart) -> Result<StartedContainer, StartError>;
}
