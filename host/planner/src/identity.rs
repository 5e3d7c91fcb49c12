//! Who a pod is: `<set>-<ordinal>`, with the labels that say so. Names, labels and claims are exactly those of StatefulSet (items 35 to 47).

mod labels;
mod names;
mod pods;

pub(crate) use labels::{is_carried, mend};
pub(crate) use names::parts;
pub use names::{claim_name, ordinal_of, pod_name};
pub(crate) use pods::{owner_reference, pod_body};

pub const POD_NAME_LABEL: &str = "statefulset.kubernetes.io/pod-name";
pub const POD_INDEX_LABEL: &str = "apps.kubernetes.io/pod-index";
/// Its value is the whole name of the revision, not merely the hash.
pub const REVISION_LABEL: &str = "controller-revision-hash";
/// Of a role that a pod has, before the role's name. Its value is `true`.
pub const ROLE_LABEL_PREFIX: &str = "role.stateward.dev/";
/// Of a member on a drained node whose `pre-delete` is done: since when it may be evicted, in seconds. The disruption budget of drains leaves it out.
pub const EVICTABLE_LABEL: &str = "stateward.dev/may-be-evicted";
/// The readiness gate that holds a pod unready until `post-ready` is done, where the template lists it.
pub const JOINED_GATE: &str = "stateward.dev/joined";
/// `member-config` is kept in annotations under this prefix.
pub const CONFIG_PREFIX: &str = "config.stateward.dev/";
/// Its value is the number of container restarts that `post-ready` was done for.
pub const POST_READY_ANNOTATION: &str = "stateward.dev/post-ready";
