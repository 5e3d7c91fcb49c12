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
use crate::scenario::Scenario;

/// A picture that is not the expected one counts when it has not changed for so long.
const CALM: Duration = Duration::from_secs(6);
/// After the last line, for what comes late.
const AFTERWARDS: Duration = Duration::from_millis(700);
const LOOK: Duration = Duration::from_millis(100);

/// Plays a scenario. After each line it waits until what is seen is `as_expected`, or has not changed for a while; so the pictures do not depend on how
/// fast the machine is.
///
/// # Errors
/// When the API refuses a request.
pub async fn play_on(
    client: Client,
    namespace: &str,
    face: Face,
    scenario: &Scenario,
    as_expected: impl Fn(usize, &Picture) -> bool,
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
        (actor.perform(&line.deed).await).with_context(|| line.deed.to_string())?;
        if line.is_hasty {
            continue;
        }
        let place = pictures.len();
        let picture = settled(&actor, |picture| as_expected(place, picture)).await?;
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

async fn settled(actor: &Actor, is_expected: impl Fn(&Picture) -> bool) -> Result<Picture> {
    let mut seen = actor.look().await?;
    let mut since = Instant::now();
    while !is_expected(&seen) && since.elapsed() < CALM {
        sleep(LOOK).await;
        let now = actor.look().await?;
        if now != seen {
            (seen, since) = (now, Instant::now());
        }
    }
    Ok(seen)
}
