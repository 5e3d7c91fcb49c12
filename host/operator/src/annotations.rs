//! Names that the operator writes and reads on objects.

/// A user's wish to move a role: JSON `{"id": …, "role": …, "target": …}`, see [`stateward_planner::world::Switchover`].
pub const SWITCHOVER: &str = "stateward.dev/switchover";

/// On a claim: which app's member has used its volume, `<app uid>/<ordinal>`.
pub const USED_BY: &str = "stateward.dev/used-by";

/// Whatever is ours on pods and claims has this in its key.
pub(crate) const DOMAIN: &str = "stateward.dev";

/// Field manager of all writes.
pub const FIELD_MANAGER: &str = "stateward";
