//! How many events an object may have: twenty-five of a kind at once, then one in five minutes. As upstream's recorder, but reason by reason: three hundred
//! pods that were created never hide the one that was not.

use std::time::Duration;

use tokio::time::Instant;

use super::{Note, Subject, Weight};
use crate::latest::Latest;

/// Of one kind, at once.
const BURST: u32 = 25;
/// Then one in this time.
const REFILL: Duration = Duration::from_secs(300);
/// Kinds that are kept count of; the one that began first is forgotten first.
const KEPT: usize = 4096;

type Kind = (Subject, Weight, String);

#[derive(Default)]
pub(super) struct Allowance(Latest<Kind, Left, KEPT>);

struct Left {
    events: u32,
    /// Since when the next one is growing.
    since: Instant,
}

impl Allowance {
    /// Whether there may be one more.
    pub(super) fn take(&mut self, about: &Subject, note: &Note) -> bool {
        let now = Instant::now();
        let kind = (about.clone(), note.weight, note.reason.clone());
        let Some(left) = self.0.get_mut(&kind) else {
            let left = Left {
                events: BURST - 1,
                since: now,
            };
            self.0.insert(kind, left);
            return true;
        };
        while left.events < BURST && now.duration_since(left.since) >= REFILL {
            left.events += 1;
            left.since += REFILL;
        }
        if left.events == BURST {
            left.since = now;
        }
        let is_allowed = left.events > 0;
        left.events = left.events.saturating_sub(1);
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(name: &str) -> Subject {
        Subject {
            api_version: "apps/v1",
            kind: "StatefulSet",
            namespace: "default".to_owned(),
            name: name.to_owned(),
            uid: format!("uid of {name}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn twenty_five_of_a_kind_then_one_in_five_minutes() {
        let mut allowance = Allowance::default();
        let web = subject("web");
        let mut allowed = |about: &Subject, note: &Note| allowance.take(about, note);
        let created = |n: u32| Note::normal("SuccessfulCreate", format!("pod {n}"));

        let taken = (0..300).filter(|n| allowed(&web, &created(*n))).count();
        assert_eq!(taken, 25);
        // What goes wrong is told all the same, and what happens to others.
        assert!(allowed(&web, &Note::warning("FailedCreate", "quota")));
        assert!(allowed(&subject("other"), &created(0)));

        tokio::time::advance(REFILL - Duration::from_secs(1)).await;
        assert!(!allowed(&web, &created(300)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(allowed(&web, &created(301)));
        assert!(!allowed(&web, &created(302)));
        tokio::time::advance(REFILL * 100).await;
        let taken = (0..300).filter(|n| allowed(&web, &created(*n))).count();
        assert_eq!(taken, 25);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_kept_count_of_has_an_end() {
        let mut allowance = Allowance::default();
        for n in 0..2 * KEPT {
            let about = subject(&format!("web-{n}"));
            assert!(allowance.take(&about, &Note::normal("SuccessfulCreate", "a pod")));
        }
        assert!(allowance.0.len() <= KEPT);
    }
}
