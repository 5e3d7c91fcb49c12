//! Writes that wait a moment for others to go with.

use std::time::Duration;

use tokio::time::Instant;

/// So many go at once and wait no longer.
const MOST: usize = 64;

#[derive(Default)]
pub(super) struct Gathering(Option<Waiting>);

struct Waiting {
    since: Instant,
    until: Instant,
    writes: usize,
}

impl Gathering {
    /// Whether so many writes go on waiting: for `each` since the last one came, and no longer than `in_all`.
    pub(super) fn go_on(
        &mut self,
        writes: usize,
        each: Duration,
        in_all: Duration,
        now: Instant,
    ) -> bool {
        let since = self.0.as_ref().map_or(now, |waiting| waiting.since);
        let known = self.0.as_ref().filter(|waiting| waiting.writes >= writes);
        let until = known.map_or(now + each, |waiting| waiting.until);
        let until = until.min(since + in_all);
        let goes_on = now < until && writes < MOST;
        self.0 = goes_on.then_some(Waiting {
            since,
            until,
            writes,
        });
        goes_on
    }

    /// Nothing waits any more.
    pub(super) fn end(&mut self) {
        self.0 = None;
    }

    /// When they go at the latest.
    pub(super) fn until(&self) -> Option<Instant> {
        self.0.as_ref().map(|waiting| waiting.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EACH: Duration = Duration::from_millis(20);
    const IN_ALL: Duration = Duration::from_millis(100);

    #[test]
    fn writes_go_when_no_further_one_comes() {
        let (mut gathering, begin) = (Gathering::default(), Instant::now());
        assert!(gathering.go_on(1, EACH, IN_ALL, begin));
        assert!(gathering.go_on(2, EACH, IN_ALL, begin + EACH / 2));
        assert!(gathering.go_on(2, EACH, IN_ALL, begin + EACH));
        assert!(!gathering.go_on(2, EACH, IN_ALL, begin + 2 * EACH));
        assert_eq!(gathering.until(), None);
    }

    #[test]
    fn writes_go_after_a_while_though_further_ones_come() {
        let (mut gathering, begin) = (Gathering::default(), Instant::now());
        let mut waited = 0;
        while gathering.go_on(waited + 1, EACH, IN_ALL, begin + EACH / 2 * (waited as u32)) {
            waited += 1;
        }
        assert_eq!(waited, 10);
    }

    #[test]
    fn enough_writes_go_at_once() {
        let (mut gathering, now) = (Gathering::default(), Instant::now());
        assert!(gathering.go_on(MOST - 1, EACH, IN_ALL, now));
        assert!(!gathering.go_on(MOST, EACH, IN_ALL, now));
    }
}
