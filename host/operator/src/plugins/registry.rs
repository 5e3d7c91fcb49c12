//! Which plugins apps can use now.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use stateward_planner::world::{Plugin, ReadyPlugin, Role, Task};
use stateward_runtime::{Granted, Hook};

use super::not_found;

/// A plugin that is served.
pub(crate) struct Serving {
    pub granted: Granted,
    /// What plans know of it.
    pub facts: ReadyPlugin,
}

impl Serving {
    pub(super) fn new(name: &str, granted: Granted) -> Serving {
        let plugin = granted.plugin();
        let manifest = plugin.manifest();
        let hooks = plugin.hooks().iter();
        let facts = ReadyPlugin {
            name: name.to_owned(),
            digest: plugin.digest().to_string(),
            hooks: hooks.map(|hook| hook.name().to_owned()).collect(),
            roles: (manifest.roles.iter())
                .map(|role| Role {
                    name: role.name.clone(),
                    exclusive: role.exclusive,
                    movable: role.movable,
                    grace_seconds: role.grace_seconds,
                })
                .collect(),
            post_ready_overlaps: manifest.lanes.post_ready_overlaps,
            failover_interrupts: manifest.lanes.failover_interrupts,
            tasks: (manifest.tasks.iter())
                .map(|task| Task {
                    name: task.name.clone(),
                    after_scale: task.after_scale,
                })
                .collect(),
        };
        Serving { granted, facts }
    }

    pub(crate) fn has(&self, hook: Hook) -> bool {
        self.granted.plugin().hooks().contains(&hook)
    }
}

/// What a plugin's name stands for now.
#[derive(Clone)]
pub(crate) enum Offer {
    /// It will be known in a moment.
    Loading,
    Ready(Arc<Serving>),
    Unavailable {
        reason: String,
        message: String,
    },
}

impl Offer {
    /// As plans see it; none while it is not known.
    pub(crate) fn facts(&self, name: &str) -> Option<Plugin> {
        match self {
            Offer::Loading => None,
            Offer::Ready(serving) => Some(Plugin::Ready(serving.facts.clone())),
            Offer::Unavailable { reason, message } => Some(Plugin::Unavailable {
                name: name.to_owned(),
                reason: reason.clone(),
                message: message.clone(),
            }),
        }
    }
}

/// The offers, by name of the Plugin object.
#[derive(Default)]
pub(crate) struct Registry(RwLock<HashMap<String, Offer>>);

impl Registry {
    pub(crate) fn offer(&self, name: &str) -> Offer {
        let offers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        offers.get(name).cloned().unwrap_or(Offer::Unavailable {
            reason: "PluginNotFound".to_owned(),
            message: not_found(name),
        })
    }

    /// The name is known; what it stands for will be. What is served goes on meanwhile.
    pub(crate) fn announce(&self, name: &str) {
        let mut offers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        offers.entry(name.to_owned()).or_insert(Offer::Loading);
    }

    pub(super) fn set(&self, name: &str, offer: Offer) {
        let mut offers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        offers.insert(name.to_owned(), offer);
    }

    pub(super) fn remove(&self, name: &str) {
        let mut offers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        offers.remove(name);
    }
}
