//! Steps that failed are tried again later: capped, jittered backoff per step, so that one failing create neither hammers the API nor delays the others.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::api::ApiError;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(60);

/// What is known of a step that fails.
#[derive(Clone, Debug)]
pub(super) struct Failed {
    pub since: Timestamp,
    pub error: ApiError,
    failures: u32,
    not_before: Instant,
}

/// The failing steps, by what they do to which object: `create pod web-0`.
#[derive(Default)]
pub(super) struct Attempts(BTreeMap<String, Failed>);

impl Attempts {
    pub(super) fn may_run(&self, step: &str, now: Instant) -> bool {
        self.0
            .get(step)
            .is_none_or(|failed| failed.not_before <= now)
    }

    pub(super) fn succeeded(&mut self, step: &str) {
        self.0.remove(step);
    }

    pub(super) fn failed(&mut self, step: &str, error: ApiError, at: Timestamp, now: Instant) {
        let failures = self.0.get(step).map_or(0, |failed| failed.failures);
        let since = self.0.get(step).map_or(at, |failed| failed.since);
        let wait = FIRST.saturating_mul(1 << failures.min(10)).min(LONGEST);
        let failed = Failed {
            since,
            error,
            failures: failures.saturating_add(1),
            not_before: now + wait.mul_f64(1.0 + fastrand::f64() / 5.0),
        };
        self.0.insert(step.to_owned(), failed);
    }

    /// Forgets steps that are no longer planned.
    pub(super) fn keep(&mut self, planned: &[String]) {
        self.0.retain(|step, _| planned.contains(step));
    }

    /// When the next failing step may run.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.values().map(|failed| failed.not_before).min()
    }

    pub(super) fn failing(&self) -> impl Iterator<Item = (&String, &Failed)> {
        self.0.iter()
    }
}
