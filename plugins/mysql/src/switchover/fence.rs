//! The fence: for which move the old primary was closed, so that exactly what was closed is opened again when the move does not happen.

use stateward_sdk::prelude::*;

use crate::group::Group;
use crate::server::Server;

/// Holds the id of the move that closed the primary; empty when it was opened again.
const FENCE: &str = "fence";

pub(super) fn stands(call: &Call, host: &dyn Host) -> Result<bool, Fault> {
    let entry = host.state_get(FENCE);
    Ok(entry.is_some_and(|entry| entry.value == call.id.as_bytes()))
}

/// Before the first step that takes anything from anybody.
pub(super) fn raise(call: &Call, host: &dyn Host) -> Result<(), Fault> {
    if stands(call, host)? {
        return Ok(());
    }
    put(call.id.as_bytes(), host)
}

pub(super) fn open_again(old: &mut Server, call: &Call, host: &dyn Host) -> Result<(), Fault> {
    if stands(call, host)? {
        old.open_for_writes()?;
        put(b"", host)?;
    }
    Ok(())
}

/// The move is not wanted any more, and nothing was handed over.
pub(super) fn lift(group: &Group<'_>, call: &Call, held: &Claim, host: &dyn Host) -> Step {
    if stands(call, host)? {
        if let Some(holder) = host.member(held.ordinal).filter(|m| m.pod.is_some()) {
            group.open(&holder)?.open_for_writes()?;
        }
        put(b"", host)?;
    }
    done()
}

fn put(value: &[u8], host: &dyn Host) -> Result<(), Fault> {
    let version = host.state_get(FENCE).map_or(0, |entry| entry.version);
    host.state_put(FENCE, value, version)?;
    Ok(())
}
