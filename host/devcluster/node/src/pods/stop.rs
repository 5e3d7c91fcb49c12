//! Stopping containers: preStop hook, TERM, grace period, KILL.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, LifecycleHandler, Pod};
use tokio::sync::watch;
use tokio::time::Instant;

use super::record::{Record, State};
use super::worker::Worker;
use crate::events::{Kind, Recorder};
use crate::probes::hook;
use crate::runtime::{ContainerHandle, StopSignal};

/// An agent that stops ends its pods, but does not wait for a long grace period.
const LONGEST_GRACE_OF_AGENT: Duration = Duration::from_secs(5);

/// As a kubelet, for containers whose turn comes when the grace period is over.
const SHORTEST_GRACE: Duration = Duration::from_secs(2);

impl Worker {
    /// The grace period that applies now.
    pub(super) fn grace(&self) -> Duration {
        let of_deletion = self.pod.metadata.deletion_grace_period_seconds;
        let spec = self.pod.spec.as_ref();
        let of_spec = spec.and_then(|spec| spec.termination_grace_period_seconds);
        let seconds = of_deletion.or(of_spec).unwrap_or(30);
        Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
    }

    /// What is left of the grace period of a pod that ends. Containers that are asked later have less of it, but some.
    pub(super) fn grace_left(&mut self) -> Duration {
        let since = *self.ending_since.get_or_insert_with(Instant::now);
        let grace = self.grace();
        let left = grace.saturating_sub(since.elapsed());
        left.max(grace.min(SHORTEST_GRACE))
    }

    /// A second deletion with a shorter grace period takes effect on what is stopping already.
    pub(super) fn shorten_grace(&mut self) {
        let told = self.pod.metadata.deletion_grace_period_seconds;
        if told.is_none() || told == self.grace_told {
            return;
        }
        self.grace_told = told;
        let latest = Instant::now() + self.grace();
        for kill_at in self
            .containers
            .iter()
            .filter_map(|container| container.running()?.kill_at.as_ref())
        {
            kill_at.send_if_modified(|at| {
                let is_shorter = latest < *at;
                if is_shorter {
                    *at = latest;
                }
                is_shorter
            });
        }
    }

    /// Begins to stop these containers; their exits come as messages.
    pub(super) fn stop(&mut self, containers: &[usize], grace: Duration) {
        for at in containers {
            let Some(container) = self.container_spec(*at).cloned() else {
                continue;
            };
            let ending = Ending {
                hook: container
                    .lifecycle
                    .as_ref()
                    .and_then(|lifecycle| lifecycle.pre_stop.clone()),
                container,
                address: self.address,
                events: self.context.events.clone(),
                pod: Arc::clone(&self.pod),
            };
            let Some(record) = self.containers.get_mut(*at) else {
                continue;
            };
            record.abandon_start();
            let Some(running) = record
                .running_mut()
                .filter(|running| running.kill_at.is_none())
            else {
                continue;
            };
            for watcher in running.watchers.drain(..) {
                watcher.abort();
            }
            let (kill_at, kill_at_told) = watch::channel(Instant::now() + grace);
            let handle = Arc::clone(&running.handle);
            running.kill_at = Some(kill_at);
            // A container that is stopping takes no more traffic.
            running.is_ready = false;
            self.tasks.spawn(stop_one(handle, ending, kill_at_told));
            let name = record.name.clone();
            let (events, pod) = (self.context.events.clone(), Arc::clone(&self.pod));
            if pod.metadata.deletion_timestamp.is_some() {
                self.tasks.spawn(async move {
                    let text = format!("Stopping container {name}");
                    events.publish(&*pod, Kind::Normal, "Killing", &text).await;
                });
            }
        }
    }

    /// The agent stops: processes end, objects stay, so that the next agent takes the pods up again.
    pub(super) async fn stop_for_agent(&mut self) {
        let all: Vec<usize> = (0..self.containers.len()).collect();
        self.stop(&all, self.grace().min(LONGEST_GRACE_OF_AGENT));
        self.ended().await;
    }

    /// The object is gone: nothing may run on.
    pub(super) async fn kill_all(&mut self) {
        for record in &mut self.containers {
            record.abandon_start();
            if let State::Running(running) = &record.state {
                running.handle.signal(StopSignal::Kill).await;
            }
        }
        self.ended().await;
    }

    async fn ended(&mut self) {
        while self.containers.iter().any(Record::is_running) {
            self.next_message().await;
        }
    }
}

/// How a container is asked to end.
struct Ending {
    container: Container,
    hook: Option<LifecycleHandler>,
    address: Option<Ipv4Addr>,
    events: Recorder,
    pod: Arc<Pod>,
}

/// Until the container's exit ends this: the worker drops `kill_at` then.
async fn stop_one(
    handle: Arc<dyn ContainerHandle>,
    ending: Ending,
    mut kill_at: watch::Receiver<Instant>,
) {
    let gently = async {
        if let Some(hook) = &ending.hook
            && let Err(error) = hook::run(&*handle, &ending.container, hook, ending.address).await
        {
            // A hook that fails does not keep the container alive.
            let text = format!("PreStopHook failed: {error}");
            let (events, pod) = (&ending.events, &*ending.pod);
            events
                .publish(pod, Kind::Warning, "FailedPreStopHook", &text)
                .await;
        }
        handle.signal(StopSignal::Terminate).await;
        std::future::pending::<()>().await;
    };
    let deadline = async {
        loop {
            let at = *kill_at.borrow_and_update();
            tokio::select! {
                () = tokio::time::sleep_until(at) => return true,
                changed = kill_at.changed() => if changed.is_err() { return false },
            }
        }
    };
    tokio::select! {
        () = gently => {}
        is_late = deadline => if is_late { handle.signal(StopSignal::Kill).await },
    }
}
