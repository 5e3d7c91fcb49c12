//! What is measured: from the request until the last pod is as it was asked for, as somebody who watches the pods sees it.

use std::collections::HashMap;
use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Event;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::watcher::{self, watcher};
use kube::{Client, ResourceExt};
use serde::Serialize;
use serde_json::json;
use stateward_controlplane::{ControlPlane, component};

use super::contender::{Contender, pods};
use super::nodes::SeenPod;

const PATIENCE: Duration = Duration::from_secs(300);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Create,
    /// A new template for all.
    Update,
    /// From all to none.
    Empty,
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    apps: u32,
    replicas: u32,
    is_parallel: bool,
    change: Change,
}

/// What one turn came to.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Figures {
    /// Seconds from the request until the last pod.
    pub(crate) seconds: f64,
    pub(crate) pods_per_second: f64,
    /// Processor seconds of the controller's process.
    pub(crate) controller_cpu: f64,
    /// Processor seconds of the API server.
    pub(crate) api_server_cpu: f64,
    /// Writes by the controller for each pod, events among them.
    pub(crate) writes_per_pod: f64,
    /// Resident memory of the controller at the end, in MB.
    pub(crate) memory: f64,
    /// Share of the machine's processors that was in use, by whomever: near 1 the bed is the limit, whoever controls.
    pub(crate) busy: f64,
    /// Milliseconds between "ready" and the next pod's creation; only where one waits for the other.
    pub(crate) gap_p50: Option<f64>,
    pub(crate) gap_p99: Option<f64>,
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{:>7.2} s {:>7.1} pods/s  cpu {:>5.2} s, API server {:>5.2} s  {:>5.2} writes/pod  {:>5.1} MB  machine {:>3.0} % busy",
            self.seconds,
            self.pods_per_second,
            self.controller_cpu,
            self.api_server_cpu,
            self.writes_per_pod,
            self.memory,
            self.busy * 100.0,
        )?;
        match (self.gap_p50, self.gap_p99) {
            (Some(p50), Some(p99)) => write!(out, "  gap {p50:.1}/{p99:.1} ms"),
            _ => Ok(()),
        }
    }
}

impl Case {
    pub(crate) fn all() -> Vec<Self> {
        let case = |name, apps, replicas, is_parallel, change| Self {
            name,
            apps,
            replicas,
            is_parallel,
            change,
        };
        vec![
            case("1 x 300 OrderedReady", 1, 300, false, Change::Create),
            case("1 x 300 Parallel", 1, 300, true, Change::Create),
            case("100 x 3 OrderedReady", 100, 3, false, Change::Create),
            case("update of 100", 1, 100, false, Change::Update),
            case("100 to zero", 1, 100, false, Change::Empty),
        ]
    }

