//! One member: a stable identity and, while it exists, its pod.

use std::collections::BTreeMap;
use std::fmt;

/// One member: a stable identity (its ordinal) and, while it exists, its pod.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Member {
    /// Its ordinal.
    pub ordinal: u32,
    /// UID of its pod; none while no pod exists. Capabilities take it, so that they never reach a pod of the same name that came later.
    pub pod: Option<String>,
    /// The pod's address, once it has one.
    pub address: Option<String>,
    /// Where it stands, as Kubernetes sees it.
    pub standing: Standing,
    /// Restarts of its containers, summed up.
    pub restarts: u32,
    /// Revision that the pod was made from; empty while no pod exists.
    pub revision: String,
    /// The node that the pod runs on.
    pub node: Option<String>,
    /// What is known of its volumes.
    pub volume: Volume,
    /// What the last probe reported.
    pub last: Option<Seen>,
    /// `host`: the pod's stable DNS name, when the app has a service. Unknown keys may be ignored.
    pub extra: BTreeMap<String, String>,
}

impl Member {
    /// UIDs of the claims of its volumes, for [`discard_volumes`](crate::Host::discard_volumes).
    pub fn claims(&self) -> Vec<&str> {
        let all = self.extra.get("claims").map(String::as_str);
        all.unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|uid| !uid.is_empty())
            .collect()
    }

    /// Whether a pod exists that is not on its way out.
    pub fn is_there(&self) -> bool {
        self.pod.is_some() && !matches!(self.standing, Standing::Absent | Standing::Terminating)
    }
}

/// Where a member stands, as Kubernetes sees it. Whether it is *useful* is for the plugin to judge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Standing {
    /// No pod exists under this ordinal.
    #[default]
    Absent,
    /// The pod exists, its containers do not all run yet.
    Starting,
    /// All containers run and the pod is Ready.
    Ready,
    /// Containers run, the pod is not Ready.
    Unready,
    /// The pod is being deleted.
    Terminating,
    /// A word of a newer host.
    Other(String),
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Standing::Absent => "absent",
            Standing::Starting => "starting",
            Standing::Ready => "ready",
            Standing::Unready => "unready",
            Standing::Terminating => "terminating",
            Standing::Other(word) => word,
        })
    }
}

/// What is known of the end of a pod. Only [`Stopped`](Death::Stopped) and [`NodeFenced`](Death::NodeFenced) prove that none of its
/// processes runs any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Death {
    /// The pod object exists and was not reported stopped.
    Alive,
    /// The object is gone. Its processes may still run on an unreachable node.
    ObjectGone,
    /// The node's agent reported all containers ended.
    Stopped,
    /// The node was fenced.
    NodeFenced,
    /// A word of a newer host.
    Other(String),
}

/// What is known of a member's volumes, compared to its last incarnation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Volume {
    /// Never used by this member before.
    New,
    /// The volumes that its last incarnation had.
    Same,
    /// Older than what this member had last.
    Stale,
    /// They belonged to something else.
    Foreign,
    /// The member has no volumes.
    #[default]
    None,
    /// A word of a newer host.
    Other(String),
}

/// What the last probe of a member reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// When, in milliseconds since 1970-01-01 UTC, on the host's clock.
    pub at_ms: u64,
    /// What the probe said of its health.
    pub healthy: bool,
    /// The role that the probe saw.
    pub role: Option<String>,
    /// The plugin's own note, as its probe wrote it.
    pub note: Vec<u8>,
}
