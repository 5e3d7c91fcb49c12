//! `post_ready`: a pod is ready for the first time, or again after a restart. All servers boot read-only and follow nobody, so what each becomes is
//! decided here, by the host's claim.
//!
//! | claim | this member | becomes |
//! |---|---|---|
//! | none | the first ordinal | the primary, once ever: [`bootstrap`](crate::bootstrap) |
//! | none | another one | waits |
//! | its own | holder | the primary again, when nobody is ahead of it: [`reopen`](crate::reopen) |
//! | another's | | a replica: [`attach`](crate::attach) |

use serde::{Deserialize, Serialize};
use stateward_sdk::prelude::*;

use crate::group::{Group, Primary};
use crate::{attach, bootstrap, reopen};

/// Handed from one call of a joining to the next.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Joining {
    /// This pod was asked to be made the first primary. Nobody has written anything, so there is nobody to ask.
    FirstPrimary { pod: String },
    /// The primary's position when the member was attached: a busy primary must not keep it from ever being done.
    CatchingUp { goal: String },
}

pub(crate) fn post_ready(call: &Call, app: &App, member: &Member, host: &dyn Host) -> Step {
    if call.cancelling {
        return done(); // A replica of too much does no harm; it is detached before it goes.
    }
    let group = Group::of(app, host)?;
    if group.holds(member.ordinal) {
        return reopen::reopen(&group, call, member, host);
    }
    match group.primary() {
        Primary::Never if member.ordinal == app.start => bootstrap::bootstrap(&group, member, host),
        Primary::Never => again(format!(
            "{} becomes the first primary",
            group.name(app.start)
        )),
        Primary::There(_, primary) => attach::attach(&group, call, member, &primary, host),
        Primary::Back(claim) => again(format!(
            "{} is being made the primary again",
            group.name(claim.ordinal)
        )),
        // Its pod may come only after this one is done (ordered start), and attaches everybody when it is open: see `reopen`.
        Primary::Away(claim) if app.wants(claim.ordinal) => {
            host.info(&format!(
                "{} stays read-only and follows nobody until {} is back",
                group.name(member.ordinal),
                group.name(claim.ordinal)
            ));
            done()
        }
        Primary::Away(claim) => refuse(format!(
            "the primary is {}, which was scaled away with the last writes: set replicas to at least {}, and move the role before scaling in again",
            group.name(claim.ordinal),
            (claim.ordinal - app.start).saturating_add(1)
        )),
    }
}
