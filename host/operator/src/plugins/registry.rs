//! Which plugins apps can use now.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use stateward_planner::world::{self as planner, ReadyPlugin};
use stateward_runtime::{CallError, Granted, Hook, Plugin};

use super::conduct::{Conduct, Trapping};
use super::facts::{facts, not_found};
use crate::crd::{FailurePolicies, FailurePolicy};

/// So many failed calls in a row are waited for where a hook may be ignored.
const IGNORED_AFTER: u32 = 5;

/// A plugin that is served.
pub(crate) struct Serving {
    pub granted: Granted,
    /// What plans know of it.
    pub facts: ReadyPlugin,
    policies: FailurePolicies,
    conduct: Arc<Conduct>,
}

impl Serving {
    pub(crate) fn new(name: &str, granted: Granted, policies: FailurePolicies) -> Serving {
        let facts = facts(name, granted.plugin());
        Serving {
            granted,
            facts,
            policies,
            conduct: Arc::default(),
        }
    }

    /// This version under the terms of another one, which is served now: what was taken from it since is taken from this one too. None where it asks for
    /// more than that.
    pub(crate) fn under_the_terms_of(&self, other: &Serving) -> Option<Serving> {
        Some(Serving {
            facts: self.facts.clone(),
            conduct: self.conduct.clone(),
            ..other.with_its_terms(self.granted.plugin())?
        })
    }

    /// Another version under the terms of this one. None where it asks for more.
    pub(super) fn with_its_terms(&self, plugin: &Plugin) -> Option<Serving> {
        let (grants, limits) = (self.granted.grants().clone(), self.granted.limits().clone());
        let granted = match self.granted.is_counting() {
            true => plugin.count(grants, limits),
            false => plugin.grant(grants, limits).ok()?,
        };
        let policies = self.policies.clone();
        Some(Serving::new(&self.facts.name, granted, policies))
    }

    /// A call ended with an answer of the hook.
    pub(crate) fn answered(&self, hook: Hook) {
        self.conduct.answered(hook);
    }

    /// A call ended without one. Whether that is one too many.
    pub(crate) fn failed(&self, error: &CallError) -> Option<Trapping> {
        self.conduct.failed(error).then(|| Trapping {
            plugin: self.facts.name.clone(),
            digest: self.facts.digest.clone(),
            error: error.clone(),
        })
    }

    /// Whether it ever answered.
    pub(super) fn has_answered(&self) -> bool {
        self.conduct.has_answered()
    }

    /// Whether a hook that failed so often in a row counts as done.
    pub(crate) fn ignores(&self, hook: Hook, failures: u32) -> bool {
        let policy = match hook {
            Hook::Validate => self.policies.validate,
            Hook::PreScale => self.policies.pre_scale,
            Hook::PostReady => self.policies.post_ready,
            _ => FailurePolicy::Wait,
        };
        policy == FailurePolicy::Ignore && failures >= IGNORED_AFTER
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
    pub(crate) fn facts(&self, name: &str) -> Option<planner::Plugin> {
        match self {
            Offer::Loading => None,
            Offer::Ready(serving) => Some(planner::Plugin::Ready(serving.facts.clone())),
            Offer::Unavailable { reason, message } => Some(planner::Plugin::Unavailable {
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

    pub(crate) fn set(&self, name: &str, offer: Offer) {
        let mut offers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        offers.insert(name.to_owned(), offer);
    }

    pub(super) fn remove(&self, name: &str) {
        let mut offers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        offers.remove(name);
    }
}
