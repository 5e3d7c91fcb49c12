//! `stateward invocation`: decides about an invocation of a hook. The decision is recorded in the app's status with who, why and when.

use std::time::Duration;

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::{Api, PostParams};
use stateward_operator::annotations::INVOCATION;
use stateward_planner::status::Ruling;
use stateward_planner::world::{RulingWish, Verb};
use stateward_planner::{InvocationId, Status};

use crate::connection::{Connection, ConnectionArguments};
use crate::failure::{Ended, Failure};
use crate::output::{self, Format, FormatArguments, GOOD, NAME, WAIT, painted};
use crate::target::{AppName, Target};
use crate::watching::{self, Waited};
use crate::wish;

/// How long the operator may take to record a decision.
const PATIENCE: Duration = Duration::from_secs(30);

/// Decide about an invocation of a hook that does not end by itself
///
/// `stateward why` and `stateward timeline` show the ids. The decision stands in the app's status with who, why and when.
/// A decision that is not taken ends with exit code 1, one that no operator has recorded in time with 3.
#[derive(Debug, clap::Args)]
pub(crate) struct InvocationArguments {
    #[command(subcommand)]
    command: InvocationCommand,
}

#[derive(Debug, clap::Subcommand)]
enum InvocationCommand {
    /// Take its purpose for reached: the host goes on without it
    ///
    /// A skipped pre-delete lets the pod go although the plugin did not prepare for it. `quarantine/ORDINAL` releases a member that the plugin keeps from
    /// being started.
    #[command(after_help = "\
Examples:
  stateward invocation skip mariadb pre-delete/5c1f/scale-in --reason \"the member is empty\"
  stateward invocation skip mariadb quarantine/2 --reason \"rebuilt by hand\"")]
    Skip(DecisionArguments),
    /// Call it again now
    #[command(after_help = "\
Example:
  stateward invocation retry mariadb move-role/primary/3/2 --reason \"the replica caught up\"")]
    Retry(DecisionArguments),
    /// Give its purpose up: what was begun is undone, and begun anew only when the spec changes
    #[command(after_help = "\
Example:
  stateward invocation abort mariadb pre-scale/4/3 --reason \"not during the sale\"")]
    Abort(DecisionArguments),
}

#[derive(Debug, clap::Args)]
struct DecisionArguments {
    /// The StatefulApp
    #[arg(value_name = "APP")]
    app: AppName,
    /// The invocation
    #[arg(value_name = "ID")]
    invocation: String,
    /// Why, for whoever looks later
    #[arg(long, value_name = "TEXT", value_parser = said)]
    reason: String,
    #[command(flatten)]
    format: FormatArguments,
    #[command(flatten)]
    connection: ConnectionArguments,
}

fn said(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("say why: it stands in the app's status, for whoever looks later".to_owned()),
        text => Ok(text.to_owned()),
    }
}

pub(crate) async fn decide(arguments: InvocationArguments) -> Result<Ended, Failure> {
    let (verb, arguments) = match arguments.command {
        InvocationCommand::Skip(arguments) => (Verb::Skip, arguments),
        InvocationCommand::Retry(arguments) => (Verb::Retry, arguments),
        InvocationCommand::Abort(arguments) => (Verb::Abort, arguments),
    };
    let connection = arguments.connection.connect().await?;
    let target = wish::app(&connection, &arguments.app, "invocations").await?;
    let wished = RulingWish {
        id: wish::id(),
        invocation: InvocationId(arguments.invocation),
        verb,
        by: who(&connection).await,
        reason: arguments.reason,
    };
    wish::check(&wished)?;
    wish::ask(
        &target,
        INVOCATION,
        &wished,
        "deciding about an invocation of",
    )
    .await?;
    let look = |target: &Target| {
        let status = target.status::<Status>()?;
        let mut rulings = status.rulings.iter();
        let ruling = rulings.find(|ruling| ruling.request.as_ref() == Some(&wished.id));
        Ok(ruling.cloned().map(|ruling| (ruling, status)))
    };
    let id = &wished.invocation;
    match watching::until(&target, Some(PATIENCE), look).await? {
        Waited::Reached((ruling, _)) if ruling.result == "Taken" => {
            if arguments.format.output == Format::Json {
                output::json(&ruling)?;
                return Ok(Ended::Done);
            }
            output::line(format_args!(
                "{}: {id}: {} for {} at {}",
                painted(NAME, &target),
                painted(GOOD, "recorded"),
                ruling.by,
                ruling.at
            ))?;
            Ok(Ended::Done)
        }
        Waited::Reached((ruling, status)) => {
            Err(Failure::Wrong(not_taken(&target, &ruling, &status)))
        }
        Waited::TimeOver => {
            output::note(format_args!(
                "{}: no operator has recorded the decision yet",
                painted(WAIT, "not there yet")
            ));
            Ok(Ended::NotYet)
        }
    }
}

/// Why a decision was not taken, and what can be done.
fn not_taken(target: &Target, ruling: &Ruling, status: &Status) -> String {
    let (id, name) = (&ruling.invocation, &target.name);
    let ended = status.history.iter().find(|ended| ended.invocation == *id);
    match (ruling.result.as_str(), ended) {
        ("NoSuchInvocation", Some(ended)) => format!(
            "{target}: {id} has ended ({}, {}): there is nothing to decide about it any more; `stateward why {name}` tells what the app waits for now",
            ended.result, ended.ended
        ),
        ("NoSuchInvocation", None) => {
            let waits = status.waiting.iter();
            let ids: Vec<_> = waits
                .filter_map(|wait| Some(wait.invocation.as_ref()?.0.as_str()))
                .collect();
            let known = match ids.as_slice() {
                [] => "none is waited for".to_owned(),
                ids => format!("waited for: {}", ids.join(", ")),
            };
            format!(
                "{target} has no invocation {id} under way ({known}); `stateward why {name}` shows the ids"
            )
        }
        ("AlreadyDone", _) => format!(
            "{target}: {id} is done, and its pod may go; `stateward invocation abort` takes that back"
        ),
        ("AlreadySkipped", _) => format!(
            "{target}: {id} was skipped, its purpose counts as reached: there is nothing to decide about it any more; `stateward why {name}` tells what the app waits for now"
        ),
        ("NotAllowed", _) if id.0.starts_with("quarantine/") => {
            format!("{target}: {id} can only be skipped, which releases the member")
        }
        ("NotAllowed", _) => format!(
            "{target}: {id} cannot be aborted: its member is there, or gone, already; skip it or retry it"
        ),
        (other, _) => format!("{target}: {id} does not take this decision ({other})"),
    }
}

/// Who we are, as the API server says; where it does not, that nobody knows. Its audit log knows better.
async fn who(connection: &Connection) -> String {
    let reviews: Api<SelfSubjectReview> = Api::all(connection.client.clone());
    let review = reviews
        .create(&PostParams::default(), &SelfSubjectReview::default())
        .await;
    review
        .ok()
        .and_then(|review| review.status?.user_info?.username)
        .unwrap_or_else(|| "unknown".to_owned())
}
