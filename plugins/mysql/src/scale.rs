//! `pre_scale`: may the app take the next step toward its new size?

use stateward_sdk::prelude::*;

use crate::group::{Group, Primary};

pub(crate) fn pre_scale(call: &Call, app: &App, host: &dyn Host) -> Step {
    if call.cancelling {
        return done();
    }
    let group = Group::of(app, host)?;
    if app.target < app.current {
        may_shrink(&group, host)
    } else {
        may_grow(&group)
    }
}

/// A new member needs somebody to follow.
fn may_grow(group: &Group<'_>) -> Step {
    match group.primary() {
        // The first members come up, or the primary's own pod is among those to be made.
        Primary::Never | Primary::Back(_) => done(),
        Primary::Away(claim) if group.app.wants(claim.ordinal) => done(),
        Primary::Away(claim) => refuse(format!(
            "the primary is {}, which was scaled away with the last writes: set replicas to at least {}",
            group.name(claim.ordinal),
            (claim.ordinal - group.app.start).saturating_add(1)
        )),
        Primary::There(_, primary) => match group.open(&primary).and_then(|mut p| p.vitals()) {
            Ok(_) => done(),
            Err(trouble) => refuse(format!("the primary does not answer: {trouble}")),
        },
    }
}

/// Those that stay must have what those that go have.
fn may_shrink(group: &Group<'_>, host: &dyn Host) -> Step {
    if group.app.target == 0 {
        return done(); // All stop; their volumes stay.
    }
    let Some(claim) = group.claim() else {
        return refuse("there is no primary yet: let the first one come up before scaling in");
    };
    let mut survivors = host.members();
    survivors.retain(|member| group.app.wants(member.ordinal) && member.ordinal != claim.ordinal);
    for (member, opened) in survivors.iter().zip(group.open_all(&survivors)) {
        let name = group.name(member.ordinal);
        let following = match opened.and_then(|mut server| server.following()) {
            Ok(Some(following)) => following,
            Ok(None) => return refuse(format!("{name} stays and follows nobody")),
            Err(trouble) => {
                return refuse(format!("a member that stays does not answer: {trouble}"));
            }
        };
        let limit = group.settings.lag_limit_seconds;
        match following.lag_seconds {
            _ if !following.is_running() => {
                let why = following.trouble().unwrap_or_default();
                return refuse(format!("{name} stays and does not replicate {why}"));
            }
            Some(lag) if lag > limit => {
                return refuse(format!(
                    "{name} stays and is {lag} s behind, more than lagLimitSeconds {limit}"
                ));
            }
            _ => {}
        }
    }
    done()
}
