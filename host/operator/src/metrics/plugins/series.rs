//! Series whose names or number a plugin decides on: each app has room for so many, so that one that floods takes nothing from the others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use super::Labels;
use crate::watch::AppKey;

/// Series of one app that its plugin may fill. Enough for five numbers on each of a thousand members.
const MOST_SERIES: usize = 5_000;

/// What each app has.
#[derive(Default)]
pub(super) struct Series(Mutex<BTreeMap<String, OfApp>>);

#[derive(Default)]
struct OfApp {
    /// The host's own: they do not count.
    hosts: BTreeSet<Labels>,
    plugins: BTreeSet<Labels>,
}

impl Series {
    /// Whether the app has this series, or room for it.
    pub(super) fn take(&self, app: &AppKey, labels: &Labels) -> bool {
        self.with(app, |series| {
            series.plugins.contains(labels)
                || (series.plugins.len() < MOST_SERIES && series.plugins.insert(labels.clone()))
        })
    }

    /// A series of the host's own, to be removed with the app.
    pub(super) fn keep(&self, app: &AppKey, labels: &Labels) {
        self.with(app, |series| {
            if !series.hosts.contains(labels) {
                series.hosts.insert(labels.clone());
            }
        });
    }

    /// The app is gone: what it had.
    pub(super) fn forget(&self, app: &AppKey) -> impl Iterator<Item = Labels> + use<> {
        let mut apps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let series = apps.remove(&app.to_string()).unwrap_or_default();
        series.hosts.into_iter().chain(series.plugins)
    }

    fn with<T>(&self, app: &AppKey, look: impl FnOnce(&mut OfApp) -> T) -> T {
        let mut apps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        look(apps.entry(app.to_string()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use stateward_planner::world::Face;

    use super::*;

    fn app(name: &str) -> AppKey {
        AppKey {
            face: Face::StatefulApp,
            namespace: "shop".to_owned(),
            name: name.to_owned(),
        }
    }

    fn figure(number: usize) -> Labels {
        vec![("figure", number.to_string())]
    }

    #[test]
    fn an_app_that_has_used_up_its_room_takes_none_from_another() {
        let series = Series::default();
        let (noisy, quiet) = (app("noisy"), app("quiet"));
        assert!((0..MOST_SERIES).all(|number| series.take(&noisy, &figure(number))));
        assert!(!series.take(&noisy, &figure(MOST_SERIES)));
        assert!(series.take(&noisy, &figure(0)), "what it has it keeps");
        assert!(series.take(&quiet, &figure(0)));
        series.keep(&noisy, &vec![("figure", "healthy".to_owned())]);
        assert_eq!(series.forget(&noisy).count(), MOST_SERIES + 1);
        assert!(series.take(&noisy, &figure(0)), "it begins anew");
    }
}
