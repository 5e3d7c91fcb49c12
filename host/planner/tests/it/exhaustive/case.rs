//! What is explored: an app, and how much may happen to it.

use std::fmt;

use stateward_planner::spec::{MaxUnavailable, PodManagement, UpdateStrategy};
use stateward_planner::world::Plugin;

use crate::bed::plugin;

/// How much may happen.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) policy: PodManagement,
    pub(super) update: UpdateStrategy,
    pub(super) ordinals: u32,
    pub(super) edits: u32,
    pub(super) failures: u32,
    /// Claims that somebody deletes. Without any, members have none.
    pub(super) losses: u32,
    /// Hooks of the plugin. Without any there is none.
    pub(super) hooks: &'static [&'static str],
    /// Whether `post-ready` may run beside another call, and `pre-scale` beside other steps.
    pub(super) overlaps: bool,
    /// Calls that do not end with `done`.
    pub(super) troubles: u32,
    /// All members are there, and joined, before anything happens.
    pub(super) stands: bool,
    /// Whether somebody deletes the app.
    pub(super) ends: bool,
}

impl Case {
    pub(super) fn plugin(&self) -> Plugin {
        if self.hooks.is_empty() {
            return Plugin::None;
        }
        let mut plugin = plugin(self.hooks);
        if let Plugin::Ready(plugin) = &mut plugin {
            plugin.post_ready_overlaps = self.overlaps;
            plugin.pre_scale_overlaps = self.overlaps;
        }
        plugin
    }
}

/// In one line; what does not happen is left out.
impl fmt::Display for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?}, {} ordinals", self.policy, self.ordinals)?;
        match &self.update {
            UpdateStrategy::RollingUpdate {
                partition,
                max_unavailable,
            } => {
                if let Some(MaxUnavailable::Count(budget)) = max_unavailable {
                    write!(out, ", maxUnavailable {budget}")?;
                }
                if *partition > 0 {
                    write!(out, ", partition {partition}")?;
                }
            }
            other => write!(out, ", {other:?}")?,
        }
        for (count, what) in [
            (self.edits, "edits"),
            (self.failures, "failures"),
            (self.losses, "claims lost"),
            (self.troubles, "troubled calls"),
        ] {
            if count > 0 {
                write!(out, ", {count} {what}")?;
            }
        }
        for (is_so, what) in [
            (self.stands, "standing"),
            (self.overlaps, "calls overlap"),
            (self.ends, "deleted"),
        ] {
            if is_so {
                write!(out, ", {what}")?;
            }
        }
        if !self.hooks.is_empty() {
            write!(out, ", with {}", self.hooks.join(" "))?;
        }
        Ok(())
    }
}

pub(super) const ORDERED: Case = Case {
    policy: PodManagement::OrderedReady,
    update: UpdateStrategy::RollingUpdate {
        partition: 0,
        max_unavailable: None,
    },
    ordinals: 3,
    edits: 1,
    failures: 1,
    losses: 0,
    hooks: &[],
    overlaps: false,
    troubles: 0,
    stands: false,
    ends: false,
};

pub(super) const PARALLEL: Case = Case {
    policy: PodManagement::Parallel,
    failures: 0,
    ..ORDERED
};

/// Members that join and are asked before they leave.
pub(super) const HOOKED: Case = Case {
    ordinals: 2,
    failures: 0,
    troubles: 1,
    hooks: &["pre-scale", "post-ready", "pre-delete"],
    stands: true,
    ..ORDERED
};

/// One of them holds a role.
pub(super) const LED: Case = Case {
    hooks: &["post-ready", "pre-delete", "move-role"],
    ..HOOKED
};
