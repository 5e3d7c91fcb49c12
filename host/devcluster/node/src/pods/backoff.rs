//! How long a container that ended, or an image that is missing, waits before the next attempt: as a kubelet.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(300);
/// A container that ran this long is trusted again.
const TRUSTED_AFTER: Duration = Duration::from_secs(600);

/// Failures in a row of one container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after a container that ran for `ran`: none the first time, then 10 s, doubling to 5 min.
    pub(crate) fn after_run(&mut self, ran: Duration) -> Duration {
        if ran >= TRUSTED_AFTER {
            self.failures = 0;
        }
        let wait = match self.failures {
            0 => Duration::ZERO,
            failures => doubled(failures - 1),
        };
        self.failures = self.failures.saturating_add(1);
        wait
    }

    /// The wait after an attempt that never came to run.
    pub(crate) fn after_refusal(&mut self) -> Duration {
        let wait = doubled(self.failures);
        self.failures = self.failures.saturating_add(1);
        wait
    }
}

fn doubled(times: u32) -> Duration {
    FIRST
        .saturating_mul(2_u32.saturating_pow(times.min(16)))
        .min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_restart_is_immediate_then_waits_double_up_to_five_minutes() {
        let mut backoff = Backoff::default();
        let waits: Vec<u64> = (0..8)
            .map(|_| backoff.after_run(Duration::from_secs(1)).as_secs())
            .collect();
        assert_eq!(waits, [0, 10, 20, 40, 80, 160, 300, 300]);
    }

    #[test]
    fn a_long_run_is_forgiven() {
        let mut backoff = Backoff::default();
        for _ in 0..5 {
            backoff.after_run(Duration::from_secs(1));
        }
        assert_eq!(backoff.after_run(Duration::from_secs(601)), Duration::ZERO);
    }
}
