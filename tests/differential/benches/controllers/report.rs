//! The table of ratios, and all figures as JSON.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::json;

use super::case::{Case, Figures};
use super::contender::{Contender, target};
use super::memory::PerPod;

#[derive(Default)]
pub(crate) struct Report {
    cases: Vec<(&'static str, BTreeMap<Contender, Vec<Figures>>)>,
    memory: BTreeMap<Contender, PerPod>,
}

impl Report {
    pub(crate) fn take(&mut self, case: &Case, contender: Contender, figures: Figures) {
        let known = self
            .cases
            .iter_mut()
            .position(|(name, _)| *name == case.name);
        let place = known.unwrap_or_else(|| {
            self.cases.push((case.name, BTreeMap::new()));
            self.cases.len() - 1
        });
        self.cases[place]
            .1
            .entry(contender)
            .or_default()
            .push(figures);
    }

    pub(crate) fn remember(&mut self, contender: Contender, memory: PerPod) {
        self.memory.insert(contender, memory);
    }

    /// Medians; in brackets how many times upstream's (limits lifted).
    pub(crate) fn tell(&self) {
        for (name, contenders) in &self.cases {
            println!("\n{name}");
            let judge = contenders.get(&Contender::Upstream);
            for (contender, turns) in contenders {
                let column = |of: &dyn Fn(&Figures) -> f64| {
                    let value = median(turns, of);
                    match judge.map(|judge| median(judge, of)) {
                        Some(judge) if *contender != Contender::Upstream && judge > 0.0 => {
                            format!("{value:>7.1} ({:>5.2})", value / judge)
                        }
                        _ => format!("{value:>7.1} {:7}", ""),
                    }
                };
                println!(
                    "  {:<26} pods/s {}  writes/pod {}  cpu s {}  API server cpu s {}  MB {}  machine busy {:.0} %",
                    contender.name(),
                    column(&|figures| figures.pods_per_second),
                    column(&|figures| figures.writes_per_pod),
                    column(&|figures| figures.controller_cpu),
                    column(&|figures| figures.api_server_cpu),
                    column(&|figures| figures.memory),
                    median(turns, &|figures| figures.busy) * 100.0,
                );
                if turns.iter().any(|figures| figures.gap_p50.is_some()) {
                    println!(
                        "  {:<26} ready to next create, ms: p50 {}  p99 {}",
                        "",
                        column(&|figures| figures.gap_p50.unwrap_or_default()),
                        column(&|figures| figures.gap_p99.unwrap_or_default()),
                    );
                }
            }
        }
        if !self.memory.is_empty() {
            println!("\nmemory, growth of the process in bytes a pod");
        }
        for (contender, memory) in &self.memory {
            let PerPod { foreign, own } = memory;
            println!(
                "  {:<26} of others {foreign:>8.0}  of its apps {own:>8.0}",
                contender.name()
            );
        }
    }

    pub(crate) fn keep(&self) -> Result<()> {
        let cases = self.cases.iter().map(|(name, contenders)| {
            let contenders: BTreeMap<&str, &Vec<Figures>> = contenders
                .iter()
                .map(|(contender, turns)| (contender.name(), turns))
                .collect();
            json!({ "case": name, "turns": contenders })
        });
        let memory: BTreeMap<&str, &PerPod> = (self.memory.iter())
            .map(|(contender, memory)| (contender.name(), memory))
            .collect();
        let all = json!({ "cases": cases.collect::<Vec<_>>(), "memory": memory });
        let folder = target().join("bench");
        std::fs::create_dir_all(&folder)?;
        let text = serde_json::to_string_pretty(&all)?;
        std::fs::write(folder.join("controllers.json"), text)?;
        Ok(())
    }
}

fn median(turns: &[Figures], of: &dyn Fn(&Figures) -> f64) -> f64 {
    let mut values: Vec<f64> = turns.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
