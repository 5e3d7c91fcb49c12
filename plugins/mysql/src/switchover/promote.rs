//! The second half of a switchover: the recorded holder opens, and all others follow it.

use stateward_sdk::Weight;
use stateward_sdk::prelude::*;

use crate::attach;
use crate::fence;
use crate::group::{Group, is_coming};
use crate::position::Position;
use crate::replica::{Reached, Source};
use crate::server::Server;
use crate::switchover::Moved;
use crate::trouble::Trouble;

/// A member that does not answer is given so many calls; after that its own `post_ready` attaches it when it is back.
const PATIENCE: u32 = 8;
/// All others are looked at within one call.
const A_LOOK: u32 = 4;

pub(super) fn promote(group: &Group<'_>, held: &Claim, moved: Moved, host: &dyn Host) -> Step {
    let name = group.name(held.ordinal);
    let holder = host
        .member(held.ordinal)
        .filter(|member| member.pod.as_deref() == Some(held.pod.as_str()));
    let Some(holder) = holder else {
        host.warn(&format!(
            "{name} was replaced right after it was made the primary; its joining carries on"
        ));
        return done();
    };
    let mut primary = group.open(&holder)?;
    if primary.following()?.is_some() {
        primary.stop_following()?;
    }
    primary.open_for_writes()?;
    fence::lower(host)?;

    let waits_for = point_others_at(group, &holder, &mut primary, host)?;
    if !waits_for.is_empty() && moved.calls < PATIENCE {
        let calls = moved.calls + 1;
        return again(format!(
            "{name} is the primary; waits for {}",
            waits_for.join("; ")
        ))
        .checkpoint(&Moved { calls, ..moved });
    }
    for late in waits_for {
        host.warn(&format!("left for its own joining: {late}"));
    }
    host.info(&format!(
        "{name} is the primary in place of {}",
        group.name(moved.from)
    ));
    done()
}

/// Answers what those say that do not follow yet.
fn point_others_at(
    group: &Group<'_>,
    holder: &Member,
    primary: &mut Server,
    host: &dyn Host,
) -> Result<Vec<String>, Fault> {
    let source = group.source(holder, &primary.vitals()?)?;
    let password = group.replication_password()?;
    primary.ensure_replication_account(&password)?;
    let members = group.others(holder.ordinal);
    let mut pointed = Vec::new();
    let mut waits_for = Vec::new();
    for (member, opened) in members.iter().zip(group.open_all(&members)) {
        let answered =
            opened.and_then(|server| point_at(server, primary, &source, &password, host));
        match answered {
            Ok(server) => pointed.extend(server),
            Err(trouble) if is_coming(member) => waits_for.push(trouble.to_string()),
            Err(trouble) => host.info(&format!("on its way out: {trouble}")),
        }
    }
    for mut server in pointed {
        match server.watch_until(&Position::default(), A_LOOK)? {
            Reached::Goal => {}
            Reached::OnTheWay { message: why, .. } | Reached::Stuck(why) => {
                waits_for.push(format!("{}: {why}", server.name()));
            }
        }
    }
    Ok(waits_for)
}

/// Answers the server when it now follows; none when it is not to.
fn point_at(
    mut replica: Server,
    primary: &mut Server,
    source: &Source,
    password: &str,
    host: &dyn Host,
) -> Result<Option<Server>, Trouble> {
    let own = replica.vitals()?;
    let theirs = primary.vitals()?;
    let Some(reason) = attach::cannot_follow(&mut replica, &own, primary.name(), &theirs)? else {
        attach::point_at(&mut replica, &own, source, password)?;
        return Ok(Some(replica));
    };
    host.warn(&reason);
    // An event that is not granted must not hold up the switchover.
    if let Err(failure) = host.event(Weight::Warning, "MemberDiverged", &reason) {
        host.debug(&failure.to_string());
    }
    if !own.is_read_only {
        replica.close_for_writes()?;
    }
    replica.stop_following()?;
    Ok(None)
}
