//! Names that the operator writes and reads on objects.

/// A user's wish to move a role: JSON `{"id": …, "role": …, "target": …}`, see [`stateward_planner::world::Switchover`].
pub const SWITCHOVER: &str = "stateward.dev/switchover";

/// A user's wish to run a task: JSON, see [`stateward_planner::world::TaskWish`].
pub const DO: &str = "stateward.dev/do";

/// A user's decision about an invocation: JSON, see [`stateward_planner::world::RulingWish`].
pub const INVOCATION: &str = "stateward.dev/invocation";

/// On an app: its end waits for an ordered teardown.
pub const TEARDOWN: &str = "stateward.dev/teardown";

/// On a claim: which app's member has used its volume, `<app uid>/<ordinal>`.
pub const USED_BY: &str = "stateward.dev/used-by";

/// On a pod, followed by the key of a program that a plugin has started in it: the container and its restarts until then.
pub(crate) const JOB: &str = "job.stateward.dev/";

/// Whatever is ours on pods and claims has this in its key.
pub(crate) const DOMAIN: &str = "stateward.dev";

/// Field manager of all writes.
pub const FIELD_MANAGER: &str = "stateward";
