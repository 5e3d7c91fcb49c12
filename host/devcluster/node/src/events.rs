//! Event objects, as `kubectl describe` shows them. The same event about the same object is counted, not repeated.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::json;
use sha2::{Digest, Sha256};

/// Longest message that the API takes.
const LONGEST_MESSAGE: usize = 1024;

/// Writes events in the name of one component.
#[derive(Clone)]
pub(crate) struct Recorder {
    client: Client,
    component: &'static str,
    host: Option<String>,
}

/// Whether an event asks for somebody's attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Warning,
}

impl Recorder {
    pub(crate) fn new(client: Client, component: &'static str, host: Option<String>) -> Self {
        Self {
            client,
            component,
            host,
        }
    }

    /// Never fails: an event that cannot be written is only logged.
    pub(crate) async fn publish<K>(&self, about: &K, kind: Kind, reason: &str, message: &str)
    where
        K: Resource<DynamicType = ()>,
    {
        let reference = about.object_ref(&());
        let message: String = message.chars().take(LONGEST_MESSAGE).collect();
        if let Err(error) = self
            .write(reference, about.name_any(), kind, reason, &message)
            .await
        {
            tracing::debug!(%error, reason, message, "event not written");
        }
    }

    async fn write(
        &self,
        about: ObjectReference,
        object: String,
        kind: Kind,
        reason: &str,
        message: &str,
    ) -> kube::Result<()> {
        // Cluster-wide objects have their events in the namespace `default`.
        let namespace = about
            .namespace
            .clone()
            .unwrap_or_else(|| "default".to_owned());
        let name = format!(
            "{object}.{}",
            fingerprint(&about, self.component, reason, message)
        );
        let api: Api<Event> = Api::namespaced(self.client.clone(), &namespace);
        let now = Time(Timestamp::now());
        let event = Event {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                namespace: Some(namespace),
                ..ObjectMeta::default()
            },
            involved_object: about,
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            type_: Some(format!("{kind:?}")),
            count: Some(1),
            first_timestamp: Some(now.clone()),
            last_timestamp: Some(now.clone()),
            reporting_component: Some(self.component.to_owned()),
            reporting_instance: self.host.clone(),
            source: Some(EventSource {
                component: Some(self.component.to_owned()),
                host: self.host.clone(),
            }),
            ..Event::default()
        };
        match api.create(&PostParams::default(), &event).await {
            Err(kube::Error::Api(status)) if status.code == 409 => {
                let count = api.get(&name).await?.count.unwrap_or(1) + 1;
                let patch = json!({ "count": count, "lastTimestamp": now });
                api.patch(&name, &PatchParams::default(), &Patch::Merge(patch))
                    .await?;
                Ok(())
            }
            other => other.map(drop),
        }
    }
}

fn fingerprint(about: &ObjectReference, component: &str, reason: &str, message: &str) -> String {
    let mut hash = Sha256::new();
    for part in [
        about.uid.as_deref().unwrap_or_default(),
        component,
        reason,
        message,
    ] {
        hash.update(part);
        hash.update([0]);
    }
    hash.finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
