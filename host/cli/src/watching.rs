//! Waiting for an app: look at it as it changes, until it is as wanted or the time is over.

use std::pin::pin;
use std::time::Duration;

use futures::TryStreamExt;
use jiff::SignedDuration;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Error, watch_object};
use tokio::time::timeout;

use crate::failure::Failure;
use crate::target::Target;

/// How a wait ended.
#[derive(Debug)]
pub(crate) enum Waited<T> {
    Reached(T),
    TimeOver,
}

/// Calls `look` with the app as it is, again after each change, until it finds what it looks for.
pub(crate) async fn until<T>(
    target: &Target,
    limit: Option<Duration>,
    look: impl FnMut(&Target) -> Result<Option<T>, Failure>,
) -> Result<Waited<T>, Failure> {
    let found = follow(target, look);
    match limit {
        None => found.await.map(Waited::Reached),
        Some(limit) => match timeout(limit, found).await {
            Ok(found) => found.map(Waited::Reached),
            Err(_) => Ok(Waited::TimeOver),
        },
    }
}

async fn follow<T>(
    target: &Target,
    mut look: impl FnMut(&Target) -> Result<Option<T>, Failure>,
) -> Result<T, Failure> {
    let mut seen = target.clone();
    let mut changes = pin!(watch_object(target.api.clone(), &target.name).default_backoff());
    loop {
        match changes.try_next().await {
            Ok(Some(Some(object))) => {
                seen.object = object;
                if let Some(found) = look(&seen)? {
                    return Ok(found);
                }
            }
            Ok(_) => {
                return Err(Failure::NotFound(format!("{target} was deleted meanwhile")));
            }
            // A server that restarts is waited for; one that refuses will refuse again.
            Err(Error::InitialListFailed(error) | Error::WatchStartFailed(error))
                if is_refusal(&error) =>
            {
                return Err(target.failed("watching")(error));
            }
            Err(error) => tracing::debug!(%error, "the watch broke off"),
        }
    }
}

fn is_refusal(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if matches!(status.code, 400..=404))
}

/// Reads `90`, `90s`, `5m`, `1h 30m`.
pub(crate) fn parse_limit(text: &str) -> Result<Duration, String> {
    let limit = match text.parse::<u32>() {
        Ok(seconds) => SignedDuration::from_secs(seconds.into()),
        Err(_) => text
            .parse()
            .map_err(|_| "write a duration such as 90s, 5m or 1h".to_owned())?,
    };
    Duration::try_from(limit).map_err(|_| "a duration cannot be negative".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_written_as_people_do() {
        let seconds = |text| parse_limit(text).map(|limit| limit.as_secs());
        assert_eq!(seconds("90"), Ok(90));
        assert_eq!(seconds("90s"), Ok(90));
        assert_eq!(seconds("5m"), Ok(300));
        assert_eq!(seconds("1h 30m"), Ok(5400));
        assert!(seconds("soon").is_err());
        assert!(seconds("-5s").is_err());
    }
}
