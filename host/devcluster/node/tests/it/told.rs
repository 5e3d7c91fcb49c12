//! What events tell.

use futures::StreamExt;
use k8s_openapi::api::core::v1::Event;
use kube::runtime::{WatchStreamExt, watcher};

use crate::bed::{Bed, PATIENCE};

impl Bed {
    /// The message of the first event of this reason about this object.
    pub(crate) async fn told(&self, object: &str, reason: &str) -> String {
        self.told_with(object, reason, "").await
    }

    /// The message of the first such event that has this `part`.
    pub(crate) async fn told_with(&self, object: &str, reason: &str, part: &str) -> String {
        let stream = watcher(self.api::<Event>(), watcher::Config::default())
            .default_backoff()
            .applied_objects();
        let mut stream = std::pin::pin!(stream);
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(Ok(event)) = stream.next().await
                    && event.involved_object.name.as_deref() == Some(object)
                    && event.reason.as_deref() == Some(reason)
                    && let Some(message) = event.message.filter(|message| message.contains(part))
                {
                    return message;
                }
            }
        });
        found
            .await
            .unwrap_or_else(|_| panic!("no event {reason} about {object} with {part:?}"))
    }
}
