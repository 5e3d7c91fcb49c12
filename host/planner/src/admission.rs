//! Whether the present spec counts. What the plugin refuses, or cannot judge, changes nothing that runs: the last accepted spec holds.

use jiff::Timestamp;

use crate::draft::Draft;
use crate::hooks::VALIDATE;
use crate::plan::Question;
use crate::status::{Accepted, Ordinals};
use crate::waiting::WaitingFor;
use crate::world::{Plugin, Verdict, World};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Admission {
    /// The present spec counts.
    Present,
    /// The last accepted one holds.
    Last {
        ordinals: Ordinals,
        wait: WaitingFor,
    },
    /// There is none that could hold.
    Never { wait: WaitingFor },
}

impl Admission {
    /// What stands in the way of the present spec.
    pub(crate) fn obstacle(&self) -> Option<&WaitingFor> {
        match self {
            Admission::Present => None,
            Admission::Last { wait, .. } | Admission::Never { wait } => Some(wait),
        }
    }
}

pub(crate) fn of(world: &World, now: Timestamp, draft: &mut Draft) -> Admission {
    let obstacle = match &world.plugin {
        Plugin::None => return Admission::Present,
        Plugin::Unavailable {
            name,
            reason,
            message,
        } => WaitingFor::PluginUnavailable {
            name: name.clone(),
            reason: reason.clone(),
            message: message.clone(),
        },
        Plugin::Ready(plugin) => {
            match verdict(world, plugin.hooks.contains(VALIDATE), now, draft) {
                Some(obstacle) => obstacle,
                None => {
                    draft.status.accepted = Some(Accepted {
                        generation: world.app.generation,
                        replicas: world.app.spec.replicas,
                        start: world.app.spec.start,
                        hooks: plugin.hooks.clone(),
                        reserved: world.app.spec.reserved.clone(),
                    });
                    return Admission::Present;
                }
            }
        }
    };
    // An app that goes is not judged any more, and waits for no verdict.
    if world.app.deletion.is_none() || matches!(obstacle, WaitingFor::PluginUnavailable { .. }) {
        draft.wait(obstacle.clone());
    }
    match &world.recorded.accepted {
        Some(accepted) => Admission::Last {
            ordinals: accepted.ordinals(),
            wait: obstacle,
        },
        None => Admission::Never { wait: obstacle },
    }
}

/// What `validate` has against the present spec.
fn verdict(
    world: &World,
    is_implemented: bool,
    now: Timestamp,
    draft: &mut Draft,
) -> Option<WaitingFor> {
    if !is_implemented {
        return None;
    }
    match &world.answers.validate {
        Some(Verdict::Accepted) => None,
        Some(Verdict::Refused { message }) => Some(WaitingFor::ValidationRefused {
            message: message.clone(),
        }),
        Some(Verdict::Failed {
            reason,
            message,
            ask_again,
        }) => {
            if *ask_again <= now {
                draft.ask(Question::Validate);
            } else {
                draft.wake(*ask_again);
            }
            Some(WaitingFor::ValidationFailed {
                reason: reason.clone(),
                message: message.clone(),
            })
        }
        None => {
            if world.app.deletion.is_none() {
                draft.ask(Question::Validate);
            }
            Some(WaitingFor::Validation)
        }
    }
}
