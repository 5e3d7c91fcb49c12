//! A plugin as the SDK sees it: what `#[plugin]` implements.

use std::collections::BTreeMap;

use crate::app::App;
use crate::finding::Finding;
use crate::host::{Host, Reach, View};
use crate::manifest::Manifest;
use crate::member::Member;
use crate::occasion::{Joining, Leaving, Left, Moving, Scaling, Task};
use crate::report::Report;
use crate::step::{Fault, Step};

/// A hook that a plugin can implement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// `validate`
    Validate,
    /// `member_config`
    MemberConfig,
    /// `update_order`
    UpdateOrder,
    /// `probe`
    Probe,
    /// `pre_scale`
    PreScale,
    /// `post_ready`
    PostReady,
    /// `pre_delete`
    PreDelete,
    /// `post_delete`
    PostDelete,
    /// `move_role`
    MoveRole,
    /// `task`
    Task,
}

impl Hook {
    /// All of them.
    pub const ALL: [Hook; 10] = [
        Hook::Validate,
        Hook::MemberConfig,
        Hook::UpdateOrder,
        Hook::Probe,
        Hook::PreScale,
        Hook::PostReady,
        Hook::PreDelete,
        Hook::PostDelete,
        Hook::MoveRole,
        Hook::Task,
    ];

    /// Its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Hook::Validate => "validate",
            Hook::MemberConfig => "member-config",
            Hook::UpdateOrder => "update-order",
            Hook::Probe => "probe",
            Hook::PreScale => "pre-scale",
            Hook::PostReady => "post-ready",
            Hook::PreDelete => "pre-delete",
            Hook::PostDelete => "post-delete",
            Hook::MoveRole => "move-role",
            Hook::Task => "task",
        }
    }
}

/// What `#[plugin]` implements. Authors do not write it; the [test host](crate::testing) and the component call it. A hook that the author did
/// not write answers `None`.
pub trait Plugin {
    /// What it says about itself.
    fn on_describe(&self) -> Manifest;

    /// The hooks that its author wrote.
    fn hooks(&self) -> &[Hook];

    /// Calls `validate`.
    fn on_validate(&self, old: Option<&App>, new: &App, view: &dyn View) -> Option<Vec<Finding>> {
        let _ = (old, new, view);
        None
    }

    /// Calls `member_config`.
    fn on_member_config(
        &self,
        app: &App,
        member: &Member,
        view: &dyn View,
    ) -> Option<BTreeMap<String, String>> {
        let _ = (app, member, view);
        None
    }

    /// Calls `update_order`.
    fn on_update_order(&self, app: &App, view: &dyn View) -> Option<Vec<u32>> {
        let _ = (app, view);
        None
    }

    /// Calls `probe`.
    fn on_probe(
        &self,
        app: &App,
        member: &Member,
        reach: &dyn Reach,
    ) -> Option<Result<Report, Fault>> {
        let _ = (app, member, reach);
        None
    }

    /// Calls `pre_scale`.
    fn on_pre_scale(&self, scaling: &Scaling, host: &dyn Host) -> Option<Step> {
        let _ = (scaling, host);
        None
    }

    /// Calls `post_ready`.
    fn on_post_ready(&self, joining: &Joining, host: &dyn Host) -> Option<Step> {
        let _ = (joining, host);
        None
    }

    /// Calls `pre_delete`.
    fn on_pre_delete(&self, leaving: &Leaving, host: &dyn Host) -> Option<Step> {
        let _ = (leaving, host);
        None
    }

    /// Calls `post_delete`.
    fn on_post_delete(&self, left: &Left, host: &dyn Host) -> Option<Step> {
        let _ = (left, host);
        None
    }

    /// Calls `move_role`.
    fn on_move_role(&self, moving: &Moving, host: &dyn Host) -> Option<Step> {
        let _ = (moving, host);
        None
    }

    /// Calls `task`.
    fn on_task(&self, task: &Task, host: &dyn Host) -> Option<Step> {
        let _ = (task, host);
        None
    }
}

/// A plugin that a component can make for each call: it has no fields, because nothing outlives a call. `#[plugin]` implements it.
pub trait Stateless: Plugin {
    /// The plugin.
    fn new() -> Self
    where
        Self: Sized;
}
