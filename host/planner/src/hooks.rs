//! Act hooks: which the plugin has, whether one stands in the way, which calls are made now.
//!
//! A rule that must wait for a hook says so ([`gate`]); when all rules have spoken, [`settle`] drops what has lost its purpose, undoes what was begun for
//! nothing, and lets as many calls go as the lanes allow.

mod lanes;
mod purposes;
mod recording;
mod room;

pub(crate) use recording::{as_recorded, must_stand};
pub(crate) use room::{admits, beginning, bytes_of_failure, of_failures, written};

use std::collections::{BTreeMap, BTreeSet};

use crate::draft::{Draft, Wanted};
use crate::journal::{Act, InvocationId, Phase};
use crate::rulings;
use crate::scene::Scene;
use crate::waiting::{Gate, HookStanding, WaitingFor};
use crate::world::{Plugin, ReadyPlugin, World};

pub(crate) const VALIDATE: &str = "validate";
pub(crate) const MEMBER_CONFIG: &str = "member-config";
pub(crate) const PRE_SCALE: &str = "pre-scale";
pub(crate) const POST_READY: &str = "post-ready";
pub(crate) const PRE_DELETE: &str = "pre-delete";
pub(crate) const UPDATE_ORDER: &str = "update-order";
pub(crate) const POST_DELETE: &str = "post-delete";
pub(crate) const MOVE_ROLE: &str = "move-role";
pub(crate) const TASK: &str = "task";

/// The hooks of the app's plugin. While it is away, those that it had when it was last accepted still stand in the way.
pub(crate) struct Hooks<'w> {
    names: Option<&'w BTreeSet<String>>,
    plugin: &'w Plugin,
}

impl<'w> Hooks<'w> {
    pub(crate) fn of(world: &'w World) -> Hooks<'w> {
        Hooks {
            names: match &world.plugin {
                Plugin::None => None,
                Plugin::Unavailable { .. } => world
                    .recorded
                    .accepted
                    .as_ref()
                    .map(|accepted| &accepted.hooks),
                Plugin::Ready(plugin) => Some(&plugin.hooks),
            },
            plugin: &world.plugin,
        }
    }

    pub(crate) fn has(&self, hook: &str) -> bool {
        self.names.is_some_and(|names| names.contains(hook))
    }

    pub(crate) fn ready(&self) -> Option<&'w ReadyPlugin> {
        match self.plugin {
            Plugin::Ready(plugin) => Some(plugin),
            Plugin::None | Plugin::Unavailable { .. } => None,
        }
    }

    pub(crate) fn may_call(&self, hook: &str) -> bool {
        self.ready().is_some() && self.has(hook)
    }

    /// What is waited for when a hook cannot be called.
    pub(crate) fn unavailable(&self) -> WaitingFor {
        match self.plugin {
            Plugin::Unavailable {
                name,
                reason,
                message,
            } => WaitingFor::PluginUnavailable {
                name: name.clone(),
                reason: reason.clone(),
                message: message.clone(),
            },
            Plugin::None | Plugin::Ready(_) => WaitingFor::Recording,
        }
    }
}

/// Open when the plugin does not have the hook, or said `done` for this purpose. Otherwise the call is wanted.
pub(crate) fn gate(scene: &Scene<'_>, act: Act, draft: &mut Draft) -> Gate {
    if !scene.hooks.has(act.hook()) {
        return Gate::Open;
    }
    let id = act.id();
    let known = scene.world.journal.get(&id);
    if known.is_some_and(crate::Invocation::is_done) || rulings::is_skipped(scene, &id) {
        return Gate::Open;
    }
    if rulings::is_aborted(scene, &id) {
        return Gate::Wait(WaitingFor::Aborted { act });
    }
    match known {
        Some(_) => draft.want(act, false),
        None => draft.want_first(act, id),
    }
    // The wait is told by the lanes, which know more of it.
    Gate::Wait(WaitingFor::Recording)
}

/// Ends what is over, calls what is wanted, and tells how each wanted hook stands. Returns those that are in trouble.
pub(crate) fn settle(scene: &Scene<'_>, draft: &mut Draft) -> Vec<HookStanding> {
    if scene.goal.mode != crate::scene::Mode::Nothing {
        purposes::review(scene, draft);
    }
    let queued = match scene.hooks.ready() {
        Some(plugin) => lanes::call(scene, plugin, draft),
        None => BTreeMap::new(),
    };
    recording::keep(scene, draft);
    let mut standings = Vec::new();
    for wanted in std::mem::take(&mut draft.wanted) {
        if scene.hooks.ready().is_none() {
            draft.wait(scene.hooks.unavailable());
            continue;
        }
        let standing = standing(scene, &wanted, &queued);
        standings.push(standing.clone());
        draft.wait(WaitingFor::Hook {
            act: wanted.act,
            standing,
        });
    }
    standings
}

fn standing(
    scene: &Scene<'_>,
    wanted: &Wanted,
    queued: &BTreeMap<InvocationId, InvocationId>,
) -> HookStanding {
    let phase = scene
        .world
        .journal
        .get(&wanted.id)
        .map(|known| &known.phase);
    match phase {
        Some(Phase::InProgress {
            percent, message, ..
        }) => HookStanding::InProgress {
            percent: *percent,
            message: message.clone(),
        },
        Some(Phase::Refused { reason, .. }) => HookStanding::Refused {
            reason: reason.clone(),
        },
        Some(Phase::Failing {
            reason,
            message,
            failures,
            ..
        }) => HookStanding::Failing {
            reason: reason.clone(),
            message: message.clone(),
            failures: *failures,
        },
        Some(Phase::Fatal { message, .. }) => HookStanding::Fatal {
            message: message.clone(),
        },
        Some(Phase::Done) if wanted.act.hook() == MOVE_ROLE => HookStanding::DidNotMove,
        _ => match queued.get(&wanted.id) {
            Some(behind) => HookStanding::Queued {
                behind: behind.clone(),
            },
            None => HookStanding::Asked,
        },
    }
}
