//! The fence: that a switchover closed the primary, and which one. It stands in `state` from before the first thing that is taken from anybody until
//! the primary — the old one or the new one — is open again, so that a host that dies in between leaves no primary closed that nobody opens.

use stateward_sdk::prelude::*;

/// Holds the id of the move; empty when no primary is closed by one.
const FENCE: &str = "fence";

pub(crate) fn is_raised(host: &dyn Host) -> bool {
    host.state_get(FENCE)
        .is_some_and(|entry| !entry.value.is_empty())
}

pub(crate) fn raise(call: &Call, host: &dyn Host) -> Result<(), Failure> {
    let entry = host.state_get(FENCE);
    if entry.is_some_and(|entry| entry.value == call.id.as_bytes()) {
        return Ok(());
    }
    put(call.id.as_bytes(), host)
}

pub(crate) fn lower(host: &dyn Host) -> Result<(), Failure> {
    if is_raised(host) {
        put(b"", host)?;
    }
    Ok(())
}

fn put(value: &[u8], host: &dyn Host) -> Result<(), Failure> {
    let version = host.state_get(FENCE).map_or(0, |entry| entry.version);
    host.state_put(FENCE, value, version)?;
    Ok(())
}