    pub(crate) async fn run(
        &self,
        kubernetes: &ControlPlane,
        contender: Contender,
    ) -> Result<Figures> {
        let client = kubernetes.client().await?;
        let namespace = kubernetes.namespace("bench").await?;
        let apps: Api<DynamicObject> =
            Api::namespaced_with(client.clone(), &namespace, &contender.kind());
        let names: Vec<String> = (0..self.apps)
            .map(|number| format!("app-{number}"))
            .collect();
        let mut seen = Seen::watching(client.clone(), &namespace);
        let total = (self.apps * self.replicas) as usize;
        if self.change != Change::Create {
            // What is there beforehand comes all at once.
            self.create(&apps, contender, &names).await?;
            seen.until(|seen| seen.ready("app:1") == total).await?;
            self.settle(&apps, &names).await?;
        }

        let before = Meter::read(kubernetes, contender, &client, &namespace).await?;
        seen.forget_gaps();
        let (begin, idle) = (Instant::now(), idle()?);
        match self.change {
            Change::Create => {
                self.create(&apps, contender, &names).await?;
                seen.until(|seen| seen.ready("app:1") == total).await?;
            }
            Change::Update => {
                let patch = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "main", "image": "app:2" }] } } } });
                apps.patch(&names[0], &PatchParams::default(), &Patch::Merge(&patch))
                    .await?;
                seen.until(|seen| seen.ready("app:2") == total).await?;
            }
            Change::Empty => {
                let patch = json!({ "spec": { "replicas": 0 } });
                apps.patch(&names[0], &PatchParams::default(), &Patch::Merge(&patch))
                    .await?;
                seen.until(Seen::is_empty).await?;
            }
        }
        let seconds = begin.elapsed().as_secs_f64();
        let busy = 1.0 - (self::idle()? - idle) / (seconds * processors()?);
        let used = Meter::read(kubernetes, contender, &client, &namespace).await?;
        // Statuses and events that are on their way count, too.
        self.settle(&apps, &names).await?;
        let written = Meter::read(kubernetes, contender, &client, &namespace).await?;
        let (gap_p50, gap_p99) = match (self.change, self.is_parallel, self.apps) {
            (Change::Create, false, 1) => (seen.gap(0.5), seen.gap(0.99)),
            _ => (None, None),
        };
        let figures = Figures {
            seconds,
            pods_per_second: total as f64 / seconds,
            controller_cpu: (used.controller - before.controller).as_secs_f64(),
            api_server_cpu: (used.api_server - before.api_server).as_secs_f64(),
            writes_per_pod: (written.writes - before.writes) as f64 / total as f64,
            memory: used.memory as f64 / 1e6,
            busy,
            gap_p50,
            gap_p99,
        };
        drop(seen);
        for name in &names {
            apps.delete(name, &DeleteParams::background()).await?;
        }
        let pods = pods(client, &namespace);
        while !pods
            .list_metadata(&ListParams::default().limit(1))
            .await?
            .items
            .is_empty()
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(figures)
    }

    async fn create(
        &self,
        apps: &Api<DynamicObject>,
        contender: Contender,
        names: &[String],
    ) -> Result<()> {
        let parameters = PostParams::default();
        let creates = names.iter().map(|name| {
            let app = contender.manifest(
                name,
                self.replicas,
                self.is_parallel || self.change != Change::Create,
            );
            let parameters = &parameters;
            async move {
                apps.create(parameters, &serde_json::from_value(app)?)
                    .await
                    .map_err(anyhow::Error::from)
            }
        });
        futures::stream::iter(creates)
            .buffer_unordered(16)
            .try_collect::<Vec<_>>()
            .await?;
        Ok(())
    }

    /// Until the status of every app has not changed for a second.
    async fn settle(&self, apps: &Api<DynamicObject>, names: &[String]) -> Result<()> {
        let mut known = Vec::new();
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now: Vec<_> = (apps
                .list_metadata(&ListParams::default())
                .await?
                .items
                .into_iter())
            .filter(|app| names.contains(&app.name_any()))
            .map(|app| app.resource_version())
            .collect();
            if now == known {
                return Ok(());
            }
            known = now;
        }
    }
}

/// What somebody sees who watches the pods.
pub(crate) struct Seen {
    events: BoxStream<'static, watcher::Result<watcher::Event<SeenPod>>>,
    /// The image, once it is ready with it.
    pods: HashMap<String, Option<String>>,
    last_ready: Option<Instant>,
    gaps: Vec<f64>,
}

impl Seen {
    pub(crate) fn watching(client: Client, namespace: &str) -> Self {
        Self {
            events: watcher(
                Api::namespaced(client, namespace),
                watcher::Config::default(),
            )
            .boxed(),
            pods: HashMap::new(),
            last_ready: None,
            gaps: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pods.is_empty()
    }

    pub(crate) fn ready(&self, image: &str) -> usize {
        self.pods
            .values()
            .filter(|ready| ready.as_deref() == Some(image))
            .count()
    }

    fn forget_gaps(&mut self) {
        self.gaps.clear();
        self.last_ready = None;
    }

    fn gap(&self, quantile: f64) -> Option<f64> {
        let mut gaps = self.gaps.clone();
        gaps.sort_by(f64::total_cmp);
        let place = ((gaps.len().saturating_sub(1)) as f64 * quantile) as usize;
        gaps.get(place).copied()
    }

    pub(crate) async fn until(&mut self, is_reached: impl Fn(&Self) -> bool) -> Result<()> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !is_reached(self) {
            match tokio::time::timeout_at(deadline, self.events.next()).await {
                Ok(Some(Ok(event))) => self.take(event),
                Ok(Some(Err(error))) => eprintln!("watching pods: {error}"),
                Ok(None) | Err(_) => bail!(
                    "{} pods after {PATIENCE:?}, {} of them ready",
                    self.pods.len(),
                    self.ready("app:1") + self.ready("app:2")
                ),
            }
        }
        Ok(())
    }

