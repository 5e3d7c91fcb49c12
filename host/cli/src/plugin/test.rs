//! `stateward plugin test`: a scenario against a built component.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::Serialize;
use stateward_testkit::Report;

use super::component::{Component, Costs};
use super::exchange::hide;
use super::inspect;
use super::scenario::File;
use crate::failure::{Ended, Failure};
use crate::output::{self, BAD, Format, FormatArguments, GOOD, painted};

/// Run scenario files against a built component, of any language, with every fault
///
/// The component runs in the real sandbox with the grants it asks for; its members are simulated, and planned for by the real planner.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stateward plugin test ring.wasm scenario.yaml
  stateward plugin test ring.wasm scenarios/*.yaml --no-faults
  stateward plugin test ring.wasm scenario.yaml --record calls   # each call of a run without faults, for `plugin run`

It ends with 1 when a run goes wrong. Members speak no TLS here.")]
pub(crate) struct TestArguments {
    /// The component
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What happens, and how members answer
    #[arg(value_name = "SCENARIO", required = true)]
    scenarios: Vec<PathBuf>,
    /// Run each scenario once, without faults
    #[arg(long)]
    no_faults: bool,
    /// Also write each call of a hook, with what it asked for and was answered, into this folder
    #[arg(long, value_name = "FOLDER")]
    record: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArguments,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    scenario: String,
    runs: usize,
    failing: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    shortest: Option<String>,
}

pub(crate) async fn test(arguments: TestArguments) -> Result<Ended, Failure> {
    let found = inspect::load(&arguments.file).await?;
    let mut results = Vec::new();
    for path in &arguments.scenarios {
        let file = File::read(path)?;
        let name = path.display().to_string();
        if let Some(folder) = &arguments.record {
            record(found.plugin().clone(), &file, &name, folder).await?;
        }
        let (report, _) = run(found.plugin().clone(), file, name, !arguments.no_faults).await?;
        results.push(report);
    }
    let has_failed = results.iter().any(|report| !report.failing.is_empty());
    match arguments.format.output {
        Format::Json => {
            let results: Vec<Outcome> = results.iter().map(result).collect();
            output::json(&results)?;
        }
        Format::Text => {
            for report in &results {
                output::line(told(report))?;
            }
        }
    }
    Ok(if has_failed {
        Ended::Failed
    } else {
        Ended::Done
    })
}

/// Runs a scenario; the report, and what its calls used.
pub(super) async fn run(
    plugin: stateward_runtime::Plugin,
    file: File,
    name: String,
    faults: bool,
) -> Result<(Report, Costs), Failure> {
    super::apart(move || {
        let component =
            Component::of(&plugin).map_err(|error| Failure::Wrong(error.to_string()))?;
        let component = Rc::new(component);
        let report = file.run(&name, &component, faults);
        Ok((report, component.costs()))
    })
    .await
}

/// Writes the calls of a run without faults: a file for each, in order.
async fn record(
    plugin: stateward_runtime::Plugin,
    file: &File,
    name: &str,
    folder: &Path,
) -> Result<(), Failure> {
    let secrets = file.secrets.clone();
    let (file, name) = (file.clone(), name.to_owned());
    let calls = super::apart(move || {
        let component =
            Component::of(&plugin).map_err(|error| Failure::Wrong(error.to_string()))?;
        let component = Rc::new(component.recording());
        file.run(&name, &component, false);
        Ok(component.calls())
    })
    .await?;
    let write = |path: &Path, text: String| {
        let parent = path.parent().unwrap_or(Path::new("."));
        let written = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(path, text));
        written.map_err(|source| Failure::Write {
            path: path.to_owned(),
            source,
        })
    };
    for (place, call) in calls.iter().enumerate() {
        let whom = call.ordinal.map(|ordinal| format!("-{ordinal}"));
        let (number, hook, whom) = (place + 1, call.hook, whom.unwrap_or_default());
        let path = folder.join(format!("{number:04}-{hook}{whom}.json"));
        let text = serde_json::to_value(call).and_then(|mut call| {
            hide(&mut call, &secrets);
            serde_json::to_string_pretty(&call)
        });
        write(
            &path,
            text.map_err(|error| Failure::Output(error.into()))? + "\n",
        )?;
    }
    let (count, folder) = (calls.len(), folder.display());
    output::note(format_args!("{count} calls are in {folder}/"));
    Ok(())
}

fn result(report: &Report) -> Outcome {
    Outcome {
        scenario: report.scenario.clone(),
        runs: report.runs,
        failing: report.failing.len(),
        shortest: report.failing.first().map(ToString::to_string),
    }
}

fn told(report: &Report) -> String {
    let (name, runs) = (&report.scenario, report.runs);
    match report.failing.is_empty() {
        true => format!("{} {name}: {runs} runs", painted(GOOD, "passed")),
        false => format!("{} {report}", painted(BAD, "failed")),
    }
}
