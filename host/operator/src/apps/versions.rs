//! Which version of the plugin an invocation is called on: one that is on its way ends on the version that began it.

use std::collections::BTreeMap;
use std::sync::Arc;

use stateward_planner::{Invocation, InvocationId, Phase};

use crate::events::Note;
use crate::plugins::{Earlier, Lost, Serving};

/// The versions that invocations under way were called on last. What the operator that ran before this one began is known by its digest, which is recorded.
#[derive(Default)]
pub(super) struct Versions(BTreeMap<InvocationId, Arc<Serving>>);

/// On what the next call of an invocation is made.
pub(super) enum Version {
    Known(Arc<Serving>),
    /// On the version of this digest, if it can be had.
    Recorded {
        digest: String,
    },
}

impl Versions {
    /// The version for the next call. `known` is what the last one came to: what failed or refused is tried with the present version, which may be the cure.
    /// An earlier version has the terms of the present one: what was taken from the plugin since, it does not have.
    pub(super) fn next(
        &self,
        id: &InvocationId,
        known: Option<&Invocation>,
        present: &Arc<Serving>,
    ) -> Version {
        let under_way = known.filter(|known| matches!(known.phase, Phase::InProgress { .. }));
        let Some(known) = under_way else {
            return Version::Known(present.clone());
        };
        let is_present = |digest: &str| digest == present.facts.digest;
        match (self.0.get(id), &known.digest) {
            (Some(began_on), _) if !is_present(&began_on.facts.digest) => {
                let began_on = began_on.under_the_terms_of(present).map(Arc::new);
                Version::Known(began_on.unwrap_or_else(|| present.clone()))
            }
            (None, Some(digest)) if !is_present(digest) => Version::Recorded {
                digest: digest.clone(),
            },
            _ => Version::Known(present.clone()),
        }
    }

    /// A call ended on this version.
    pub(super) fn called(&mut self, id: &InvocationId, on: &Arc<Serving>) {
        self.0.insert(id.clone(), on.clone());
    }

    /// Only these invocations are still there.
    pub(super) fn keep(&mut self, journal: &BTreeMap<InvocationId, Invocation>) {
        self.0.retain(|id, _| journal.contains_key(id));
    }
}

impl Version {
    /// Loads it where it has to be. Where it cannot be had, the call is made on the present one, and why is told.
    pub(super) async fn find(
        self,
        earlier: &Earlier,
        present: &Arc<Serving>,
    ) -> (Arc<Serving>, Option<VersionLost>) {
        let digest = match self {
            Version::Known(serving) => return (serving, None),
            Version::Recorded { digest } => digest,
        };
        match earlier.find(&digest, present).await {
            Ok(serving) => (serving, None),
            Err(why) => (present.clone(), Some(VersionLost { digest, why })),
        }
    }
}

/// The version that began an invocation cannot be had any more.
pub(super) struct VersionLost {
    digest: String,
    why: Lost,
}

impl VersionLost {
    pub(super) fn note(&self, id: &InvocationId, present: &Serving) -> Note {
        let (digest, why, present) = (&self.digest, &self.why, &present.facts.digest);
        Note::warning(
            "VersionLost",
            format!(
                "{id} began on {digest}, which cannot be had any more ({why}); it goes on with {present}"
            ),
        )
    }
}
