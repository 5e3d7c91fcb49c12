//! `move_role`: the primary moves, without losing a write.
//!
//! 1. The candidate catches up while writes go on.
//! 2. The old primary closes for writes; the candidate gets the last of them. If it does not in time, the old one opens again.
//! 3. The host records the candidate as the holder, under a new epoch — *before* it is writable.
//! 4. In the next call the new primary opens, and all others follow it, the old one too.
//!
//! Steps 1 to 3 are one call, so writes stand still for that long only. What must outlive a crash in between is in `state`: the
//! [fence](crate::fence).

mod candidate;
mod promote;

use serde::{Deserialize, Serialize};
use stateward_sdk::Weight;
use stateward_sdk::prelude::*;

use crate::fence;
use crate::group::{Group, PRIMARY};
use crate::server::Server;

/// How long the candidate may take for the last writes, in seconds.
const CATCH_UP: &str = "5";

/// Handed to the call that sees the new claim.
#[derive(Debug, Serialize, Deserialize)]
struct Moved {
    from: u32,
    /// The epoch of the claim that the move ends.
    epoch: u64,
    /// Calls since then.
    calls: u32,
}

pub(crate) fn move_role(
    call: &Call,
    app: &App,
    held: &Claim,
    why: &MoveCause,
    target: Option<u32>,
    host: &dyn Host,
) -> Step {
    if held.role != PRIMARY {
        return refuse(format!("there is no role {} here", held.role));
    }
    let group = Group::of(app, host)?;
    // What stands now, whichever claim the move began with.
    let held = group.claim().unwrap_or(held);
    let moved = call.checkpoint::<Moved>()?;
    if let Some(moved) = moved.filter(|moved| moved.epoch < held.epoch) {
        if call.cancelling {
            return refuse(format!(
                "{} is recorded as the primary already: the move is carried to its end",
                group.name(held.ordinal)
            ));
        }
        return promote::promote(&group, held, moved, host);
    }
    if call.cancelling {
        return undo(&group, held, host);
    }
    match why {
        _ if target == Some(held.ordinal) => return done(),
        MoveCause::Failed => {
            return refuse(format!(
                "{} failed, and this version does not fail over: it becomes the primary again when it is back",
                group.name(held.ordinal)
            ));
        }
        _ => {}
    }
    hand_over(&group, call, held, why, target, host)
}

fn hand_over(
    group: &Group<'_>,
    call: &Call,
    held: &Claim,
    why: &MoveCause,
    target: Option<u32>,
    host: &dyn Host,
) -> Step {
    let Some(holder) = host.member(held.ordinal).filter(|m| m.pod.is_some()) else {
        return refuse(format!(
            "{} has no pod, and this version does not fail over",
            group.name(held.ordinal)
        ));
    };
    let mut old = group.open(&holder)?;
    let source = group.source(&holder, &old.vitals()?)?;
    let mut candidate = match candidate::choose(group, held.ordinal, &source, target, host)? {
        Ok(candidate) => candidate,
        Err(reason) => return refuse(reason),
    };
    if !candidate
        .server
        .waited_for(&old.vitals()?.position(), CATCH_UP)?
    {
        return again(format!("{} catches up", candidate.server.name()));
    }

    if old.vitals()?.is_read_only && !fence::is_raised(host) {
        return refuse(format!(
            "{} is not open for writes: its own joining comes first",
            old.name()
        ));
    }
    fence::raise(call, host)?;
    match hand_last_writes(&mut old, &mut candidate.server) {
        Ok(true) => {}
        Ok(false) => {
            open_again(&mut old, host)?;
            return again(format!(
                "{} did not get the last writes within {CATCH_UP} s, {} takes writes again",
                candidate.server.name(),
                old.name()
            ))
            .after(secs(5));
        }
        Err(fault) => {
            open_again(&mut old, host)?;
            return Err(fault);
        }
    }
    host.claim_role(PRIMARY, &candidate.pod, held.epoch)?;
    let (from, to) = (old.name(), candidate.server.name());
    host.event(
        Weight::Normal,
        "PrimaryMoves",
        &format!("from {from} to {to} ({why})"),
    )?;
    again(format!("{to} is recorded as the primary"))
        .after(millis(0))
        .checkpoint(&Moved {
            from: held.ordinal,
            epoch: held.epoch,
            calls: 0,
        })
}

/// The move is not wanted any more, and nothing was handed over.
fn undo(group: &Group<'_>, held: &Claim, host: &dyn Host) -> Step {
    if fence::is_raised(host) {
        match host.member(held.ordinal).filter(|m| m.pod.is_some()) {
            Some(holder) => open_again(&mut group.open(&holder)?, host)?,
            // It is opened by its own joining.
            None => fence::lower(host)?,
        }
    }
    done()
}

fn open_again(old: &mut Server, host: &dyn Host) -> Result<(), Fault> {
    old.open_for_writes()?;
    Ok(fence::lower(host)?)
}

/// Whether the candidate has everything now that can ever have been written to the old primary.
fn hand_last_writes(old: &mut Server, candidate: &mut Server) -> Result<bool, Fault> {
    old.close_for_writes()?;
    let last = old.vitals()?.position();
    let arrived = candidate.waited_for(&last, CATCH_UP)?;
    // An account that may write in spite of read_only could have done so meanwhile.
    Ok(arrived && old.vitals()?.position() == last)
}
