//! What happens to a pod's containers beside its worker, and what the worker makes of it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::record::{Ended, Record, State};
use super::worker::Worker;
use crate::events::Kind;
use crate::runtime::{ExitStatus, StartedContainer};

/// What happens to a container outside of the worker.
pub(crate) enum Happening {
    Started(Box<Result<StartedContainer, super::start::Refusal>>),
    Exited(ExitStatus),
    HookFailed(String),
    /// The startup probe passed, or there is none.
    StartupPassed,
    /// The readiness probe's verdict changed.
    Ready(bool),
    /// A startup or liveness probe failed for good.
    Unhealthy {
        grace: Option<i64>,
    },
}

pub(crate) struct Message {
    pub(crate) container: usize,
    pub(crate) start_number: u64,
    pub(crate) what: Happening,
}

impl Worker {
    pub(super) async fn take(&mut self, message: Message) {
        let at = message.container;
        let current = self
            .containers
            .get(at)
            .map(|container| container.start_number);
        if current != Some(message.start_number) {
            return;
        }
        match message.what {
            Happening::Started(result) => self.started(at, *result).await,
            Happening::Exited(exit) => self.exited(at, exit),
            Happening::HookFailed(text) => {
                let pod = Arc::clone(&self.pod);
                self.context
                    .events
                    .publish(&*pod, Kind::Warning, "FailedPostStartHook", &text)
                    .await;
                self.stop(&[at], self.grace());
            }
            Happening::StartupPassed => {
                if let Some(running) = self.containers.get_mut(at).and_then(Record::running_mut) {
                    running.is_started = true;
                }
            }
            Happening::Ready(is_ready) => {
                if let Some(running) = self.containers.get_mut(at).and_then(Record::running_mut) {
                    // A container that is stopping takes no more traffic, whatever its probe says.
                    running.is_ready = is_ready && running.kill_at.is_none();
                }
            }
            Happening::Unhealthy { grace } => {
                let name = self
                    .containers
                    .get(at)
                    .map(|container| container.name.clone());
                let text = format!(
                    "Container {} failed its probe, will be restarted",
                    name.unwrap_or_default()
                );
                let pod = Arc::clone(&self.pod);
                self.context
                    .events
                    .publish(&*pod, Kind::Normal, "Killing", &text)
                    .await;
                let grace = grace
                    .and_then(|seconds| u64::try_from(seconds).ok())
                    .map(Duration::from_secs);
                self.stop(&[at], grace.unwrap_or_else(|| self.grace()));
            }
        }
    }

    /// Takes in one thing that happened, for those who wait for containers to end.
    pub(super) async fn next_message(&mut self) {
        if let Some(message) = self.inbox.recv().await {
            self.take(message).await;
        }
    }

    pub(super) fn exited(&mut self, at: usize, exit: ExitStatus) {
        let last_words = self.last_words(at, exit.code);
        let Some(container) = self.containers.get_mut(at) else {
            return;
        };
        let State::Running(running) = &container.state else {
            return;
        };
        for watcher in &running.watchers {
            watcher.abort();
        }
        let ended = Ended {
            code: exit.code,
            reason: if exit.code == 0 { "Completed" } else { "Error" },
            message: last_words,
            id: Some(running.id.clone()),
            started_at: Some(running.since),
            finished_at: Some(Timestamp::now()),
        };
        let wait = container.backoff.after_run(running.since_instant.elapsed());
        container.not_before = Some(Instant::now() + wait);
        container.state = State::Ended(ended);
    }
}
