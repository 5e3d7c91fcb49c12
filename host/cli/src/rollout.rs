//! `stateward rollout status|restart`.

mod progress;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use stateward_planner::{Status, Waiting};

use crate::connection::ConnectionArguments;
use crate::failure::{Ended, Failure};
use crate::output::{self, GOOD, NAME, painted};
use crate::target::{AppArguments, Target};
use crate::watching::{self, Waited, parse_limit};
use progress::Progress;

/// Follow the replacement of an app's pods, or start one
#[derive(Debug, clap::Args)]
pub(crate) struct RolloutArguments {
    #[command(subcommand)]
    command: RolloutCommand,
}

#[derive(Debug, clap::Subcommand)]
enum RolloutCommand {
    Status(StatusArguments),
    Restart(RestartArguments),
}

/// Wait until every pod is there, up to date and available
///
/// Prints a line when something changes, and ends when the app is at rest.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stateward rollout status mariadb
  stateward rollout status sts/web --timeout 5m   # exit code 3 when it takes longer")]
struct StatusArguments {
    #[command(flatten)]
    app: AppArguments,
    /// The longest time to wait, as in 90s or 5m [default: no limit]
    #[arg(long, value_name = "DURATION", value_parser = parse_limit)]
    timeout: Option<Duration>,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// Replace every pod by a new one, as the update strategy says
///
/// Writes the time as the annotation kubectl.kubernetes.io/restartedAt into the template, as kubectl does.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  stateward rollout restart mariadb && stateward rollout status mariadb")]
struct RestartArguments {
    #[command(flatten)]
    app: AppArguments,
    #[command(flatten)]
    connection: ConnectionArguments,
}

pub(crate) async fn rollout(arguments: RolloutArguments) -> Result<Ended, Failure> {
    match arguments.command {
        RolloutCommand::Status(arguments) => status(arguments).await,
        RolloutCommand::Restart(arguments) => restart(arguments).await,
    }
}

async fn status(arguments: StatusArguments) -> Result<Ended, Failure> {
    let connection = arguments.connection.connect().await?;
    let target = arguments.app.find(&connection).await?;
    let mut story = Story::default();
    let look = |target: &Target| {
        let progress = progress::of(target)?;
        if let Progress::Done { .. } = progress {
            return Ok(Some(progress));
        }
        for line in story.goes_on(&progress, &waiting(target)?) {
            output::line(line)?;
        }
        Ok(None)
    };
    match watching::until(&target, arguments.timeout, look).await? {
        Waited::Reached(progress) => {
            output::line(format_args!(
                "{}: {}",
                painted(NAME, &target),
                painted(GOOD, progress)
            ))?;
            Ok(Ended::Done)
        }
        Waited::TimeOver => {
            output::note(format_args!(
                "{target} is not there yet; `stateward why {}` tells more",
                target.name
            ));
            Ok(Ended::NotYet)
        }
    }
}

/// What a StatefulApp waits for, as its operator wrote it. A StatefulSet's status has no room for it.
fn waiting(target: &Target) -> Result<Vec<Waiting>, Failure> {
    Ok(target.status::<Status>()?.waiting)
}

/// What was told already, so that only news are.
#[derive(Debug, Default)]
struct Story {
    progress: String,
    waiting: BTreeSet<String>,
}

impl Story {
    fn goes_on(&mut self, progress: &Progress, waiting: &[Waiting]) -> Vec<String> {
        let mut news = Vec::new();
        let progress = progress.to_string();
        if progress != self.progress {
            news.push(progress.clone());
            self.progress = progress;
        }
        let waiting: BTreeSet<_> = waiting
            .iter()
            .map(|entry| format!("  {}: {}", entry.subject, entry.message))
            .collect();
        news.extend(waiting.difference(&self.waiting).cloned());
        self.waiting = waiting;
        news
    }
}

async fn restart(arguments: RestartArguments) -> Result<Ended, Failure> {
    let connection = arguments.connection.connect().await?;
    let target = arguments.app.find(&connection).await?;
    let patch = json!({"spec": {"template": {"metadata": {"annotations": {
        "kubectl.kubernetes.io/restartedAt": Timestamp::now().to_string(),
    }}}}});
    target
        .api
        .patch(&target.name, &PatchParams::default(), &Patch::Merge(patch))
        .await
        .map_err(target.failed("restarting"))?;
    output::line(format_args!("{}: restarted", painted(NAME, &target)))?;
    Ok(Ended::Done)
}
