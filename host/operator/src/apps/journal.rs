//! Invocations in memory: what happened since the status was written. After a restart only the recorded ones are known, and are taken up under their ids.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use stateward_planner::journal::commit::Answer;
use stateward_planner::{Act, Invocation, InvocationId, Phase};

use super::circumstances::Changes;

#[derive(Default)]
pub(super) struct Journal {
    entries: BTreeMap<InvocationId, Invocation>,
    /// Failed calls in a row.
    failures: BTreeMap<InvocationId, u32>,
}

impl Journal {
    pub(super) fn entries(&self) -> BTreeMap<InvocationId, Invocation> {
        self.entries.clone()
    }

    /// A call begins. `known` is the entry of the world, recorded or in memory.
    pub(super) fn begin(
        &mut self,
        id: &InvocationId,
        act: &Act,
        known: Option<&Invocation>,
        cancelling: bool,
        now: Timestamp,
    ) -> Invocation {
        if let Some(Phase::Failing { failures, .. }) = known.map(|known| &known.phase) {
            self.failures.entry(id.clone()).or_insert(*failures);
        }
        let invocation = Invocation {
            id: id.clone(),
            act: act.clone(),
            started: known.map_or(now, |known| known.started),
            attempts: known.map_or(0, |known| known.attempts).saturating_add(1),
            checkpoint: known.and_then(|known| known.checkpoint.clone()),
            phase: Phase::Calling,
            cancelling,
            digest: known.and_then(|known| known.digest.clone()),
            is_recorded: false,
        };
        self.entries.insert(id.clone(), invocation.clone());
        invocation
    }

    /// Counts a call; the number of failed ones in a row, this one included.
    pub(super) fn count(&mut self, id: &InvocationId, has_failed: bool) -> u32 {
        if !has_failed {
            self.failures.remove(id);
            return 0;
        }
        let failures = self.failures.entry(id.clone()).or_insert(0);
        *failures = failures.saturating_add(1);
        *failures
    }

    /// A call ended, and what is durable of its answer is written.
    pub(super) fn end(&mut self, invocation: Invocation, answer: Answer) {
        let checkpoint = answer.checkpoint.or(invocation.checkpoint);
        let ended = Invocation {
            checkpoint,
            phase: answer.phase,
            ..invocation
        };
        self.entries.insert(ended.id.clone(), ended);
    }

    pub(super) fn forget(&mut self, ids: &BTreeSet<InvocationId>) {
        self.entries.retain(|id, entry| {
            // A call in flight still ends; its answer must find its entry.
            !ids.contains(id) || entry.phase == Phase::Calling
        });
        self.failures.retain(|id, _| !ids.contains(id));
    }

    /// What hooks may look at changed: those that refused are asked again now. What is in progress said itself when to ask again, and is asked before only when
    /// what it is about changed: in a large app somebody's health changes all the time. `known` are the world's entries, recorded ones included.
    pub(super) fn wake(
        &mut self,
        known: &mut BTreeMap<InvocationId, Invocation>,
        changes: &Changes<'_>,
        now: Timestamp,
    ) {
        for (id, entry) in known {
            match &mut entry.phase {
                Phase::Refused { ask_again, .. } if *ask_again > now => *ask_again = now,
                Phase::InProgress { ask_again, .. }
                    if *ask_again > now && changes.concern(&entry.act) =>
                {
                    *ask_again = now;
                }
                _ => continue,
            }
            self.entries.insert(id.clone(), entry.clone());
        }
    }

    /// Asks again now, whatever the last answer was.
    pub(super) fn retry(
        &mut self,
        known: &mut BTreeMap<InvocationId, Invocation>,
        id: &InvocationId,
        now: Timestamp,
    ) {
        let Some(entry) = known.get_mut(id) else {
            return;
        };
        let Some(retried) = entry.phase.retried(now) else {
            return;
        };
        entry.phase = retried;
        self.entries.insert(id.clone(), entry.clone());
    }

    /// The call was cut short: as if the host had died in it.
    pub(super) fn interrupt(&mut self, id: &InvocationId, now: Timestamp) {
        if let Some(entry) = self.entries.get_mut(id)
            && entry.phase == Phase::Calling
        {
            entry.phase = Phase::Failing {
                reason: "Interrupted".to_owned(),
                message: "a failover went first".to_owned(),
                failures: 1,
                ask_again: now,
            };
        }
    }

    pub(super) fn calls_in_flight(&self) -> usize {
        let calling = |entry: &&Invocation| entry.phase == Phase::Calling;
        self.entries.values().filter(calling).count()
    }

    /// Whether `pre-scale` is being called.
    pub(super) fn is_judging(&self) -> bool {
        (self.entries.values())
            .any(|entry| entry.phase == Phase::Calling && matches!(entry.act, Act::PreScale { .. }))
    }

    /// An invocation waits for something that a probe may see.
    pub(super) fn waits_for_health(&self) -> bool {
        self.entries.values().any(|entry| {
            matches!(
                entry.phase,
                Phase::Refused { .. } | Phase::InProgress { .. } | Phase::Failing { .. }
            )
        })
    }
}
