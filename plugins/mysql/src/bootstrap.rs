//! The first primary of an app, once ever: it starts the one history that all others replay.

use serde::{Deserialize, Serialize};
use stateward_sdk::Weight;
use stateward_sdk::prelude::*;

use crate::group::{Group, PRIMARY};
use crate::join::Joining;

/// The fact that the app has a history, and whose.
const BOOTSTRAPPED: &str = "bootstrapped";

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Bootstrapped {
    ordinal: u32,
    pod: String,
}

pub(crate) fn bootstrap(group: &Group<'_>, member: &Member, host: &dyn Host) -> Step {
    let Some(pod) = &member.pod else {
        return again("its pod is gone");
    };
    if let Some(other) = recorded(host)?.filter(|first| first.ordinal != member.ordinal) {
        return refuse(format!(
            "{} started this app's history, and nobody holds the role {PRIMARY} now; a second history is never started",
            group.name(other.ordinal)
        ));
    }
    let password = group.replication_password()?;
    group.open(member)?.ensure_replication_account(&password)?;
    record(member.ordinal, pod, host)?;
    host.claim_role(PRIMARY, pod, 0)?;
    host.event(
        Weight::Normal,
        "Bootstrapped",
        &format!("{} becomes the first primary", group.name(member.ordinal)),
    )?;
    again("is recorded as the first primary")
        .after(millis(0))
        .checkpoint(&Joining::FirstPrimary { pod: pod.clone() })
}

fn recorded(host: &dyn Host) -> Result<Option<Bootstrapped>, Fault> {
    let Some(entry) = host.state_get(BOOTSTRAPPED) else {
        return Ok(None);
    };
    serde_json::from_slice(&entry.value)
        .map(Some)
        .map_err(|error| Fault::Fatal(format!("state {BOOTSTRAPPED} cannot be read: {error}")))
}

/// Written once. A pod that was replaced before the claim was recorded goes on with the volume of the first.
fn record(ordinal: u32, pod: &str, host: &dyn Host) -> Result<(), Fault> {
    if host.state_get(BOOTSTRAPPED).is_some() {
        return Ok(());
    }
    let fact = Bootstrapped {
        ordinal,
        pod: pod.to_owned(),
    };
    let value = serde_json::to_vec(&fact).map_err(|error| Fault::Fatal(error.to_string()))?;
    host.state_put(BOOTSTRAPPED, &value, 0)?;
    Ok(())
}
