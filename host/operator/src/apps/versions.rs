//! Which version of the plugin an invocation is called on: one that is on its way ends on the version that began it.

use std::collections::BTreeMap;
use std::sync::Arc;

use stateward_planner::{Invocation, InvocationId, Phase};

use crate::plugins::Serving;

/// The versions that invocations under way began on. After a restart of the operator only the present one is known.
#[derive(Default)]
pub(super) struct Versions(BTreeMap<InvocationId, Arc<Serving>>);

impl Versions {
    /// The version for the next call. `known` is what the last one came to: what failed or refused is tried with the present version, which may be the cure.
    /// An earlier version has the terms of the present one: what was taken from the plugin since, it does not have.
    pub(super) fn next(
        &mut self,
        id: &InvocationId,
        known: Option<&Invocation>,
        present: &Arc<Serving>,
    ) -> Arc<Serving> {
        let is_under_way =
            known.is_some_and(|known| matches!(known.phase, Phase::InProgress { .. }));
        let began_on = self
            .0
            .get(id)
            .filter(|began_on| is_under_way && began_on.facts.digest != present.facts.digest);
        let next = began_on
            .and_then(|began_on| began_on.under_the_terms_of(present))
            .map_or_else(|| present.clone(), Arc::new);
        self.0.insert(id.clone(), next.clone());
        next
    }

    /// Only these invocations are still there.
    pub(super) fn keep(&mut self, journal: &BTreeMap<InvocationId, Invocation>) {
        self.0.retain(|id, _| journal.contains_key(id));
    }
}
