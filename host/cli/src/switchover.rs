//! `stateward switchover`: moves an exclusive role to another member, and waits for how it ends.
//!
//! The wish is an annotation with an id; the operator records in the role's `lastRequest` how the wish of this id ended.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use stateward_operator::annotations::SWITCHOVER;
use stateward_planner::Status;
use stateward_planner::status::{EndedRequest, RoleStatus};
use stateward_planner::world::Switchover;

use crate::connection::ConnectionArguments;
use crate::failure::{Ended, Failure};
use crate::output::{self, FAINT, GOOD, NAME, WAIT, painted};
use crate::target::{AppName, Target};
use crate::watching::{self, Waited, parse_limit};
use crate::wish;

/// Move an exclusive role, such as a database's primary, to another member
///
/// The plugin moves it when it is safe. A refusal ends with exit code 1; the time being over with 3: the wish stays then.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stateward switchover mariadb             # to the member that the plugin finds best
  stateward switchover mariadb --to 0
  stateward switchover mariadb --role primary --to 2 --timeout 5m")]
pub(crate) struct SwitchoverArguments {
    /// The StatefulApp
    #[arg(value_name = "APP")]
    app: AppName,
    /// The role that is to move [default: the app's only one]
    #[arg(long)]
    role: Option<String>,
    /// The member that is to have it [default: the plugin chooses]
    #[arg(long, value_name = "ORDINAL")]
    to: Option<u32>,
    /// The longest time to wait
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_limit)]
    timeout: Duration,
    #[command(flatten)]
    connection: ConnectionArguments,
}

pub(crate) async fn switchover(arguments: SwitchoverArguments) -> Result<Ended, Failure> {
    let connection = arguments.connection.connect().await?;
    let name = &arguments.app.name;
    let target = wish::app(&connection, &arguments.app, "roles").await?;
    let role = chosen(&target, arguments.role.as_deref())?;
    let began = Instant::now();
    let wished = Switchover {
        id: wish::id(),
        role: role.name.clone(),
        target: arguments.to,
    };
    wish::check(&wished)?;
    let doing = "asking for a switchover of";
    wish::ask(&target, SWITCHOVER, &wished, doing).await?;

    let mut told = String::new();
    let look = |target: &Target| {
        let status = target.status::<Status>()?;
        let now = status.roles.iter().find(|now| now.name == wished.role);
        let ended = now.and_then(|now| now.last_request.clone());
        if let Some(ended) = ended.filter(|ended| ended.id == wished.id) {
            return Ok(Some((ended, now.cloned())));
        }
        let text = wish::hindrances(&status);
        if text != told {
            output::note(painted(FAINT, &text));
            told = text;
        }
        Ok(None)
    };
    match watching::until(&target, Some(arguments.timeout), look).await? {
        Waited::Reached((ended, now)) => {
            let took = SignedDuration::try_from(began.elapsed()).unwrap_or_default();
            tell(
                &target,
                &wished.role,
                holder(Some(&role)),
                holder(now.as_ref()),
                &ended,
                took,
            )
        }
        Waited::TimeOver => {
            output::note(format_args!(
                "{} after {}: {target} has not moved {} yet, and will when it can; `stateward why {name}` tells what it waits for",
                painted(WAIT, "not there yet"),
                output::words(SignedDuration::try_from(arguments.timeout).unwrap_or_default()),
                wished.role
            ));
            Ok(Ended::NotYet)
        }
    }
}

/// The role that is meant: the one named, or the only one.
fn chosen(target: &Target, named: Option<&str>) -> Result<RoleStatus, Failure> {
    let roles = target.status::<Status>()?.roles;
    let names: Vec<_> = roles.iter().map(|role| role.name.as_str()).collect();
    let chosen = match (named, roles.as_slice()) {
        (Some(named), roles) => roles.iter().find(|role| role.name == named),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    chosen.cloned().ok_or_else(|| {
        Failure::Wrong(match (named, names.as_slice()) {
            (_, []) => format!(
                "{target} has no role that somebody holds yet; `stateward why {}` tells how far it is",
                target.name
            ),
            (Some(named), names) => {
                format!("{target} has no role {named}; it has {}", names.join(", "))
            }
            (None, names) => format!(
                "{target} has several roles, choose one with --role: {}",
                names.join(", ")
            ),
        })
    })
}

fn holder(role: Option<&RoleStatus>) -> Option<u32> {
    Some(role?.holder.as_ref()?.ordinal)
}

fn tell(
    target: &Target,
    role: &str,
    before: Option<u32>,
    now: Option<u32>,
    ended: &EndedRequest,
    took: SignedDuration,
) -> Result<Ended, Failure> {
    let member = |ordinal: Option<u32>| match ordinal {
        Some(ordinal) => format!("{}-{ordinal}", target.name),
        None => "nobody".to_owned(),
    };
    let app = painted(NAME, target);
    match ended.result.as_str() {
        "Moved" => output::line(format_args!(
            "{app}: {role} {} from {} to {} in {:.1} s",
            painted(GOOD, "moved"),
            member(before),
            member(now),
            took.as_secs_f64()
        ))?,
        "AlreadyThere" => {
            output::line(format_args!("{app}: {} has {role} already", member(now)))?;
        }
        _ => {
            return Err(Failure::Wrong(format!(
                "{target}: {role} was not moved ({}): {}",
                ended.result, ended.message
            )));
        }
    }
    Ok(Ended::Done)
}
