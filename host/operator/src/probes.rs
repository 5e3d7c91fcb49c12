//! Which members to probe when. Every member is looked at every 10 s, sooner while something waits for the members' health, later while nothing changes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

/// Between two looks at a member.
const USUAL: Duration = Duration::from_secs(10);
/// While an invocation waits for something to change.
const CLOSE: Duration = Duration::from_secs(2);
/// After many looks at a healthy member that saw the same.
const SELDOM: Duration = Duration::from_secs(30);
/// Who would be due so soon is probed along with who is due: else a large app wakes for each of its members alone.
const ALONG: Duration = Duration::from_millis(500);
/// So many looks make quiet.
const QUIET_AFTER: u32 = 12;

/// When each pod is to be probed, by UID.
#[derive(Default)]
pub(crate) struct Schedule {
    due: BTreeMap<String, Instant>,
    running: BTreeSet<String>,
    quiet: BTreeMap<String, u32>,
}

impl Schedule {
    /// The pods of `present` that are to be probed now; they count as being probed until [`Schedule::ended`].
    pub(crate) fn take_due(&mut self, present: &[String], now: Instant) -> Vec<String> {
        let present: BTreeSet<&String> = present.iter().collect();
        self.due.retain(|uid, _| present.contains(uid));
        self.quiet.retain(|uid, _| present.contains(uid));
        for uid in &present {
            self.due.entry((*uid).clone()).or_insert(now);
        }
        if self.next().is_none_or(|next| next > now) {
            return Vec::new();
        }
        let waiting =
            |(uid, due): &(&String, &Instant)| **due <= now + ALONG && !self.running.contains(*uid);
        let due = self.due.iter().filter(waiting);
        let taken: Vec<String> = due.map(|(uid, _)| uid.clone()).collect();
        self.running.extend(taken.iter().cloned());
        taken
    }

    /// A probe ended. `is_quiet`: healthy, and it saw what the one before saw. `is_waited_for`: an invocation waits for a change.
    pub(crate) fn ended(&mut self, uid: &str, is_quiet: bool, is_waited_for: bool, now: Instant) {
        self.running.remove(uid);
        let quiet = self.quiet.entry(uid.to_owned()).or_insert(0);
        *quiet = if is_quiet { quiet.saturating_add(1) } else { 0 };
        let wait = if is_waited_for {
            CLOSE
        } else if *quiet > QUIET_AFTER {
            SELDOM
        } else {
            USUAL
        };
        // Up to a fifth more, so that members are not probed in step.
        let wait = wait.mul_f64(1.0 + fastrand::f64() / 5.0);
        self.due.insert(uid.to_owned(), now + wait);
    }

    /// Something begins to wait for the members' health: look soon.
    pub(crate) fn hurry(&mut self, now: Instant) {
        let soon = now + CLOSE;
        for due in self.due.values_mut() {
            *due = soon.min(*due);
        }
    }

    /// When the next probe is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        let waiting = |(uid, _): &(&String, &Instant)| !self.running.contains(*uid);
        self.due.iter().filter(waiting).map(|(_, due)| *due).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_probed_at_once_then_after_its_interval() {
        let mut schedule = Schedule::default();
        let begin = Instant::now();
        let pods = ["a".to_owned(), "b".to_owned()];
        assert_eq!(schedule.take_due(&pods, begin), pods);
        assert!(schedule.take_due(&pods, begin).is_empty(), "both run");
        assert_eq!(schedule.next(), None);
        schedule.ended("a", true, false, begin);
        assert!(schedule.take_due(&pods, begin + CLOSE).is_empty());
        assert_eq!(schedule.take_due(&pods, begin + USUAL * 2), ["a"]);
        schedule.ended("a", true, true, begin);
        assert_eq!(schedule.take_due(&pods, begin + CLOSE * 2), ["a"]);
    }

    #[test]
    fn those_that_are_due_at_almost_the_same_time_are_probed_together() {
        let mut schedule = Schedule::default();
        let begin = Instant::now();
        let pods: Vec<String> = (0..100).map(|number| format!("pod-{number:02}")).collect();
        assert_eq!(schedule.take_due(&pods, begin).len(), 100);
        for pod in &pods {
            schedule.ended(pod, true, true, begin);
        }
        let mut wakes = 0;
        while let Some(next) = schedule.next() {
            wakes += 1;
            assert!(!schedule.take_due(&pods, next).is_empty());
        }
        assert!(
            wakes <= 2,
            "{wakes} wakes within {CLOSE:?} and a fifth more"
        );
    }

    #[test]
    fn a_pod_that_is_gone_is_forgotten() {
        let mut schedule = Schedule::default();
        let begin = Instant::now();
        schedule.take_due(&["a".to_owned()], begin);
        schedule.ended("a", true, false, begin);
        assert!(schedule.take_due(&[], begin + USUAL * 2).is_empty());
        assert_eq!(schedule.next(), None);
    }
}
