//! Which revisions are kept: those in use always, of the others the newest up to the limit (item 125).

use std::collections::BTreeSet;

use super::Revisions;
use crate::identity::REVISION_LABEL;
use crate::plan::Step;
use crate::world::Pod;

/// Revisions beyond the limit, oldest first. A pod that was released keeps none: nobody makes it again.
pub(crate) fn surplus<'w>(
    limit: i64,
    ours: impl Iterator<Item = &'w Pod>,
    revisions: &Revisions<'_>,
) -> Vec<Step> {
    let Ok(limit) = usize::try_from(limit) else {
        // Negative: keep everything.
        return Vec::new();
    };
    if revisions.sorted.len() <= limit {
        return Vec::new();
    }
    let mut live: BTreeSet<&str> = ours
        .filter_map(|pod| pod.labels.get(REVISION_LABEL))
        .collect();
    live.extend(
        [revisions.current, revisions.update]
            .into_iter()
            .flatten()
            .map(|revision| revision.name.as_str()),
    );
    let idle: Vec<_> = revisions
        .sorted
        .iter()
        .filter(|revision| revision.owner.is_some() && !live.contains(revision.name.as_str()))
        .collect();
    let surplus = idle.len().saturating_sub(limit);
    idle.into_iter()
        .take(surplus)
        .map(|revision| Step::DeleteRevision {
            name: revision.name.clone(),
            uid: revision.uid.clone(),
        })
        .collect()
}
