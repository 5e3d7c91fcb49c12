//! What the node knows of a container.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Container, Pod};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::backoff::Backoff;
use crate::runtime::ContainerHandle;
use crate::runtime::process::log::ContainerLog;

/// When a container runs in the life of its pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Runs to its end before the next one starts.
    Init,
    /// An init container that is kept running.
    Sidecar,
    Main,
}

/// How a container ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) reason: &'static str,
    pub(crate) message: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
}

/// A running container.
pub(crate) struct Running {
    pub(crate) id: String,
    pub(crate) since: Timestamp,
    pub(crate) since_instant: Instant,
    /// The startup probe passed, or there is none.
    pub(crate) is_started: bool,
    /// The readiness probe passes, or there is none.
    pub(crate) is_ready: bool,
    pub(crate) handle: Arc<dyn ContainerHandle>,
    /// When it will be killed, once it is being stopped.
    pub(crate) kill_at: Option<watch::Sender<Instant>>,
    /// Probes and hooks, which end with the container.
    pub(crate) watchers: Vec<AbortHandle>,
}

pub(crate) enum State {
    /// Not started, or its last attempt was refused.
    Waiting {
        reason: &'static str,
        message: Option<String>,
    },
    /// The runtime works on it.
    Starting,
    Running(Box<Running>),
    Ended(Ended),
}

pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) role: Role,
    pub(crate) state: State,
    pub(crate) last: Option<Ended>,
    pub(crate) restarts: i32,
    /// Distinguishes starts of this container in this process.
    pub(crate) start_number: u64,
    pub(crate) backoff: Backoff,
    pub(crate) not_before: Option<Instant>,
    /// Of the last start that came to run.
    pub(crate) log: Option<Arc<ContainerLog>>,
    /// Of the one before.
    pub(crate) previous_log: Option<PathBuf>,
    /// Of the start that the runtime works on.
    pub(crate) next_log: Option<Arc<ContainerLog>>,
    pub(crate) starting: Option<AbortHandle>,
}

impl Record {
    pub(super) fn new(container: &Container, role: Role) -> Self {
        Self {
            name: container.name.clone(),
            image: container.image.clone().unwrap_or_default(),
            role,
            state: State::Waiting {
                reason: "ContainerCreating",
                message: None,
            },
            last: None,
            restarts: 0,
            start_number: 0,
            backoff: Backoff::default(),
            not_before: None,
            log: None,
            previous_log: None,
            next_log: None,
            starting: None,
        }
    }

    /// The records of a pod that never ran here: init containers in order, then the others.
    pub(super) fn all_of(pod: &Pod) -> Vec<Self> {
        let Some(spec) = &pod.spec else {
            return Vec::new();
        };
        let init = spec.init_containers.iter().flatten().map(|container| {
            let role = match container.restart_policy.as_deref() {
                Some("Always") => Role::Sidecar,
                _ => Role::Init,
            };
            Self::new(container, role)
        });
        let main = spec
            .containers
            .iter()
            .map(|container| Self::new(container, Role::Main));
        init.chain(main).collect()
    }

    pub(super) fn running(&self) -> Option<&Running> {
        match &self.state {
            State::Running(running) => Some(running),
            _ => None,
        }
    }

    pub(super) fn running_mut(&mut self) -> Option<&mut Running> {
        match &mut self.state {
            State::Running(running) => Some(running),
            _ => None,
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.running().is_some()
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.running()
            .is_some_and(|running| running.kill_at.is_some())
    }

    pub(super) fn is_ready(&self) -> bool {
        self.running()
            .is_some_and(|running| running.is_started && running.is_ready)
    }

    pub(super) fn exit_code(&self) -> Option<i32> {
        match &self.state {
            State::Ended(ended) => Some(ended.code),
            _ => None,
        }
    }
}
