//! `stateward plan`: the ordered steps that a change will cause, before it is made.
//!
//! ```text
//!  the world as it is (cluster, saved file, or nothing yet) + the spec that is wanted ──► forecast ──► steps
//! ```

mod change;
mod defaults;
pub(crate) mod manifest;
mod plugins;
mod present;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;
use stateward_planner::forecast::{End, forecast};
use stateward_planner::world::Verdict;
use stateward_planner::{Forecast, World};

use crate::connection::ConnectionArguments;
use crate::failure::{Ended, Failure};
use crate::output::{self, BAD, FAINT, Format, FormatArguments, GOOD, NAME, STRONG, WAIT, painted};
use crate::target::AppName;
use present::Present;

/// Print the ordered steps that a change will cause, without making it
///
/// The steps are those of the operator itself when all goes well: pods become ready, hooks answer `done`.
/// Without --world it looks at the cluster; an app that does not exist yet is planned from nothing.
/// Settings that the schema of the plugin does not allow end with exit code 1.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stateward plan -f mariadb.yaml                 # what `kubectl apply -f mariadb.yaml` will cause
  stateward plan -f mariadb.yaml --replicas 5
  stateward plan mariadb --replicas 5            # the app as it stands in the cluster, scaled
  stateward plan mariadb --save-world now.json   # and later, without the cluster:
  stateward plan -f mariadb.yaml --world now.json")]
pub(crate) struct PlanArguments {
    /// The app: which one of the file, or of the cluster when no file is given
    #[arg(value_name = "APP", required_unless_present_any = ["file", "world"])]
    app: Option<AppName>,
    /// Manifest with the StatefulApp or StatefulSet; `-` is standard input
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Plan with this replica count
    #[arg(long, value_name = "N")]
    replicas: Option<u32>,
    /// Plan on a saved world, without a cluster
    #[arg(long, value_name = "FILE", conflicts_with = "save_world")]
    world: Option<PathBuf>,
    /// Save the world that the plan starts from
    #[arg(long, value_name = "FILE")]
    save_world: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArguments,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    kind: &'static str,
    namespace: String,
    name: String,
    exists: bool,
    replicas: u32,
    changes: Vec<String>,
    notes: Vec<String>,
    /// What is wrong with the settings of the plugin, each with its path. The spec would be refused.
    mistakes: Vec<String>,
    #[serde(flatten)]
    forecast: Forecast,
}

pub(crate) async fn plan(arguments: PlanArguments) -> Result<Ended, Failure> {
    let manifest = match &arguments.file {
        None => None,
        Some(path) => Some(manifest::read(path, arguments.app.as_ref())?),
    };
    let present = match &arguments.world {
        Some(path) => present::saved(path, manifest.as_ref()).await?,
        None => {
            let name = arguments.app.as_ref();
            present::live(&arguments.connection, name, manifest.as_ref()).await?
        }
    };
    if let Some(path) = &arguments.save_world {
        save(path, &present.world)?;
    }
    let now = Timestamp::now();
    let answer = answer(present, arguments.replicas, now);
    match arguments.format.output {
        Format::Json => output::json(&answer)?,
        Format::Text => output::line(text(&answer))?,
    }
    Ok(match answer.mistakes.as_slice() {
        [] => Ended::Done,
        _ => Ended::Failed,
    })
}

/// What `--save-world` writes and `--world` reads.
fn save(path: &Path, world: &World) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(world).map_err(|error| Failure::Unreadable {
        object: world.app.name.clone(),
        why: error.to_string(),
    })?;
    std::fs::write(path, text + "\n").map_err(|source| Failure::Write {
        path: path.to_owned(),
        source,
    })
}

/// Makes the change in the world, and looks ahead.
fn answer(present: Present, replicas: Option<u32>, now: Timestamp) -> Answer {
    let Present {
        mut world,
        exists,
        mut wanted,
        plugin,
        notes,
        mistakes,
    } = present;
    if let Some(replicas) = replicas {
        wanted.replicas = replicas;
    }
    let changes = change::between(&world.app.spec, &wanted);
    if !changes.is_empty() {
        // A new generation: what the plugin said of the former one does not count for it.
        world.app.generation = world.app.generation.saturating_add(1);
        world.answers.validate = None;
    }
    world.app.spec = wanted;
    world.plugin = plugin;
    if !mistakes.is_empty() {
        world.answers.validate = Some(Verdict::Refused {
            message: mistakes.join("; "),
        });
    }
    Answer {
        kind: world.app.face.kind(),
        namespace: world.app.namespace.clone(),
        name: world.app.name.clone(),
        exists,
        replicas: world.app.spec.replicas,
        changes,
        notes,
        mistakes,
        forecast: forecast(&world, now),
    }
}

fn text(answer: &Answer) -> String {
    let mut lines = vec![headline(answer)];
    lines.extend(answer.notes.iter().map(|note| painted(FAINT, note)));
    let wrong = |mistake| format!("{} {mistake}", painted(BAD.bold(), "error:"));
    lines.extend(answer.mistakes.iter().map(wrong));
    let steps = &answer.forecast.steps;
    let width = steps.len().to_string().len().max(2);
    for (index, step) in steps.iter().enumerate() {
        let number = painted(FAINT, format_args!("{:>width$}.", index.saturating_add(1)));
        lines.push(format!(" {number} {}", step.text));
    }
    lines.push(ending(answer));
    lines.join("\n")
}

fn headline(answer: &Answer) -> String {
    let Answer {
        kind,
        namespace,
        name,
        ..
    } = answer;
    let app = painted(NAME, format_args!("{kind} {namespace}/{name}"));
    if !answer.exists {
        return format!("{app} is new, with {} replicas", answer.replicas);
    }
    match answer.changes.as_slice() {
        [] => format!("{app} keeps its spec"),
        changes => format!("{app}: {}", painted(STRONG, changes.join(", "))),
    }
}

fn ending(answer: &Answer) -> String {
    match &answer.forecast.end {
        End::AtGoal if answer.forecast.steps.is_empty() => painted(GOOD, "Nothing is to be done."),
        End::AtGoal => painted(GOOD, "Then it is as wanted."),
        End::Waits { waiting } => {
            let mut text = painted(WAIT, "There it waits for:");
            for entry in waiting {
                text.push_str(&format!("\n  {}: {}", entry.subject, entry.message));
                if !entry.unblocks.is_empty() {
                    text.push_str(&format!("\n    {}", entry.unblocks));
                }
            }
            text
        }
        End::TooLong { rounds } => painted(
            WAIT,
            format_args!("It is not at rest after {rounds} rounds; what follows is not shown."),
        ),
    }
}
