//! What a claim says: who owns it, and how far it has grown.

use stateward_planner::world::Claim;

use super::pods::owners;
use crate::annotations::USED_BY;
use crate::watch::{Meta, RawClaim, SlimClaim};

impl From<RawClaim> for SlimClaim {
    fn from(mut claim: RawClaim) -> SlimClaim {
        let annotations = claim.metadata.annotations.as_mut();
        SlimClaim {
            used_by: annotations.and_then(|all| all.remove(USED_BY)),
            namespace: claim.namespace().into(),
            facts: facts(claim).into(),
        }
    }
}

fn facts(claim: RawClaim) -> Claim {
    Claim {
        owners: owners(claim.metadata.owner_references.as_deref()),
        deletion: (claim.metadata.deletion_timestamp.as_ref()).map(|time| time.0),
        is_bound: claim.status.phase.as_deref() == Some("Bound"),
        growth: growth(&claim),
        name: claim.metadata.name.unwrap_or_default(),
        uid: claim.metadata.uid.unwrap_or_default(),
        requested: claim.spec.resources.requests.storage,
        capacity: claim.status.capacity.storage,
    }
}

/// What Kubernetes says of the claim's growth.
fn growth(claim: &RawClaim) -> Option<String> {
    const TYPES: [&str; 4] = [
        "ControllerResizeError",
        "NodeResizeError",
        "FileSystemResizePending",
        "Resizing",
    ];
    TYPES.iter().find_map(|type_| {
        let conditions = claim.status.conditions.iter();
        let condition = conditions
            .filter(|condition| condition.status == "True")
            .find(|condition| condition.type_ == *type_)?;
        let message = condition.message.as_deref().filter(|text| !text.is_empty());
        Some(match message {
            Some(message) => format!("{type_}: {message}"),
            None => (*type_).to_owned(),
        })
    })
}
