//! Ours on the embedded API, in moved time: a scenario of minutes takes milliseconds.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use stateward_devcluster::Cluster;
use stateward_devcluster::simulation::{FaultPlan, Link};
use stateward_operator::{Clock, Options, StatefulSetsFace, install_crds, run};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::deeds::Actor;
use super::protection::Protection;
use crate::face::Face;
use crate::picture::Picture;
use crate::scenario::{Deed, Scenario};

/// Nothing moves any more when nothing was written for so long.
const REST: Duration = Duration::from_secs(12);
/// What is refused is tried again within a minute and a fifth.
const REST_OF_THE_REFUSED: Duration = Duration::from_secs(75);
/// The longest that it may take, in moved time.
const PATIENCE: Duration = Duration::from_secs(900);

/// What a scenario left behind.
#[derive(Debug)]
pub struct Played {
    /// One for each line after which the scenario waited.
    pub pictures: Vec<Picture>,
    /// All that happened to pods, in order.
    pub record: Vec<String>,
}

/// Plays a scenario with our operator, whose connection fails by `plan`. Everything happens in this thread.
///
/// # Errors
/// When a request is refused, or it never comes to rest.
pub fn play_embedded(face: Face, scenario: &Scenario, plan: &FaultPlan) -> Result<Played> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()?;
    fastrand::seed(plan.seed);
    runtime.block_on(async {
        let cluster = Cluster::simulated(plan.seed);
        install_crds(cluster.client("default")).await?;
        let link = cluster.link();
        link.arm(plan.clone());
        let mut controller = Controller::start(&cluster, link);
        let clock = cluster.clock().clone();
        let clock = Arc::new(move || clock.now());
        let client = cluster.client("default");
        let _protection = Protection::start(client.clone(), "default");
        let actor = Actor::new(client, "default", face, clock, scenario.has_order());
        let mut played = Played {
            pictures: Vec::new(),
            record: Vec::new(),
        };
        let mut quiet = REST;
        for line in &scenario.lines {
            match line.deed {
                // Each refusal is told, so as long as the quota counts it is never quiet for long.
                Deed::Quota(Some(_)) => quiet = REST,
                Deed::Quota(None) => quiet = REST_OF_THE_REFUSED,
                _ => {}
            }
            match line.deed {
                Deed::Restart => controller = controller.restarted(&cluster),
                ref deed => (actor.perform(deed).await).with_context(|| deed.to_string())?,
            }
            if line.is_hasty {
                continue;
            }
            controller =
                (rest(&cluster, controller, quiet).await).with_context(|| line.deed.to_string())?;
            played.pictures.push(actor.look().await?);
            played.record.extend(actor.kubelet().take_record());
        }
        Ok(played)
    })
}

async fn rest(
    cluster: &Cluster,
    mut controller: Controller,
    quiet: Duration,
) -> Result<Controller> {
    let begin = Instant::now();
    let mut seen = cluster.revision();
    let mut since = Instant::now();
    while since.elapsed() < quiet {
        sleep(Duration::from_millis(500)).await;
        if controller.link.is_cut() {
            controller = controller.restarted(cluster);
            since = Instant::now();
        }
        let now = cluster.revision();
        if now != seen {
            (seen, since) = (now, Instant::now());
        }
        if begin.elapsed() > PATIENCE {
            bail!("it never comes to rest");
        }
    }
    Ok(controller)
}

/// The operator, and its connection.
struct Controller {
    link: Link,
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl Controller {
    fn start(cluster: &Cluster, link: Link) -> Self {
        let clock = cluster.clock().clone();
        let options = Options {
            statefulsets: Some(StatefulSetsFace { embedded: true }),
            clock: Clock::reading(move || clock.now()),
            ..Options::new(link.client("default"))
        };
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            // It runs until it is ended here; how it ends is of no interest.
            let _ = run(options, stopped).await;
        });
        Self { link, task, stop }
    }

    /// It dies in the middle of whatever it does, and another takes over.
    fn restarted(self, cluster: &Cluster) -> Self {
        self.link.cut();
        drop(self);
        Self::start(cluster, cluster.link())
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        self.task.abort();
        self.stop.cancel();
    }
}
