//! Probes and the post-start hook of a running container.

pub(crate) mod action;
mod grpc;
pub(crate) mod hook;
mod threshold;
mod tls;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::{Container, Pod, Probe};
use tokio::sync::{mpsc, watch};

use crate::events::{Kind, Recorder};
use crate::pods::{Happening, Message};
use crate::runtime::ContainerHandle;
use threshold::{Threshold, Verdict};

/// Watches one container until it is aborted with it.
pub(crate) struct Watch {
    pub(crate) container: Container,
    pub(crate) handle: Arc<dyn ContainerHandle>,
    pub(crate) address: Option<Ipv4Addr>,
    pub(crate) events: Recorder,
    pub(crate) pod: Arc<Pod>,
    pub(crate) messages: mpsc::UnboundedSender<Message>,
    pub(crate) at: usize,
    pub(crate) start_number: u64,
    /// What the worker knows of readiness already.
    pub(crate) is_told_ready: bool,
    /// The runtime's own word on readiness.
    pub(crate) runtime_ready: watch::Receiver<bool>,
}

impl Watch {
    /// Hook, then startup probe, then liveness and readiness side by side; init containers have the hook only.
    pub(crate) async fn run(self, has_probes: bool) {
        let hook = self
            .container
            .lifecycle
            .as_ref()
            .and_then(|lifecycle| lifecycle.post_start.clone());
        if let Some(hook) = hook
            && let Err(error) = hook::run(&*self.handle, &self.container, &hook, self.address).await
        {
            self.send(Happening::HookFailed(format!(
                "PostStartHook failed: {error}"
            )));
            return;
        }
        if has_probes
            && let Some(probe) = &self.container.startup_probe
            && !self.passes_startup(probe).await
        {
            self.send(Happening::Unhealthy {
                grace: probe.termination_grace_period_seconds,
            });
            return;
        }
        self.send(Happening::StartupPassed);
        if has_probes {
            tokio::join!(self.readiness(), self.liveness());
        } else {
            self.send(Happening::Ready(true));
        }
    }

    fn send(&self, what: Happening) {
        // A worker that is gone needs no news.
        let _gone = self.messages.send(Message {
            container: self.at,
            start_number: self.start_number,
            what,
        });
    }

    async fn passes_startup(&self, probe: &Probe) -> bool {
        let mut threshold = Threshold::new(probe, false);
        initial_delay(probe).await;
        loop {
            match threshold.count(self.probe("Startup", probe).await) {
                Verdict::Passes => return true,
                Verdict::Fails => return false,
                Verdict::Undecided => tokio::time::sleep(period(probe)).await,
            }
        }
    }

    async fn liveness(&self) {
        let Some(probe) = &self.container.liveness_probe else {
            return;
        };
        let mut threshold = Threshold::new(probe, true);
        initial_delay(probe).await;
        while threshold.count(self.probe("Liveness", probe).await) != Verdict::Fails {
            tokio::time::sleep(period(probe)).await;
        }
        self.send(Happening::Unhealthy {
            grace: probe.termination_grace_period_seconds,
        });
    }

    async fn readiness(&self) {
        let mut runtime_ready = self.runtime_ready.clone();
        let (passes, mut is_passing) = watch::channel(self.container.readiness_probe.is_none());
        let probing = async {
            let Some(probe) = &self.container.readiness_probe else {
                return std::future::pending().await;
            };
            let mut threshold = Threshold::new(probe, false);
            initial_delay(probe).await;
            loop {
                match threshold.count(self.probe("Readiness", probe).await) {
                    Verdict::Passes => passes.send_replace(true),
                    Verdict::Fails => passes.send_replace(false),
                    Verdict::Undecided => *passes.borrow(),
                };
                tokio::time::sleep(period(probe)).await;
            }
        };
        let telling = async {
            let mut told = self.is_told_ready;
            loop {
                let is_ready =
                    *runtime_ready.borrow_and_update() && *is_passing.borrow_and_update();
                if is_ready != told {
                    told = is_ready;
                    self.send(Happening::Ready(is_ready));
                }
                tokio::select! {
                    Ok(()) = runtime_ready.changed() => {}
                    Ok(()) = is_passing.changed() => {}
                    else => return std::future::pending().await,
                }
            }
        };
        tokio::join!(probing, telling);
    }

    async fn probe(&self, name: &str, probe: &Probe) -> bool {
        let limit = Duration::from_secs(seconds(probe.timeout_seconds, 1));
        let outcome = match self.handle.probe(probe) {
            Some(true) => Ok(()),
            Some(false) => Err("the simulation says so".to_owned()),
            None => match tokio::time::timeout(
                limit,
                action::probe(&*self.handle, &self.container, probe, self.address),
            )
            .await
            {
                Ok(outcome) => outcome,
                Err(_) => Err(format!("no answer within {} s", limit.as_secs())),
            },
        };
        if let Err(error) = &outcome {
            let text = format!("{name} probe failed: {error}");
            self.events
                .publish(&*self.pod, Kind::Warning, "Unhealthy", &text)
                .await;
        }
        outcome.is_ok()
    }
}

async fn initial_delay(probe: &Probe) {
    tokio::time::sleep(Duration::from_secs(seconds(probe.initial_delay_seconds, 0))).await;
}

fn period(probe: &Probe) -> Duration {
    Duration::from_secs(seconds(probe.period_seconds, 10).max(1))
}

fn seconds(value: Option<i32>, default: u64) -> u64 {
    value
        .and_then(|value| u64::try_from(value).ok())
        .unwrap_or(default)
}
