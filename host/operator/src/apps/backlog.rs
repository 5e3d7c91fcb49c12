//! Statuses that can wait, over all apps: while many have something to tell, each tells it more rarely. The API server works longer on a status than on most else
//! that is written.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// For each status that waits to be written; so many fit into a second.
const EACH: Duration = Duration::from_millis(20);
/// The longest pause that the others are the reason of.
const LONGEST: Duration = Duration::from_secs(10);

/// How many statuses wait to be written.
#[derive(Clone, Default)]
pub(crate) struct Backlog(Arc<AtomicU32>);

impl Backlog {
    /// One more has something to tell, until it is dropped.
    pub(super) fn join(&self) -> Unwritten {
        self.0.fetch_add(1, Ordering::Relaxed);
        Unwritten {
            since: Instant::now(),
            backlog: self.clone(),
        }
    }

    /// Between two writes of one app, so that all get their turn.
    pub(super) fn pause(&self) -> Duration {
        EACH.saturating_mul(self.0.load(Ordering::Relaxed))
            .min(LONGEST)
    }
}

/// An app's status that is worth a write and was not written yet.
pub(super) struct Unwritten {
    pub(super) since: Instant,
    backlog: Backlog,
}

impl Drop for Unwritten {
    fn drop(&mut self) {
        self.backlog.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_have_something_to_tell_the_rarer_each_does() {
        let backlog = Backlog::default();
        assert_eq!(backlog.pause(), Duration::ZERO);
        let waiting: Vec<_> = (0..100).map(|_| backlog.join()).collect();
        assert_eq!(backlog.pause(), Duration::from_secs(2));
        let more: Vec<_> = (0..10_000).map(|_| backlog.join()).collect();
        assert_eq!(backlog.pause(), LONGEST);
        drop((waiting, more));
        assert_eq!(backlog.pause(), Duration::ZERO);
    }
}
