//! What the demo and the tests across the crates share: a bed (the embedded cluster and the operator as real processes), a user who acts on it, a record of
//! what happened, and the scenarios themselves.

#![allow(
    clippy::indexing_slicing,
    reason = "a JSON value answers null where it has nothing; a test may end at the first thing that is not as it should be"
)]

pub mod bed;
pub mod history;
pub mod kubectl;
pub mod mariadb;
pub mod narrator;
pub mod user;
pub mod walkthroughs;
pub mod web;

use std::future::Future;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The folder of the workspace.
pub fn workspace() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(PathBuf::from).unwrap_or(here)
}

/// Looks again and again until `look` finds something, at most `limit`. `look` tells what it saw instead, for the error.
pub async fn eventually<T, F>(what: &str, limit: Duration, mut look: impl FnMut() -> F) -> Result<T>
where
    F: Future<Output = Result<Result<T, String>>>,
{
    let begin = Instant::now();
    loop {
        let seen = match look()
            .await
            .with_context(|| format!("while waiting until {what}"))?
        {
            Ok(found) => return Ok(found),
            Err(seen) => seen,
        };
        if begin.elapsed() > limit {
            bail!(
                "waited {} s in vain until {what}; last seen: {seen}",
                limit.as_secs()
            );
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Fails with a sentence when something is not as it should be.
pub fn ensure_that(holds: bool, otherwise: impl FnOnce() -> String) -> Result<()> {
    if holds { Ok(()) } else { bail!(otherwise()) }
}
