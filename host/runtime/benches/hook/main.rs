//! What a hook call costs, beside the same question asked of a webhook: both decide on the same snapshot, in one run, taking turns. And what loading costs.
//!
//! `make bench` prints medians, the fastest tenth (which tells more on a busy machine), and ratios.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench ends at the first thing that fails"
)]

mod loading;
mod picture;
mod webhook;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use stateward_runtime::{Act, Effects, Granted, Grants, Limits, Options, Outcome, Runtime};

use picture::Nothing;
use webhook::{Sends, Webhook};

/// Calls of each kind and size; they alternate in blocks of ten.
const CALLS: usize = 2000;

fn main() {
    if let Some(folder) = loading::asked_for_memory() {
        return block_on(loading::memory(&folder));
    }
    if webhook::asked_to_serve() {
        return block_on(webhook::serve());
    }
    block_on(async {
        loading::compare().await;
        compare().await;
    });
}

fn block_on(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(work);
}

/// A plugin of the guest SDK that looks at every member.
fn component() -> Bytes {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../target/wasm32-wasip2/plugin/examples/looks.wasm");
    Bytes::from(std::fs::read(&file).expect("`make bench` builds the component"))
}

async fn compare() {
    let runtime = Runtime::new(Options::default()).expect("an engine");
    let plugin = runtime.load(component(), None).await.expect("it loads");
    let grants = Grants::all_asked(&plugin.manifest().asks);
    let granted = plugin.grant(grants, Limits::default()).expect("granted");
    let mut webhook = Webhook::start().await;
    println!();
    println!(
        "one call in a fresh sandbox, and one call of a webhook, a process on the loopback (HTTP, JSON, connection kept)"
    );
    println!(
        "  same: it is sent what the hook can see; pods: it is sent the pods, as webhooks for Kubernetes are"
    );
    println!(
        "members      hook: p50      p10   same: p50      p10   pods: p50      p10   same/hook: p50    p10   pods/hook: p50    p10"
    );
    for members in [0, 5, 50, 100] {
        let took = Took::measure(&granted, &mut webhook, members).await;
        println!(
            "{members:>7}   {:>10.1?} {:>8.1?}  {:>10.1?} {:>8.1?}  {:>10.1?} {:>8.1?}  {:>14.1} {:>6.1}  {:>14.1} {:>6.1}",
            at(&took.hook, 50),
            at(&took.hook, 10),
            at(&took.same, 50),
            at(&took.same, 10),
            at(&took.pods, 50),
            at(&took.pods, 10),
            ratio(&took.same, &took.hook, 50),
            ratio(&took.same, &took.hook, 10),
            ratio(&took.pods, &took.hook, 50),
            ratio(&took.pods, &took.hook, 10),
        );
    }
}

/// How long each call took, sorted.
#[derive(Default)]
struct Took {
    hook: Vec<Duration>,
    same: Vec<Duration>,
    pods: Vec<Duration>,
}

impl Took {
    async fn measure(granted: &Granted, webhook: &mut Webhook, members: u32) -> Took {
        let snapshot = picture::snapshot(members);
        let pods = picture::pods(members);
        let mut took = Took::default();
        for block in 0..CALLS / 10 + 10 {
            for _ in 0..10 {
                let begin = Instant::now();
                let effects: Arc<dyn Effects> = Arc::new(Nothing);
                let call = picture::call();
                let answer = granted.act(Act::PreScale, call, snapshot.clone(), effects);
                assert_eq!(answer.await.expect("it answers").outcome, Outcome::Done);
                took.hook.push(begin.elapsed());
            }
            for _ in 0..10 {
                let begin = Instant::now();
                webhook.ask(Sends::Snapshot(&snapshot)).await;
                took.same.push(begin.elapsed());
            }
            for _ in 0..10 {
                let begin = Instant::now();
                webhook.ask(Sends::Pods(&pods)).await;
                took.pods.push(begin.elapsed());
            }
            if block == 9 {
                // Warm now.
                took = Took::default();
            }
        }
        for times in [&mut took.hook, &mut took.same, &mut took.pods] {
            times.sort();
        }
        took
    }
}

/// How many times as long so many percent of these calls took at most as those.
fn ratio(these: &[Duration], those: &[Duration], percent: usize) -> f64 {
    at(these, percent).as_secs_f64() / at(those, percent).as_secs_f64()
}

/// The time that so many percent of the calls took at most.
fn at(sorted: &[Duration], percent: usize) -> Duration {
    sorted[sorted.len() * percent / 100]
}
