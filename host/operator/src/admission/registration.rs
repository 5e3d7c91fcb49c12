//! Telling the API server to ask here: a ValidatingWebhookConfiguration of ours, which is there while the operator runs.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::api::{Api, ApiError, Collection};

/// When it is written again, in case somebody has deleted or changed it. The API server writes nothing where nothing differs.
const AGAIN: Duration = Duration::from_secs(300);

/// The longest time between two attempts of a write that fails.
const LONGEST_WAIT: u64 = 60;

/// How long the API server waits for an answer.
const TIMEOUT_SECONDS: u32 = 5;

/// The configuration.
pub(super) struct Registration {
    api: Api,
    name: String,
    body: Value,
}

impl Registration {
    /// For apps of this namespace; none: of all. `client` is how the operator is called.
    pub(super) fn new(api: Api, namespace: Option<&str>, client: &Value) -> Registration {
        let (name, selector) = match namespace {
            None => ("stateward".to_owned(), json!({})),
            Some(namespace) => (
                format!("stateward-{namespace}"),
                json!({ "matchLabels": { "kubernetes.io/metadata.name": namespace } }),
            ),
        };
        let body = json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": { "name": name },
            "webhooks": [{
                "name": "statefulapps.stateward.dev",
                "clientConfig": client,
                "rules": [{
                    "apiGroups": ["stateward.dev"],
                    "apiVersions": ["v1alpha1"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": ["statefulapps", "statefulapps/scale"],
                    "scope": "Namespaced",
                }],
                "namespaceSelector": selector,
                // An operator that is away holds up nobody: what slips through is told after the apply.
                "failurePolicy": "Ignore",
                "matchPolicy": "Equivalent",
                "sideEffects": "None",
                "timeoutSeconds": TIMEOUT_SECONDS,
                "admissionReviewVersions": ["v1"],
            }],
        });
        Registration { api, name, body }
    }

    /// Keeps it written until `stop` is cancelled, and then removes it. What a killed operator leaves behind does no harm, and is taken over by the next.
    pub(super) async fn keep(&self, stop: &CancellationToken) {
        let mut known = None;
        let mut failures: u32 = 0;
        while !stop.is_cancelled() {
            let wait = match self.write().await {
                Ok(version) => {
                    failures = 0;
                    if known.as_ref() != Some(&version) {
                        tracing::info!(name = self.name, "the API server asks at admission");
                    }
                    known = Some(version);
                    AGAIN
                }
                Err(error) => {
                    if failures == 0 {
                        tracing::warn!(name = self.name, %error, "the API server was not told to ask at admission; trying again");
                    }
                    failures = failures.saturating_add(1);
                    Duration::from_secs(2_u64.saturating_pow(failures).min(LONGEST_WAIT))
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = sleep(wait) => {}
            }
        }
        if let Some(version) = known {
            self.remove(&version).await;
        }
    }

    /// Creates or corrects it; its version then.
    async fn write(&self) -> Result<String, ApiError> {
        let kind = Collection::Webhooks;
        let webhooks = json!({ "webhooks": self.body.get("webhooks") });
        let written = match self.api.create(kind, "", &self.body).await {
            Err(ApiError::AlreadyExists { .. }) => {
                (self.api)
                    .merge(kind, "", &self.name, None, &webhooks)
                    .await
            }
            other => other,
        };
        let version = written?
            .pointer("/metadata/resourceVersion")
            .and_then(Value::as_str)
            .map(str::to_owned);
        Ok(version.unwrap_or_default())
    }

    /// The version says whether it is still ours: the operator that comes after this one may have written its own.
    async fn remove(&self, version: &str) {
        let removed = (self.api)
            .delete_unchanged(Collection::Webhooks, "", &self.name, version)
            .await;
        if let Err(error) = removed {
            tracing::warn!(name = self.name, %error, "the API server still asks at admission: kubectl delete validatingwebhookconfiguration {}", self.name);
        }
    }
}
