//! What goes over the control socket between the agent and a container: one JSON value per line.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::isolation::Isolation;

/// The first line from the agent: the whole container. It holds resolved secrets, so it is never written to disk.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ContainerSpec {
    pub(super) isolation: Isolation,
    pub(super) hostname: String,
    /// Folder of this start, on the machine: takes what the container writes to its root.
    pub(super) folder: PathBuf,
    /// Folders of the machine that a container must not see, such as other pods' volumes.
    pub(super) hidden: Vec<PathBuf>,
    pub(super) mounts: Vec<MountSpec>,
    /// The binary on the machine, to be found inside as [`super::HELPER_IN_CONTAINER`].
    pub(super) helper: PathBuf,
    pub(super) argv: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    pub(super) working_folder: Option<String>,
    pub(super) user: Option<u32>,
    pub(super) group: Option<u32>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MountSpec {
    pub(super) source: PathBuf,
    pub(super) target: PathBuf,
    pub(super) read_only: bool,
}

/// Later lines from the agent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Order {
    /// Send this signal number to the container's command.
    Signal(i32),
}

/// Lines to the agent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Report {
    /// PID 1 of the container exists; its number as the machine counts.
    Init(u32),
    /// The command runs.
    Started,
    /// The container will not run, and why.
    Failed(String),
}
