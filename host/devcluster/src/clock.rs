//! The time of day as the cluster stamps it on objects.

use jiff::Timestamp;
use tokio::time::Instant;

/// Where the cluster reads the time. Clones read the same clock.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    Machine,
    /// `start`, and what tokio's clock went on since: where a test has paused that one, time moves as the test wants.
    Tokio {
        start: Timestamp,
        since: Instant,
    },
}

impl Clock {
    pub(crate) fn machine() -> Self {
        Self(Source::Machine)
    }

    pub(crate) fn following_tokio(start: Timestamp) -> Self {
        Self(Source::Tokio {
            start,
            since: Instant::now(),
        })
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::Machine => Timestamp::now(),
            Source::Tokio { start, since } => {
                let gone = i64::try_from(since.elapsed().as_nanos()).unwrap_or(i64::MAX);
                start
                    .checked_add(jiff::SignedDuration::from_nanos(gone))
                    .unwrap_or(*start)
            }
        }
    }
}
