//! 10 000 objects and 50 watchers: how fast the embedded API takes writes and what they cost in memory, beside the real
//! kube-apiserver with the same clients, the same bytes and the same number of watchers, in one run.
//!
//! `make bench` prints the rates and their ratios.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a bench ends at the first thing that fails"
)]

use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt};
use http::Request;
use http_body_util::BodyExt;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::json;
use stateward_controlplane::{ControlPlane, Options, component};
use stateward_devcluster::{Cluster, ServeOptions};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const OBJECTS: usize = 10_000;
const WATCHERS: usize = 50;
/// Writes that wait for their answers at the same time.
const IN_FLIGHT: usize = 32;
/// A server that is slower than that is measured by what it got done.
const AT_MOST: Duration = Duration::from_secs(12);
const MAPS: &str = "/api/v1/namespaces/default/configmaps";

fn main() {
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    tokio.block_on(compare());
}

async fn compare() {
    println!("{OBJECTS} config maps of 1 kB, {IN_FLIGHT} writes in flight");
    println!(
        "server                                  writes/s      p50   to the first   watchers behind"
    );
    let first = in_memory(0).await;
    let print = |name: &str, measured: &Measured| {
        let ratio = measured.rate / first.rate;
        let (rate, median) = (measured.rate, measured.median);
        let behind = measured.behind;
        println!("{name:<38} {rate:>9.0} {median:>8.1?} {ratio:>14.2} {behind:>17}");
    };
    print("embedded, nobody watches", &first);
    let watched = in_memory(WATCHERS).await;
    print("embedded, 50 watchers", &watched);
    print("embedded, 50 watchers, on disk", &on_disk().await);
    let served = over_https().await;
    print("embedded, 50 watchers, over HTTPS", &served);
    let (real, real_memory) = kubernetes().await;
    print("kube-apiserver, 50 watchers, HTTPS", &real);
    println!(
        "embedded to kube-apiserver, over HTTPS: {:.1} times as many writes",
        served.rate / real.rate
    );
    let each = |bytes: u64| bytes as f64 / OBJECTS as f64 / 1024.0;
    println!(
        "memory for each object: embedded {:.1} KiB; kube-apiserver {:.1} KiB, watched by 50",
        each(first.grown),
        each(real_memory),
    );
    println!(
        "memory in all: embedded {} MiB, of which the objects {} MiB",
        mebibytes(first.memory),
        mebibytes(first.grown),
    );
}

struct Measured {
    /// Writes per second.
    rate: f64,
    /// From a write to its answer.
    median: Duration,
    /// Watchers that did not see every write: kube-apiserver cuts off who reads too slowly.
    behind: usize,
    /// Of this process, afterwards.
    memory: u64,
    /// By how much this process grew.
    grown: u64,
}

async fn in_memory(watchers: usize) -> Measured {
    let cluster = Cluster::in_memory();
    measure(&cluster.client("default"), watchers).await
}

async fn on_disk() -> Measured {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::open(folder.path()).expect("a cluster on disk");
    measure(&cluster.client("default"), WATCHERS).await
}

async fn over_https() -> Measured {
    let cluster = Cluster::in_memory();
    let stop = CancellationToken::new();
    let serving = cluster.serve(ServeOptions::default(), stop.clone());
    let serving = serving.await.expect("it is served");
    let measured = measure(&client(&serving.kubeconfig_yaml).await, WATCHERS).await;
    stop.cancel();
    serving.stopped().await;
    measured
}

/// The real one, and by how much it grew.
async fn kubernetes() -> (Measured, u64) {
    let options = Options::default()
        .without(component::CONTROLLER_MANAGER)
        .without(component::SCHEDULER);
    let kubernetes = ControlPlane::start(options).await.expect("it starts");
    let memory = || {
        let usage = kubernetes.usage(component::API_SERVER).expect("it runs");
        usage.memory
    };
    let before = memory();
    let kubeconfig = std::fs::read_to_string(kubernetes.kubeconfig()).unwrap();
    let measured = measure(&client(&kubeconfig).await, WATCHERS).await;
    (measured, memory().saturating_sub(before))
}

async fn client(kubeconfig: &str) -> Client {
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig).unwrap();
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options);
    Client::try_from(config.await.unwrap()).unwrap()
}

async fn measure(client: &Client, watchers: usize) -> Measured {
    let before = resident();
    let mut watches = JoinSet::new();
    for _ in 0..watchers {
        let request = Request::get(format!("{MAPS}?watch=true&labelSelector=bench"));
        let request = request.body(Body::empty()).unwrap();
        let watch = client.send(request).await.expect("a watch");
        watches.spawn(async move { count(watch.into_body()).await });
    }
    let begin = Instant::now();
    let writes = futures::stream::iter(0..OBJECTS)
        .take_while(|_| std::future::ready(begin.elapsed() < AT_MOST))
        .map(|number| write(client, number))
        .buffer_unordered(IN_FLIGHT);
    let mut times: Vec<Duration> = writes.collect().await;
    let took = begin.elapsed();
    let written = times.len();
    let memory = resident();
    let mut behind = 0;
    while let Some(seen) = watches.join_next().await {
        behind += usize::from(seen.unwrap() < written);
    }
    times.sort();
    Measured {
        behind,
        rate: written as f64 / took.as_secs_f64(),
        median: times.get(written / 2).copied().unwrap_or_default(),
        memory,
        grown: memory.saturating_sub(before),
    }
}

/// One write; how long its answer took.
async fn write(client: &Client, number: usize) -> Duration {
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": format!("map-{number}"), "labels": {"bench": "api"}},
        "data": {"content": "x".repeat(1000)},
    });
    let request = Request::post(MAPS).header("content-type", "application/json");
    let request = request.body(Body::from(map.to_string().into_bytes()));
    let begin = Instant::now();
    let answer = client.send(request.unwrap()).await.expect("an answer");
    assert_eq!(answer.status(), 201);
    answer.into_body().collect().await.expect("all of it");
    begin.elapsed()
}

/// Reads events, a line each, until all have come.
async fn count(body: Body) -> usize {
    let mut seen = 0;
    let mut frames = std::pin::pin!(body.into_data_stream());
    while seen < OBJECTS {
        let frame = tokio::time::timeout(AT_MOST, frames.try_next()).await;
        let Ok(Some(bytes)) = frame.map(|frame| frame.expect("the watch goes on")) else {
            return seen;
        };
        seen += bytes.iter().filter(|byte| **byte == b'\n').count();
    }
    seen
}

/// What this process holds in memory, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.expect("a number") * 1024
}

fn mebibytes(bytes: u64) -> u64 {
    bytes / 1024 / 1024
}