    fn take(&mut self, event: watcher::Event<SeenPod>) {
        match event {
            watcher::Event::Apply(pod) | watcher::Event::InitApply(pod) => {
                let ready = ready_with(&pod);
                let before = self.pods.insert(pod.name_any(), ready.clone());
                let now = Instant::now();
                if before.is_none()
                    && let Some(since) = self.last_ready.take()
                {
                    self.gaps
                        .push(now.duration_since(since).as_secs_f64() * 1000.0);
                }
                if ready.is_some() && before.flatten().is_none() {
                    self.last_ready = Some(now);
                }
            }
            watcher::Event::Delete(pod) => {
                self.pods.remove(&pod.name_any());
            }
            watcher::Event::Init | watcher::Event::InitDone => {}
        }
    }
}

fn ready_with(pod: &SeenPod) -> Option<String> {
    let is_ready =
        (pod.status.conditions.iter()).any(|one| one.r#type == "Ready" && one.status == "True");
    let is_leaving = pod.metadata.deletion_timestamp.is_some();
    let image = pod.spec.containers.first()?.image.clone();
    (is_ready && !is_leaving).then_some(image)
}

/// Seconds that the machine's processors had nothing to do, in sum.
fn idle() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/uptime")?;
    let idle = text.split_whitespace().nth(1);
    Ok(idle.context("/proc/uptime has two numbers")?.parse()?)
}

fn processors() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/stat")?;
    let is_one = |line: &&str| line.starts_with("cpu") && !line.starts_with("cpu ");
    Ok(text.lines().filter(is_one).count() as f64)
}

/// What was used and written until now.
struct Meter {
    controller: Duration,
    api_server: Duration,
    memory: u64,
    writes: u64,
}

impl Meter {
    async fn read(
        kubernetes: &ControlPlane,
        contender: Contender,
        client: &Client,
        namespace: &str,
    ) -> Result<Self> {
        let used = kubernetes.usage(contender.component())?;
        Ok(Self {
            controller: used.cpu,
            api_server: kubernetes.usage(component::API_SERVER)?.cpu,
            memory: used.memory,
            writes: writes(client).await? + events(client, namespace, contender).await?,
        })
    }
}

/// Writes of what only the controller writes, as the API server counts them: pods made, changed and deleted (with no grace, so that nobody else has to), revisions, the
/// apps and their status.
async fn writes(client: &Client) -> Result<u64> {
    let text = client
        .request_text(http::Request::get("/metrics").body(Vec::new())?)
        .await?;
    let lines = text
        .lines()
        .filter(|line| line.starts_with("apiserver_request_total{"));
    let counted = lines.filter(|line| {
        let has = |label: &str| line.contains(label);
        let is_of = |resource: &str| has(&format!("resource=\"{resource}\""));
        let is_write = ["POST", "PUT", "PATCH", "APPLY", "DELETE"]
            .iter()
            .any(|verb| has(&format!("verb=\"{verb}\"")));
        let is_pod = is_of("pods") && has("subresource=\"\"");
        is_write
            && (is_pod
                || is_of("controllerrevisions")
                || is_of("statefulsets")
                || is_of("statefulapps"))
    });
    let value = |line: &str| {
        line.rsplit(' ')
            .next()
            .and_then(|word| word.parse::<f64>().ok())
    };
    Ok(counted.filter_map(value).sum::<f64>() as u64)
}

/// Events of the controller: one write each, and one for each repetition.
async fn events(client: &Client, namespace: &str, contender: Contender) -> Result<u64> {
    let events: Api<Event> = Api::namespaced(client.clone(), namespace);
    let about = contender.kind().kind;
    let fields = ListParams::default().fields(&format!("involvedObject.kind={about}"));
    let counts = events.list(&fields).await?.items.into_iter();
    Ok(counts
        .map(|event| {
            event
                .count
                .and_then(|count| u64::try_from(count).ok())
                .unwrap_or(1)
        })
        .sum())
}
