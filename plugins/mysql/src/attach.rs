//! A member becomes a replica of the primary, from where it is. Nothing that it has is ever thrown away: a member that has what the primary lacks
//! is refused, with both positions.

use stateward_sdk::Weight;
use stateward_sdk::prelude::*;

use crate::group::Group;
use crate::join::Joining;
use crate::position::{Coverage, Position};
use crate::replica::{Reached, Source};
use crate::server::{Server, Vitals};
use crate::trouble::Trouble;

/// How often one call looks how the replica gets on.
const LOOKS: u32 = 12;

pub(crate) fn attach(
    group: &Group<'_>,
    call: &Call,
    member: &Member,
    primary: &Member,
    host: &dyn Host,
) -> Step {
    let mut replica = group.open(member)?;
    // Its position first: it must not look ahead of a primary that goes on writing.
    let own = replica.vitals()?;
    let mut server = match group.open(primary) {
        Ok(server) => server,
        Err(trouble) => return again(format!("waits for the primary: {trouble}")),
    };
    let theirs = server.vitals()?;
    if theirs.is_read_only {
        return again(format!("{} is not open for writes yet", server.name()));
    }
    if let Some(reason) = cannot_follow(&mut replica, &own, server.name(), &theirs)? {
        host.event(Weight::Warning, "MemberDiverged", &reason)?;
        return refuse(reason);
    }

    let source = group.source(primary, &theirs)?;
    let password = group.replication_password()?;
    // The password may have been changed since the primary was made one.
    server.ensure_replication_account(&password)?;
    point_at(&mut replica, &own, &source, &password)?;

    let goal = match call.checkpoint::<Joining>()? {
        Some(Joining::CatchingUp { goal }) => Position::parse(&goal).map_err(Fault::Fatal)?,
        _ => theirs.position(),
    };
    match replica.watch_until(&goal, LOOKS)? {
        Reached::Goal => done(),
        Reached::OnTheWay { percent, message } => again(message)
            .after(millis(500))
            .percent(percent)
            .checkpoint(&Joining::CatchingUp {
                goal: goal.to_string(),
            }),
        Reached::Stuck(why) => {
            let reason = format!(
                "{} cannot follow {}: {why}. It is at {:?}, the primary at {:?}. Nothing was reset: mend it, or delete its claim and its pod so that it starts empty",
                replica.name(),
                server.name(),
                own.position().to_string(),
                theirs.position().to_string(),
            );
            host.event(Weight::Warning, "ReplicaStuck", &reason)?;
            refuse(reason)
        }
    }
}

/// Makes a member a replica of `source`, if it is not one already, and ready to be a primary itself.
pub(crate) fn point_at(
    replica: &mut Server,
    own: &Vitals,
    source: &Source,
    password: &str,
) -> Result<(), Trouble> {
    if !own.is_read_only {
        replica.close_for_writes()?;
    }
    replica.ensure_replication_account(password)?;
    let following = replica.following()?;
    if following.is_some_and(|following| following.follows(source) && following.is_running()) {
        return Ok(());
    }
    replica.follow(source, password, own)
}

/// Why a member must not become a replica, in words for its owner.
pub(crate) fn cannot_follow(
    replica: &mut Server,
    own: &Vitals,
    primary: &str,
    theirs: &Vitals,
) -> Result<Option<String>, Trouble> {
    let position = own.position();
    let why = match theirs.covers(&position) {
        Coverage::Lacks(gtid) => format!("has {gtid}, which {primary} does not have"),
        Coverage::Diverged(gtid) => format!("has {gtid}, and {primary} went on without it"),
        // Replaying a history from its beginning over tables that came from elsewhere replaces them without a word.
        Coverage::Covers if position.is_empty() && replica.has_tables()? => {
            "has tables and no position: where its data stands in the history is not known"
                .to_owned()
        }
        Coverage::Covers => return Ok(None),
    };
    Ok(Some(format!(
        "{} {why}. It is at {:?}, the primary at {:?}. Nothing was reset: save what it has, then delete its claim and its pod so that it starts empty",
        replica.name(),
        position.to_string(),
        theirs.position().to_string(),
    )))
}
