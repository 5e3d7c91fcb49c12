//! `stateward plugin check`: the conformance battery.

mod honesty;

use std::path::{Path, PathBuf};

use serde::Serialize;
use stateward_runtime::{Hook, Limits};
use stateward_testkit::{Kind, Report};

use super::component::Costs;
use super::scenario::File;
use super::{inspect, test};
use crate::failure::{Ended, Failure};
use crate::output::{self, BAD, Format, FormatArguments, GOOD, WAIT, painted};

/// Check that a component keeps the promises of a plugin
///
/// It loads as the operator would load it, does its work, is idempotent and resumable under every fault, is careful with what it is shown, stays within its limits,
/// stands by what its validate says, and changes nothing in its probe.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stateward plugin check ring.wasm --scenario scenario.yaml
  stateward plugin check ring.wasm --scenario scenario.yaml --report check.json

It ends with 0 when every check passed or has nothing to be shown on, with 1 when one failed.")]
pub(crate) struct CheckArguments {
    /// The component
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What happens to its app, and how members answer; may be given several times
    #[arg(long = "scenario", value_name = "SCENARIO", required = true)]
    scenarios: Vec<PathBuf>,
    /// Also write the report as JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArguments,
}

/// What came out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Battery {
    plugin: String,
    digest: String,
    passed: bool,
    checks: Vec<Check>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Check {
    name: &'static str,
    verdict: Verdict,
    /// What was seen.
    said: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum Verdict {
    Passed,
    Failed,
    /// There is nothing that it could be shown on.
    NotShown,
}

pub(crate) async fn check(arguments: CheckArguments) -> Result<Ended, Failure> {
    let found = inspect::load(&arguments.file).await?;
    let plugin = found.plugin();
    let mut files = Vec::new();
    for path in &arguments.scenarios {
        files.push((path.display().to_string(), File::read(path)?));
    }
    let size = format!("{} KiB", found.size().div_ceil(1024));
    let mut checks = vec![passed("loads", size)];
    let mut costs = Costs::default();
    let mut reports = Vec::new();
    for (name, file) in &files {
        let (report, cost) = test::run(plugin.clone(), file.clone(), name.clone(), true).await?;
        costs.add(cost);
        reports.push(report);
    }
    checks.push(works(&reports));
    checks.push(survives(
        "idempotent",
        &reports,
        &[
            Kind::Duplicate,
            Kind::LostBeforeEffect,
            Kind::LostAfterEffect,
            Kind::Timeout,
        ],
    ));
    checks.push(survives(
        "resumable",
        &reports,
        &[
            Kind::CrashBeforeEffect,
            Kind::CrashAfterEffect,
            Kind::CrashBeforeAnswer,
            Kind::CrashAfterAnswer,
            Kind::CrashBeforeStep,
            Kind::CrashAfterStep,
        ],
    ));
    checks.push(survives(
        "careful with its snapshot",
        &reports,
        &[Kind::StaleSnapshot, Kind::Replaced],
    ));
    checks.push(within_limits(&costs));
    checks.push(honesty::check(plugin, &files, &costs).await?);
    checks.push(reads_only(plugin.hooks().contains(&Hook::Probe), &costs));
    let battery = Battery {
        plugin: plugin.manifest().name.clone(),
        digest: plugin.digest().to_string(),
        passed: checks.iter().all(|check| check.verdict != Verdict::Failed),
        checks,
    };
    if let Some(path) = &arguments.report {
        write(path, &battery)?;
    }
    match arguments.format.output {
        Format::Json => output::json(&battery)?,
        Format::Text => {
            for check in &battery.checks {
                let verdict = match check.verdict {
                    Verdict::Passed => painted(GOOD, "passed   "),
                    Verdict::Failed => painted(BAD, "failed   "),
                    Verdict::NotShown => painted(WAIT, "not shown"),
                };
                output::line(format_args!("{verdict} {}: {}", check.name, check.said))?;
            }
            let count = |verdict| {
                let all = battery.checks.iter();
                all.filter(|check| check.verdict == verdict).count()
            };
            output::line(format_args!(
                "{} of {} checks passed, {} failed, {} had nothing to be shown on",
                count(Verdict::Passed),
                battery.checks.len(),
                count(Verdict::Failed),
                count(Verdict::NotShown)
            ))?;
        }
    }
    Ok(if battery.passed {
        Ended::Done
    } else {
        Ended::Failed
    })
}

fn write(path: &Path, battery: &Battery) -> Result<(), Failure> {
    let text =
        serde_json::to_string_pretty(battery).map_err(|error| Failure::Output(error.into()))?;
    std::fs::write(path, text + "\n").map_err(|source| Failure::Write {
        path: path.to_owned(),
        source,
    })
}

fn passed(name: &'static str, said: impl Into<String>) -> Check {
    Check {
        name,
        verdict: Verdict::Passed,
        said: said.into(),
    }
}

fn failed(name: &'static str, said: impl Into<String>) -> Check {
    Check {
        name,
        verdict: Verdict::Failed,
        said: said.into(),
    }
}

fn not_shown(name: &'static str, said: impl Into<String>) -> Check {
    Check {
        name,
        verdict: Verdict::NotShown,
        said: said.into(),
    }
}

/// Its scenarios come to their end when nothing goes wrong.
fn works(reports: &[Report]) -> Check {
    let name = "does its work";
    let mut failing = reports.iter().flat_map(|report| &report.failing);
    match failing.find(|failing| failing.kind.is_none()) {
        Some(failing) => failed(name, failing.to_string()),
        None => passed(name, format!("{} scenarios", reports.len())),
    }
}

fn survives(name: &'static str, reports: &[Report], kinds: &[Kind]) -> Check {
    if reports.iter().any(|report| report.runs == 1) {
        return not_shown(name, "a scenario fails without any fault");
    }
    let failing = reports.iter().flat_map(|report| &report.failing);
    let mut failing =
        failing.filter(|failing| failing.kind.is_some_and(|kind| kinds.contains(&kind)));
    if let Some(shortest) = failing.next() {
        let more = failing.count();
        let told = format!("{more} more runs go wrong; the shortest that does:\n{shortest}");
        return failed(name, told);
    }
    let runs: usize = reports.iter().map(|report| report.runs).sum();
    passed(name, format!("{runs} runs, each with another fault"))
}

/// No call was ended by a limit. What comes near one is told.
fn within_limits(costs: &Costs) -> Check {
    let name = "within its limits";
    if let Some((_, _, fault)) = costs.ended.iter().find(|(_, reason, _)| is_a_limit(reason)) {
        return failed(name, fault);
    }
    let limits = Limits::default();
    let told = costs.most.iter().map(|(hook, usage)| {
        let is_near = usage.memory_peak > limits.memory / 2
            || usage.host_calls > limits.hostcalls / 2
            || usage.bytes > limits.hostcall_bytes / 2;
        let (kib, calls) = (usage.memory_peak.div_ceil(1024), usage.host_calls);
        let near = if is_near {
            ", more than half of a limit"
        } else {
            ""
        };
        format!("{hook} at most {kib} KiB and {calls} host calls{near}")
    });
    passed(name, told.collect::<Vec<_>>().join("; "))
}

fn is_a_limit(reason: &str) -> bool {
    matches!(
        reason,
        "PluginOutOfMemory"
            | "PluginStackOverflow"
            | "PluginTimeout"
            | "PluginDeadline"
            | "PluginHostcallLimit"
            | "PluginOutputTooLarge"
    )
}

/// A probe writes nothing that the host keeps, and changes no member.
fn reads_only(is_there: bool, costs: &Costs) -> Check {
    let name = "read-only in probe";
    if !is_there {
        return not_shown(name, "it has no probe");
    }
    if let Some((_, _, fault)) = costs.ended.iter().find(|(hook, _, _)| *hook == "probe") {
        return failed(name, fault);
    }
    match costs.probed_away.first() {
        Some(change) => failed(name, format!("its probe changes members: {change}")),
        None => passed(
            name,
            "it changes no member, and nothing that the host keeps",
        ),
    }
}
