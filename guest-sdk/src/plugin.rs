//! A plugin as the SDK sees it: what `#[plugin]` implements.

use std::collections::BTreeMap;

use crate::app::{App, Claim};
use crate::call::{Call, Cause, MoveCause};
use crate::finding::Finding;
use crate::host::{Host, Reach, View};
use crate::manifest::Manifest;
use crate::member::Member;
use crate::report::Report;
use crate::step::{Fault, Step};

/// A hook that a plugin can implement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// `validate`
    Validate,
    /// `member_config`
    MemberConfig,
    /// `probe`
    Probe,
    /// `pre_scale`
    PreScale,
    /// `post_ready`
    PostReady,
    /// `pre_delete`
    PreDelete,
    /// `move_role`
    MoveRole,
}

/// What `#[plugin]` implements. Authors do not write it; the [test host](crate::testing) and the component call it. A hook that the author did
/// not write answers `None`.
pub trait Plugin {
    /// The plugin. It has no fields, because nothing outlives a call.
    fn new() -> Self
    where
        Self: Sized;

    /// What it says about itself.
    fn on_describe(&self) -> Manifest;

    /// The hooks that its author wrote.
    fn hooks(&self) -> &'static [Hook];

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
    fn on_pre_scale(&self, call: &Call, app: &App, host: &dyn Host) -> Option<Step> {
        let _ = (call, app, host);
        None
    }

    /// Calls `post_ready`.
    fn on_post_ready(
        &self,
        call: &Call,
        app: &App,
        member: &Member,
        host: &dyn Host,
    ) -> Option<Step> {
        let _ = (call, app, member, host);
        None
    }

    /// Calls `pre_delete`.
    fn on_pre_delete(
        &self,
        call: &Call,
        app: &App,
        member: &Member,
        why: &Cause,
        host: &dyn Host,
    ) -> Option<Step> {
        let _ = (call, app, member, why, host);
        None
    }

    /// Calls `move_role`.
    fn on_move_role(
        &self,
        call: &Call,
        app: &App,
        held: &Claim,
        why: &MoveCause,
        target: Option<u32>,
        host: &dyn Host,
    ) -> Option<Step> {
        let _ = (call, app, held, why, target, host);
        None
    }
}
