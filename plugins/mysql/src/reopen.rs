//! The holder of the role opens for writes: for the first time, or after its server restarted or its pod was replaced.
//!
//! A server that comes back does not simply go on. Crash recovery may have cut off what replicas already have; writing on would then fork the
//! history. So it opens only when it has everything that any other member has.

use stateward_sdk::Weight;
use stateward_sdk::prelude::*;

use crate::attach;
use crate::fence;
use crate::group::{Group, PRIMARY, is_coming};
use crate::join::Joining;
use crate::position::{Coverage, Position};
use crate::replica::{Reached, Source};
use crate::server::{Server, Vitals};
use crate::trouble::Trouble;

/// All others are looked at within one call.
const A_LOOK: u32 = 4;

/// Another member that answered.
struct Other {
    server: Server,
    vitals: Vitals,
}

pub(crate) fn reopen(group: &Group<'_>, call: &Call, member: &Member, host: &dyn Host) -> Step {
    let (Some(pod), Some(claim)) = (&member.pod, group.claim()) else {
        return again("its pod is gone");
    };
    let is_first = matches!(
        call.checkpoint::<Joining>()?,
        Some(Joining::FirstPrimary { pod }) if pod == claim.pod
    );

    // The others first: a primary that is open already must not look behind.
    let mut others = Vec::new();
    let away = look_at_others(group, member, &mut others)?;
    let mut server = group.open(member)?;
    let vitals = server.vitals()?;
    if !is_first {
        if let Some(away) = away.first() {
            return again(format!(
                "opens when it is known that nobody is ahead: {away}"
            ));
        }
        if let Some(reason) = who_is_ahead(&vitals, server.name(), &mut others)? {
            return refuse(reason);
        }
    }
    if claim.pod != *pod {
        host.claim_role(PRIMARY, pod, claim.epoch)?;
        return again("is recorded as the primary again").after(millis(0));
    }

    if server.following()?.is_some() {
        server.stop_following()?;
    }
    server.ensure_replication_account(&group.replication_password()?)?;
    server.open_for_writes()?;
    fence::lower(host)?;
    let source = group.source(member, &vitals)?;
    match point_all_at(&source, &mut server, group, &mut others, host)? {
        None => done(),
        Some(late) => again(format!("is open; waits for {late}")),
    }
}

/// Fills `others`; answers what those say that do not answer and may be on their way.
fn look_at_others(
    group: &Group<'_>,
    member: &Member,
    others: &mut Vec<Other>,
) -> Result<Vec<String>, Fault> {
    let members = group.others(member.ordinal);
    let mut away = Vec::new();
    for (other, opened) in members.iter().zip(group.open_all(&members)) {
        match opened.and_then(with_vitals) {
            Ok(found) => others.push(found),
            Err(trouble) if is_coming(other) => away.push(trouble.to_string()),
            Err(_) => {}
        }
    }
    Ok(away)
}

fn with_vitals(mut server: Server) -> Result<Other, Trouble> {
    let vitals = server.vitals()?;
    Ok(Other { server, vitals })
}

fn who_is_ahead(
    vitals: &Vitals,
    name: &str,
    others: &mut [Other],
) -> Result<Option<String>, Fault> {
    for other in others {
        // Received and not yet applied counts: it is a part of the history that only this replica may still have.
        let received = other
            .server
            .following()?
            .map(|following| following.received);
        let position = other.vitals.position().union(&received.unwrap_or_default());
        let gtid = match vitals.covers(&position) {
            Coverage::Covers => continue,
            Coverage::Lacks(gtid) | Coverage::Diverged(gtid) => gtid,
        };
        let other = other.server.name();
        return Ok(Some(format!(
            "{other} has {gtid}, which {name} does not: opening {name} for writes would lose it. {other} is at {position}, {name} at {}. \
             This version does not fail over: bring back the data of {name}, or give up {other} (delete its claim and its pod)",
            vitals.position()
        )));
    }
    Ok(None)
}

/// The primary's address may have changed, and members that came before it follow nobody yet. Answers who is still on the way.
fn point_all_at(
    source: &Source,
    primary: &mut Server,
    group: &Group<'_>,
    others: &mut [Other],
    host: &dyn Host,
) -> Result<Option<String>, Fault> {
    let password = group.replication_password()?;
    let theirs = primary.vitals()?;
    for Other { server, vitals } in others {
        if let Some(reason) = attach::cannot_follow(server, vitals, primary.name(), &theirs)? {
            host.event(Weight::Warning, "MemberDiverged", &reason)?;
            continue;
        }
        attach::point_at(server, vitals, source, &password)?;
        match server.watch_until(&Position::default(), A_LOOK)? {
            Reached::Goal => {}
            Reached::OnTheWay { message, .. } => {
                return Ok(Some(format!("{}: {message}", server.name())));
            }
            // The primary is open, and this one's probe tells that it is not well.
            Reached::Stuck(why) => {
                let note = format!("{} cannot follow: {why}", server.name());
                host.event(Weight::Warning, "ReplicaStuck", &note)?;
            }
        }
    }
    Ok(None)
}
