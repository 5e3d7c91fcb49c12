//! Upstream's StatefulSet controller and ours on the same control plane, taking turns: how many pods a second, and at what cost.
//!
//! `make bench` prints a table of medians and ratios and keeps all figures in `target/bench/controllers.json`. `ROUNDS=<count>` (5) says how often each takes its
//! turn, `CASES=<parts of names>` which cases (`memory` is one), `CONTENDERS=<parts of names>` who; the parts are separated by semicolons.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench ends at the first thing that fails"
)]

mod case;
mod contender;
mod memory;
mod nodes;
mod report;

use std::time::Duration;

use anyhow::Result;
use stateward_controlplane::{ControlPlane, Options, component};

use case::Case;
use contender::Contender;
use nodes::Nodes;
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
    let options = Options::default()
        .without_statefulset_controller()
        .argument(component::CONTROLLER_MANAGER, nodes::PATIENCE);
    let kubernetes = ControlPlane::start(options).await?;
    let _nodes = Nodes::start(kubernetes.client().await?, &["node-1", "node-2", "node-3"]).await?;
    contender::prepare(&kubernetes).await?;

    let mut report = Report::default();
    for case in Case::all()
        .into_iter()
        .filter(|case| is_one_of(case.name, &wanted))
    {
        for round in 0..rounds {
            for contender in Contender::in_turn(round) {
                // Ten times slower than the others, and steady: once is enough.
                let is_wanted = is_one_of(contender.name(), &who);
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
    if is_one_of("memory", &wanted) {
        for contender in [Contender::Upstream, Contender::Ours, Contender::OursHooked]
            .into_iter()
            .filter(|contender| is_one_of(contender.name(), &who))
        {
            report.remember(contender, memory::measure(&kubernetes, contender).await?);
        }
    }
    report.tell();
    report.keep()
}

/// Nobody named means all.
fn is_one_of(name: &str, parts: &str) -> bool {
    parts.split(';').any(|part| name.contains(part))
}
