//! How many answers in a row make a verdict.

use k8s_openapi::api::core::v1::Probe;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Passes,
    Fails,
    Undecided,
}

pub(super) struct Threshold {
    success: u32,
    failure: u32,
    passing: bool,
    last: Option<bool>,
    in_a_row: u32,
}

impl Threshold {
    pub(super) fn new(probe: &Probe, is_passing: bool) -> Self {
        let number = |value: Option<i32>, default| {
            value
                .and_then(|value| u32::try_from(value).ok())
                .filter(|value| *value > 0)
                .unwrap_or(default)
        };
        Self {
            success: number(probe.success_threshold, 1),
            failure: number(probe.failure_threshold, 3),
            passing: is_passing,
            last: None,
            in_a_row: 0,
        }
    }

    pub(super) fn count(&mut self, succeeded: bool) -> Verdict {
        self.in_a_row = if self.last == Some(succeeded) {
            self.in_a_row + 1
        } else {
            1
        };
        self.last = Some(succeeded);
        let needed = if succeeded {
            self.success
        } else {
            self.failure
        };
        if self.in_a_row >= needed {
            self.passing = succeeded;
            return if succeeded {
                Verdict::Passes
            } else {
                Verdict::Fails
            };
        }
        if self.passing {
            Verdict::Passes
        } else {
            Verdict::Undecided
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_takes_as_many_answers_in_a_row_as_the_probe_says() {
        use Verdict::{Fails, Passes, Undecided};
        let probe = Probe {
            success_threshold: Some(2),
            failure_threshold: Some(2),
            ..Probe::default()
        };
        let mut threshold = Threshold::new(&probe, false);

        let verdicts = [true, false, true, true, false, true, false, false]
            .map(|answer| threshold.count(answer));

        assert_eq!(
            verdicts,
            [
                Undecided, Undecided, Undecided, Passes, Passes, Passes, Passes, Fails
            ]
        );
    }
}
