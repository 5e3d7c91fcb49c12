//! Steps that failed are tried again later: capped, jittered backoff per step, so that one failing create neither hammers the API nor delays the others.
//!
//! What keeps the API server from creating something may be a quota, or what the spec asks for: when a pod of the app is gone, or the spec is another one, it is
//! tried again at once.
//!
//! In a namespace that is being deleted each create would be refused: after the first one all of them wait. Mostly the app is gone before they are tried again.

use std::collections::{BTreeMap, BTreeSet};
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

#[derive(Default)]
pub(super) struct Attempts {
    /// The failing steps, by what they do to which object: `create pod web-0`.
    failed: BTreeMap<String, Failed>,
    /// Those that are under way while other plans are made.
    running: BTreeSet<String>,
    /// Until when nothing is created, because the namespace is being deleted.
    closed_until: Option<Instant>,
    /// What there was when something failed.
    around: Option<Surroundings>,
}

/// The generation of the app, and the UIDs of its pods.
struct Surroundings {
    generation: i64,
    pods: BTreeSet<String>,
}

/// How the titles of steps begin that create something.
const CREATES: &str = "create ";

impl Attempts {
    pub(super) fn may_run(&self, step: &str, now: Instant) -> bool {
        let is_closed = step.starts_with(CREATES) && self.closed_until.is_some_and(|end| end > now);
        let failed = self.failed.get(step);
        !is_closed
            && !self.running.contains(step)
            && failed.is_none_or(|failed| failed.not_before <= now)
    }

    /// The step runs until it is known how it ended.
    pub(super) fn begin(&mut self, step: &str) {
        self.running.insert(step.to_owned());
    }

    pub(super) fn are_running(&self) -> bool {
        !self.running.is_empty()
    }

    pub(super) fn succeeded(&mut self, step: &str) {
        self.running.remove(step);
        self.failed.remove(step);
    }

    pub(super) fn failed(&mut self, step: &str, error: ApiError, at: Timestamp, now: Instant) {
        self.running.remove(step);
        let before = self.failed.get(step);
        let failures = before.map_or(0, |failed| failed.failures);
        let since = before.map_or(at, |failed| failed.since);
        let is_closed = error.is_namespace_ending();
        let wait = match is_closed {
            true => LONGEST,
            false => FIRST.saturating_mul(1 << failures.min(10)).min(LONGEST),
        };
        if is_closed {
            self.closed_until = Some(now + LONGEST);
        }
        let failed = Failed {
            since,
            error,
            failures: failures.saturating_add(1),
            not_before: now + wait.mul_f64(1.0 + fastrand::f64() / 5.0),
        };
        self.failed.insert(step.to_owned(), failed);
    }

    /// Forgets steps that are no longer planned.
    pub(super) fn keep(&mut self, planned: &[String]) {
        self.failed.retain(|step, _| planned.contains(step));
    }

    /// Looks whether a reason for which creates failed may be gone.
    pub(super) fn look_around<'p>(
        &mut self,
        generation: i64,
        pods: impl Iterator<Item = &'p str>,
        now: Instant,
    ) {
        if self.failed.is_empty() {
            self.around = None;
            return;
        }
        let pods = pods.map(str::to_owned).collect();
        let is_another = |before: &Surroundings| {
            before.generation != generation || !before.pods.is_subset(&pods)
        };
        if self.around.as_ref().is_some_and(is_another) {
            let failed = self.failed.iter_mut();
            for (_, failed) in failed.filter(|(step, _)| step.starts_with(CREATES)) {
                // A quota's count comes a moment after what changed it.
                (failed.failures, failed.not_before) = (0, now);
            }
        }
        self.around = Some(Surroundings { generation, pods });
    }

    /// When the next failing step may run.
    pub(super) fn next(&self) -> Option<Instant> {
        let failed = self.failed.values().map(|failed| failed.not_before).min();
        // Whoever could not even try is looked at again, too.
        let closed = self.closed_until.filter(|end| *end > Instant::now());
        [failed, closed].into_iter().flatten().min()
    }

    pub(super) fn failing(&self) -> impl Iterator<Item = (&String, &Failed)> {
        self.failed.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(message: &str) -> ApiError {
        ApiError::Refused {
            reason: "Forbidden".to_owned(),
            message: message.to_owned(),
        }
    }

    #[test]
    fn a_step_that_failed_waits_alone() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        attempts.failed(
            "create pod web-0",
            refused("no"),
            Timestamp::UNIX_EPOCH,
            now,
        );
        assert!(!attempts.may_run("create pod web-0", now));
        assert!(attempts.may_run("create pod web-1", now));
        assert!(attempts.may_run("create pod web-0", now + 2 * FIRST));
    }

    #[test]
    fn a_create_that_failed_is_tried_again_when_a_pod_is_gone_or_the_spec_is_another_one() {
        let now = Instant::now();
        let step = "create pod web-1";
        let tried = |before: (i64, &[&str]), after: (i64, &[&str])| {
            let mut attempts = Attempts::default();
            attempts.failed(step, refused("quota"), Timestamp::UNIX_EPOCH, now);
            for (generation, pods) in [before, after] {
                attempts.look_around(generation, pods.iter().copied(), now);
            }
            attempts.may_run(step, now)
        };
        assert!(!tried((1, &["a"]), (1, &["a"])));
        assert!(
            !tried((1, &["a"]), (1, &["a", "b"])),
            "one more leaves less room"
        );
        assert!(tried((1, &["a", "b"]), (1, &["a", "c"])));
        assert!(tried((1, &["a"]), (2, &["a"])));
    }

    #[test]
    fn in_a_namespace_that_is_being_deleted_nothing_else_is_created_for_a_minute() {
        let (mut attempts, now) = (Attempts::default(), Instant::now());
        let error = refused(
            "pods \"web-0\" is forbidden: unable to create new content in namespace shop because it is being terminated",
        );
        attempts.failed("create pod web-0", error, Timestamp::UNIX_EPOCH, now);
        for create in [
            "create pod web-0",
            "create pod web-1",
            "create revision web-1",
        ] {
            assert!(!attempts.may_run(create, now + LONGEST / 2), "{create}");
        }
        assert!(attempts.may_run("delete pod web-1", now));
        assert!(attempts.may_run("create pod web-1", now + LONGEST));
        let next = attempts.next().unwrap();
        assert!(next >= now + LONGEST);
    }
}
