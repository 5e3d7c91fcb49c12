//! `stateward invocation`: decides about an invocation of a hook. The decision is recorded in the app's status with who, why and when.

use std::time::Duration;

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::api::{Api, PostParams};
use stateward_operator::annotations::INVOCATION;
use stateward_planner::world::{RulingWish, Verb};
use stateward_planner::{InvocationId, Status};

use crate::connection::{Connection, ConnectionArguments};
use crate::failure::{Ended, Failure};
use crate::output::{self, GOOD, NAME, WAIT, painted};
use crate::target::{AppName, Target};
use crate::watching::{self, Waited};
use crate::wish;

/// How long the operator may take to record a decision.
const PATIENCE: Duration = Duration::from_secs(30);

/// Decide about an invocation of a hook that does not end by itself
///
/// `stateward why` and `stateward timeline` show the ids. The decision stands in the app's status with who, why and when.
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
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    connection: ConnectionArguments,
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
    wish::ask(
        &target,
        INVOCATION,
        &wished,
        "deciding about an invocation of",
    )
    .await?;
    let look = |target: &Target| {
        let status = target.status::<Status>()?;
        let mut rulings = status.rulings.into_iter();
        Ok(rulings.find(|ruling| ruling.request.as_ref() == Some(&wished.id)))
    };
    let id = &wished.invocation;
    match watching::until(&target, Some(PATIENCE), look).await? {
        Waited::Reached(ruling) if ruling.result == "Taken" => {
            output::line(format_args!(
                "{}: {id}: {} for {} at {}",
                painted(NAME, &target),
                painted(GOOD, "recorded"),
                ruling.by,
                ruling.at
            ))?;
            Ok(Ended::Done)
        }
        Waited::Reached(ruling) => Err(Failure::Wrong(match ruling.result.as_str() {
            "NoSuchInvocation" => format!(
                "{target} has no invocation {id} under way; `stateward why {}` tells what it waits for",
                target.name
            ),
            other => format!("{target}: {id} does not take this decision ({other})"),
        })),
        Waited::TimeOver => {
            output::note(format_args!(
                "{}: no operator has recorded the decision yet",
                painted(WAIT, "not there yet")
            ));
            Ok(Ended::NotYet)
        }
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
