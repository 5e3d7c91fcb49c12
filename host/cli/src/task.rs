//! `stateward do`: runs a task of an app's plugin, and waits for how it ends.

use std::time::Duration;

use jiff::SignedDuration;
use stateward_operator::annotations::DO;
use stateward_planner::Status;
use stateward_planner::world::TaskWish;

use crate::connection::ConnectionArguments;
use crate::failure::{Ended, Failure};
use crate::output::{self, FAINT, GOOD, NAME, WAIT, painted};
use crate::target::{AppName, Target};
use crate::watching::{self, Waited, parse_limit};
use crate::wish;

/// Run a task of the app's plugin: clean up, rebuild a member, start again after a full outage
///
/// Which tasks there are, `kubectl get plugin NAME -o yaml` tells under status.tasks. A refusal ends with exit code 1; the time being over with 3: the task
/// goes on then.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stateward do mariadb reclone --member 2
  stateward do cassandra cleanup --timeout 1h
  stateward do mariadb restore --arguments 2026-03-01")]
pub(crate) struct DoArguments {
    /// The StatefulApp
    #[arg(value_name = "APP")]
    app: AppName,
    /// The task, as the plugin's manifest names it
    #[arg(value_name = "TASK")]
    task: String,
    /// The member that it is about
    #[arg(long, value_name = "ORDINAL")]
    member: Option<u32>,
    /// Handed to the task as it is; at most 1024 bytes in JSON
    #[arg(long, value_name = "TEXT", default_value = "")]
    arguments: String,
    /// The longest time to wait
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_limit)]
    timeout: Duration,
    #[command(flatten)]
    connection: ConnectionArguments,
}

pub(crate) async fn run(arguments: DoArguments) -> Result<Ended, Failure> {
    let task = arguments.task;
    let wished = TaskWish {
        id: wish::id(),
        task: task.clone(),
        member: arguments.member,
        arguments: arguments.arguments,
    };
    wish::check(&wished)?;
    let connection = arguments.connection.connect().await?;
    let target = wish::app(&connection, &arguments.app, "tasks").await?;
    wish::ask(&target, DO, &wished, "asking for a task of").await?;
    let mut told = String::new();
    let look = |target: &Target| {
        let status = target.status::<Status>()?;
        let runs = status.tasks.iter().filter_map(|task| task.last.as_ref());
        let mut ended = runs.filter(|run| run.request.as_ref() == Some(&wished.id));
        if let Some(ended) = ended.next() {
            return Ok(Some(ended.clone()));
        }
        let text = wish::hindrances(&status);
        if text != told {
            output::note(painted(FAINT, &text));
            told = text;
        }
        Ok(None)
    };
    let app = painted(NAME, &target);
    match watching::until(&target, Some(arguments.timeout), look).await? {
        Waited::Reached(ended) if ended.result == "Done" => {
            let number = ended.number;
            output::line(format_args!(
                "{app}: {task} is {} (run {number})",
                painted(GOOD, "done")
            ))?;
            Ok(Ended::Done)
        }
        Waited::Reached(ended) => Err(Failure::Wrong(format!(
            "{target}: {task} was not done ({}): {}",
            ended.result, ended.message
        ))),
        Waited::TimeOver => {
            output::note(format_args!(
                "{} after {}: {task} goes on; `stateward why {}` tells how far it is",
                painted(WAIT, "not there yet"),
                output::words(SignedDuration::try_from(arguments.timeout).unwrap_or_default()),
                target.name
            ));
            Ok(Ended::NotYet)
        }
    }
}
