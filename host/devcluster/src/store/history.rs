//! The last changes, for watches that resume and for lists of an earlier moment.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;

use super::objects::Key;

/// How many changes are remembered.
const REMEMBERED: usize = 20_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeType {
    Added,
    Modified,
    Deleted,
}

/// One write.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) revision: u64,
    pub(crate) resource: Arc<str>,
    pub(crate) key: Key,
    pub(crate) change_type: ChangeType,
    /// The object after the write; of a deletion its last state under the deletion's version.
    pub(crate) object: Arc<Value>,
    pub(crate) previous: Option<Arc<Value>>,
}

/// The ring of changes. Everything after `compacted` is in it.
#[derive(Debug, Default)]
pub(crate) struct History {
    changes: VecDeque<Change>,
    compacted: u64,
}

impl History {
    pub(crate) fn starting_at(revision: u64) -> Self {
        Self {
            changes: VecDeque::new(),
            compacted: revision,
        }
    }

    pub(crate) fn push(&mut self, change: Change) {
        if self.changes.len() >= REMEMBERED
            && let Some(forgotten) = self.changes.pop_front()
        {
            self.compacted = forgotten.revision;
        }
        self.changes.push_back(change);
    }

    /// Forgets everything up to `revision`.
    pub(crate) fn compact(&mut self, revision: u64) {
        self.changes.retain(|change| change.revision > revision);
        self.compacted = self.compacted.max(revision);
    }

    /// Whether everything after `revision` is still known.
    pub(crate) fn reaches(&self, revision: u64) -> bool {
        revision >= self.compacted
    }

    pub(crate) fn compacted(&self) -> u64 {
        self.compacted
    }

    /// The changes after `revision`, oldest first.
    pub(crate) fn after(&self, revision: u64) -> impl DoubleEndedIterator<Item = &Change> {
        let start = self
            .changes
            .partition_point(|change| change.revision <= revision);
        self.changes.range(start..)
    }
}
