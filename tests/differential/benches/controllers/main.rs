//! Upstream's StatefulSet controller and ours on the same control plane, taking turns: how many pods a second, and at what cost.
//!
//! `make bench` prints a table of medians and ratios and keeps all figures in `target/bench/controllers.json`. `ROUNDS=<count>` (5) says how often each takes its
//! turn, `CASES=<part of a name>` which cases (`memory` is one), `CONTENDERS=<part of a name>` who.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench ends at the first thing that fails"
)]

mod case;
mod contender;
mod memory;
mod report;

use std::time::Duration;

use anyhow::Result;
use stateward_controlplane::{ControlPlane, Options};

use case::Case;
use contender::Contender;
use report::Report;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(compare())
}

async fn compare() -> Result<()> {
    let rounds: usize = std::env::var("ROUNDS").map_or(Ok(5), |text| text.parse())?;
    let wanted = std::env::var("CASES").unwrap_or_default();
    let who = std::env::var("CONTENDERS").unwrap_or_default();
    let kubernetes =
        ControlPlane::start(Options::default().without_statefulset_controller()).await?;
    let mut nodes = Vec::new();
    for name in ["node-1", "node-2", "node-3"] {
        nodes.push(kubernetes.simulated_node(name).await?);
    }
    contender::prepare(&kubernetes).await?;

    let mut report = Report::default();
    for case in Case::all()
        .into_iter()
        .filter(|case| case.name.contains(&wanted))
    {
        for round in 0..rounds {
            for contender in Contender::in_turn(round) {
                // Ten times slower than the others, and steady: once is enough.
                let is_wanted = contender.name().contains(&who);
                if !is_wanted || contender == Contender::UpstreamLimited && round > 0 {
                    continue;
                }
                contender.start(&kubernetes).await?;
                let figures = case.run(&kubernetes, contender).await?;
                contender.end(&kubernetes).await?;
                println!("{:<24} {:<28} {figures}", case.name, contender.name());
                report.take(&case, contender, figures);
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
    if "memory".contains(&wanted) {
        // A node of the bed has addresses for 254 pods.
        for name in ["node-4", "node-5"] {
            nodes.push(kubernetes.simulated_node(name).await?);
        }
        for contender in [Contender::Upstream, Contender::Ours, Contender::OursHooked]
            .into_iter()
            .filter(|contender| contender.name().contains(&who))
        {
            report.remember(contender, memory::measure(&kubernetes, contender).await?);
        }
    }
    report.tell();
    report.keep()
}
