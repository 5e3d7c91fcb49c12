//! A scenario in a namespace of a real control plane, where somebody manages the sets already.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use jiff::Timestamp;
use kube::Client;
use tokio::time::{Instant, sleep};

use super::deeds::Actor;
use crate::face::Face;
use crate::picture::Picture;
use crate::scenario::{Deed, Scenario};

/// How long somebody waits for a picture that is not the expected one.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// It counts when it has not changed for so long.
    pub calm: Duration,
    /// Before, the set is labelled, which changes nothing but makes its controller look. Upstream's tries what was refused again after twice as long each time,
    /// and is not woken when the reason has gone; then its next look could be minutes away, all the more the slower the machine is.
    pub has_nudge: bool,
}

/// Nothing moves for so long before the nudge.
const NUDGED_AFTER: Duration = Duration::from_secs(2);
/// A set that its controller has not seen yet is no picture, for so long.
const SEEN_WITHIN: Duration = Duration::from_secs(60);
/// What a quota refused is tried again after as long as it was refused, or a minute and a fifth.
const CALM_AFTER_QUOTAS: Duration = Duration::from_secs(75);
/// After the last line, for what comes late.
const AFTERWARDS: Duration = Duration::from_millis(700);
const LOOK: Duration = Duration::from_millis(100);

/// Plays a scenario. After each line it waits until what is seen is `as_expected` and no pod is about to count as available, or until patience ends; so the
/// pictures do not depend on how fast the machine is. `restart` kills the controller and starts it again.
///
/// # Errors
/// When the API refuses a request.
pub async fn play_on(
    client: Client,
    namespace: &str,
    face: Face,
    scenario: &Scenario,
    patience: Patience,
    as_expected: impl Fn(usize, &Picture) -> bool,
    restart: impl AsyncFn() -> Result<()>,
) -> Result<Vec<Picture>> {
    let actor = Actor::new(
        client,
        namespace,
        face,
        Arc::new(Timestamp::now),
        scenario.has_order(),
    );
    let mut pictures = Vec::new();
    for line in &scenario.lines {
        let done = match &line.deed {
            Deed::Restart => restart().await,
            deed => actor.perform(deed).await,
        };
        done.with_context(|| line.deed.to_string())?;
        if line.is_hasty {
            continue;
        }
        let place = pictures.len();
        let patience = match &line.deed {
            Deed::Quota(None) => Patience {
                calm: CALM_AFTER_QUOTAS,
                ..patience
            },
            _ => patience,
        };
        let picture = settled(&actor, |picture| as_expected(place, picture), patience).await?;
        pictures.push(picture);
        if place + 1 < scenario.pauses() {
            actor.kubelet().take_record();
        }
    }
    sleep(AFTERWARDS).await;
    if let Some(last) = pictures.last_mut() {
        *last = actor.look().await?;
    }
    Ok(pictures)
}

async fn settled(
    actor: &Actor,
    is_expected: impl Fn(&Picture) -> bool,
    patience: Patience,
) -> Result<Picture> {
    let begin = Instant::now();
    let mut seen = actor.look().await?;
    let mut since = Instant::now();
    let mut is_to_nudge = patience.has_nudge;
    loop {
        let is_unseen = (seen.0.get("status")).is_some_and(|status| status["observed"] == false);
        let may_change =
            since.elapsed() < patience.calm || is_unseen && begin.elapsed() < SEEN_WITHIN;
        let is_over = is_expected(&seen) || !may_change;
        if is_over && !actor.is_a_pod_to_become_available().await? {
            return Ok(seen);
        }
        if !is_over && is_to_nudge && since.elapsed() > NUDGED_AFTER {
            actor.nudge().await?;
            is_to_nudge = false;
        }
        sleep(LOOK).await;
        let now = actor.look().await?;
        if now != seen {
            (seen, since) = (now, Instant::now());
            is_to_nudge = patience.has_nudge;
        }
    }
}
