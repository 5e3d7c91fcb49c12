//! The language of scenarios: one line for each thing that somebody does or that befalls the cluster.
//!
//! ```text
//! # A comment. The first line makes the set `web`, with what stands behind it.
//! set replicas=3 policy=Parallel claims
//! scale 5
//! image app:2
//! fail 1
//! ```
//!
//! After each line the scenario waits until nothing moves any more; a line that ends with `&` is followed at once by the next.

mod settings;
mod words;

pub use settings::{IMAGE, Settings, Strategy};

/// What somebody does, or what befalls the cluster. Numbers are ordinals where nothing else is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// `set …`: the set is made, again after it was deleted.
    Set(Settings),
    /// `apply replicas=3 …`: the whole set as it should be, in place of what is there, which may be nothing. Policy and claims are those of `set`.
    Apply(Settings),
    /// `scale 5`
    Scale(u32),
    /// `image app:2`: a template edit. Pods of an image that begins with `broken` never become ready.
    Image(String),
    /// `partition 1`
    Partition(u32),
    /// `maxUnavailable 2`
    MaxUnavailable(u32),
    /// `minReadySeconds 2`
    MinReadySeconds(u32),
    /// `start 2`: the first ordinal is another one.
    Start(u32),
    /// `strategy OnDelete`, `strategy RollingUpdate`, `strategy Recreate`
    Strategy(Strategy),
    /// `history 1`
    History(u32),
    /// `retain scaled=Delete deleted=Retain`
    Retention { scaled: bool, deleted: bool },
    /// `delete pod 1`
    DeletePod(u32),
    /// `force-delete pod 1`
    ForceDeletePod(u32),
    /// `evict pod 1`
    EvictPod(u32),
    /// `delete claim 1`
    DeleteClaim(u32),
    /// `relabel pod 1`: it no longer fits the selector.
    RelabelPod(u32),
    /// `fail 1`: its containers end for good.
    Fail(u32),
    /// `succeed 1`
    Succeed(u32),
    /// `unready 1`: from now on, also its successors.
    Unready(u32),
    /// `ready 1`
    Ready(u32),
    /// `lose node`: nothing becomes ready, nothing ends; force-deletes still remove pods.
    LoseNode,
    /// `node back`
    NodeBack,
    /// `quota pods=3`, `quota claims=2`, `quota none`: how many the namespace may hold.
    Quota(Option<(Limited, u32)>),
    /// `refused edit replicas`: an edit that the API server does not take.
    RefusedEdit(RefusedEdit),
    /// `old revision`: what an API server with fewer defaults left behind, the template of `set` as the user wrote it. It belongs to nobody.
    OldRevision,
    /// `restart controller`
    Restart,
    /// `delete set`, `delete set orphan`, `delete set foreground`
    DeleteSet(Cascade),
}

/// What a quota counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limited {
    /// Pods that are not over.
    Pods,
    /// Claims.
    Claims,
}

/// What cannot be edited in this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedEdit {
    /// Fewer than none.
    Replicas,
    /// It is for ever.
    Selector,
    /// So is this.
    ServiceName,
}

/// What becomes of the pods of a deleted set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cascade {
    /// They go after it.
    Background,
    /// They go before it.
    Foreground,
    /// They stay.
    Orphan,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What is done.
    pub deed: Deed,
    /// The next line follows at once.
    pub is_hasty: bool,
}

/// A scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scenario {
    /// The name of its file, or its seed.
    pub name: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// Why a text is no scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name}, line {line}: {text:?} is no deed; the words are listed in tests/differential/src/scenario.rs"
)]
pub struct NoScenario {
    name: String,
    line: usize,
    text: String,
}

impl Scenario {
    /// How many lines are waited for.
    pub fn pauses(&self) -> usize {
        self.lines.iter().filter(|line| !line.is_hasty).count()
    }

    /// Whether somebody kills the controller.
    pub fn has_restarts(&self) -> bool {
        self.lines.iter().any(|line| line.deed == Deed::Restart)
    }

    /// Whether an edit comes before the last one is carried out, so that only the end can be foretold.
    pub fn is_hasty(&self) -> bool {
        self.lines.iter().any(|line| line.is_hasty)
    }

    /// Whether pods are made and deleted one at a time, so that their order says something.
    pub fn has_order(&self) -> bool {
        self.lines.iter().all(|line| match &line.deed {
            Deed::Set(set) | Deed::Apply(set) => {
                !set.is_parallel
                    && set.max_unavailable.is_none()
                    && set.strategy != Strategy::Recreate
            }
            Deed::DeleteSet(_) | Deed::MaxUnavailable(_) => false,
            Deed::Strategy(strategy) => *strategy != Strategy::Recreate,
            _ => true,
        })
    }
}
