//! What is judged once for all pods that are alike: their owner, whether they fit the app, their revision.

use crate::bearings::OWN_LABELS;
use crate::digest::ByDigest;
use crate::identity::{REVISION_LABEL, parts};
use crate::world::{App, Pod};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    We,
    Nobody,
    Another,
}

/// What pods of one make have in common.
#[derive(Clone, Copy)]
pub(super) struct Make<'w> {
    pub(super) owner: Owner,
    /// They bear the app's name in front of an ordinal, and the selector means them.
    pub(super) fits: bool,
    /// The revision that their label names.
    pub(super) revision: &'w str,
}

/// The makes of an app's pods: few, however many pods there are.
pub(super) struct Makes<'w> {
    app: &'w App,
    known: ByDigest<Make<'w>>,
    /// The selector looks at labels that no two members have alike.
    selects_single_pods: bool,
}

impl<'w> Makes<'w> {
    pub(super) fn of(app: &'w App) -> Makes<'w> {
        let selector = &app.spec.selector;
        Makes {
            app,
            known: ByDigest::default(),
            selects_single_pods: OWN_LABELS.into_iter().any(|key| selector.mentions(key)),
        }
    }

    pub(super) fn judge(&mut self, pod: &'w Pod) -> Make<'w> {
        if self.selects_single_pods {
            return judge(self.app, pod);
        }
        let make = self.known.entry(pod.facts.derived().make);
        *make.or_insert_with(|| judge(self.app, pod))
    }
}

fn judge<'w>(app: &App, pod: &'w Pod) -> Make<'w> {
    let name = parts(&pod.name).map_or("", |(name, _)| name);
    Make {
        owner: match pod.controller() {
            Some(owner) if owner.uid == app.uid => Owner::We,
            Some(_) => Owner::Another,
            None => Owner::Nobody,
        },
        fits: name == app.name && app.spec.selector.matches(&pod.labels),
        revision: pod.labels.get(REVISION_LABEL).unwrap_or_default(),
    }
}
