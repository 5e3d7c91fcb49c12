//! How a version of a plugin behaves, over all apps: whether it ever answered, and which hook keeps ending without an answer.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use stateward_runtime::{CallError, Hook};

/// So many calls of one hook in a row that end in a trap make a version one that keeps trapping.
const TOO_MANY: u32 = 5;

/// A version keeps ending calls of a hook without an answer.
#[derive(Clone, Debug)]
pub(crate) struct Trapping {
    /// Name of the Plugin object.
    pub plugin: String,
    pub digest: String,
    /// What ended the last call.
    pub error: CallError,
}

/// What is known of one version.
#[derive(Default)]
pub(super) struct Conduct(Mutex<Known>);

#[derive(Default)]
struct Known {
    has_answered: bool,
    traps: BTreeMap<Hook, u32>,
}

impl Conduct {
    pub(super) fn answered(&self, hook: Hook) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.has_answered = true;
        known.traps.remove(&hook);
    }

    /// Counts; true when it is too much just now.
    pub(super) fn failed(&self, error: &CallError) -> bool {
        // A deadline may be the members' fault: they are slow.
        if !error.blames_plugin() || error.reason() == "PluginDeadline" {
            return false;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let traps = known.traps.entry(error.hook).or_insert(0);
        *traps = traps.saturating_add(1);
        *traps == TOO_MANY
    }

    pub(super) fn has_answered(&self) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .has_answered
    }
}
