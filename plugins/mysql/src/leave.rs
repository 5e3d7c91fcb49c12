//! `pre_delete`: a pod is about to go.

use stateward_sdk::prelude::*;

use crate::attach;
use crate::group::{Group, Primary};

/// A member that is to leave and does not answer is asked so many times.
const PATIENCE: u32 = 5;

pub(crate) fn pre_delete(
    call: &Call,
    app: &App,
    member: &Member,
    why: &Cause,
    host: &dyn Host,
) -> Step {
    if *why != Cause::ScaleIn {
        // It comes back with its volumes, or nothing stays to be told: MariaDB itself ends cleanly when its pod is stopped.
        return done();
    }
    let group = Group::of(app, host)?;
    if call.cancelling {
        return stay(&group, call, member, host);
    }
    if group.holds(member.ordinal) && app.target > 0 {
        return refuse(format!(
            "{} is the primary; the role moves to a member that stays first",
            group.name(member.ordinal)
        ));
    }
    if group.holds(member.ordinal) {
        return done(); // The app stops altogether. It is the primary again when it is back.
    }
    match group.open(member).and_then(|mut s| s.stop_following()) {
        Ok(()) => done(),
        Err(trouble) if call.attempt < PATIENCE => {
            again(format!("waits to detach it: {trouble}")).after(secs(2))
        }
        Err(trouble) => {
            // It holds nothing that others need: they have their own copies.
            host.warn(&format!("leaves without having been detached: {trouble}"));
            done()
        }
    }
}

/// It is not to leave any more: it follows again.
fn stay(group: &Group<'_>, call: &Call, member: &Member, host: &dyn Host) -> Step {
    match group.primary() {
        Primary::There(claim, primary) if claim.ordinal != member.ordinal => {
            attach::attach(group, call, member, &primary, host)
        }
        _ => done(),
    }
}
