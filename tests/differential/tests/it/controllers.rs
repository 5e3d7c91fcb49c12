//! Who manages StatefulSets: upstream's controller in a process of its own, or ours in a runtime of its own. Both can be killed in the middle of anything.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result};
use stateward_controlplane::component::STATEFULSET_CONTROLLER;
use stateward_controlplane::{ClientLimits, ControlPlane};
use stateward_operator::StatefulSetsFace;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// The gate of `strategy Recreate`.
pub(crate) const RECREATE: &str = "StatefulSetRecreateStrategy";

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Upstream,
    Ours,
}

impl Who {
    /// What its namespaces are called.
    pub(crate) fn topic(self) -> &'static str {
        match self {
            Self::Upstream => "upstream",
            Self::Ours => "ours",
        }
    }
}

/// A controller that runs.
pub(crate) struct Controller<'a> {
    kubernetes: &'a ControlPlane,
    who: Who,
    ours: Mutex<Option<Runtime>>,
    kills: AtomicU64,
    turn: tokio::sync::Mutex<()>,
}

impl<'a> Controller<'a> {
    pub(crate) async fn start(kubernetes: &'a ControlPlane, who: Who) -> Result<Self> {
        let controller = Self {
            kubernetes,
            who,
            ours: Mutex::default(),
            kills: AtomicU64::new(0),
            turn: tokio::sync::Mutex::default(),
        };
        controller.begin().await?;
        Ok(controller)
    }

    pub(crate) fn who(&self) -> Who {
        self.who
    }

    async fn begin(&self) -> Result<()> {
        match self.who {
            Who::Upstream => {
                let gate = format!("--feature-gates={RECREATE}=true");
                (self.kubernetes)
                    .start_statefulset_controller(ClientLimits::LIFTED, &[&gate])
                    .await?;
            }
            Who::Ours => {
                let runtime = tokio::runtime::Builder::new_multi_thread()
                    .worker_threads(2)
                    .enable_all()
                    .build()?;
                let kubernetes = self.kubernetes.clone();
                runtime.spawn(async move {
                    let client = kubernetes.client().await.expect("a client");
                    let options = stateward_operator::Options {
                        statefulsets: Some(StatefulSetsFace { embedded: true }),
                        ..stateward_operator::Options::new(client)
                    };
                    // Nobody stops it; it runs until its runtime is gone.
                    stateward_operator::run(options, CancellationToken::new()).await
                });
                *self.ours.lock().expect("nobody failed with it") = Some(runtime);
            }
        }
        Ok(())
    }

    /// Kills it, whatever it does.
    pub(crate) async fn kill(&self) -> Result<()> {
        match self.who {
            Who::Upstream => self.kubernetes.kill(STATEFULSET_CONTROLLER).await?,
            Who::Ours => {
                let runtime = self.ours.lock().expect("nobody failed with it").take();
                runtime.context("it does not run")?.shutdown_background();
            }
        }
        Ok(())
    }

    /// Kills it and starts it again. Scenarios share it, so those that want this at the same time get one restart, which begins after all of them asked.
    pub(crate) async fn restart(&self) -> Result<()> {
        let before = self.kills.load(Ordering::SeqCst);
        let _turn = self.turn.lock().await;
        if self.kills.load(Ordering::SeqCst) > before {
            return Ok(());
        }
        self.kills.fetch_add(1, Ordering::SeqCst);
        self.kill().await?;
        self.begin().await
    }
}
