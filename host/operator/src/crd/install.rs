//! Bringing the definitions into a cluster.

use std::time::Duration;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::api::{Api, ApiError, Collection};
use crate::errors::OperatorError;

/// Creates or updates both definitions, and waits until the API server serves them.
pub async fn install_crds(client: kube::Client) -> Result<(), OperatorError> {
    let api = Api::new(client);
    for crd in super::crds() {
        install(&api, &crd).await?;
    }
    Ok(())
}

async fn install(api: &Api, crd: &CustomResourceDefinition) -> Result<(), OperatorError> {
    let name = crd.metadata.name.clone().unwrap_or_default();
    let failed = |source| OperatorError::Api {
        doing: format!("installing the definition {name}"),
        source,
    };
    let body = serde_json::to_value(crd).map_err(|error| failed(ApiError::unreadable(&error)))?;
    match api.create(Collection::Definitions, "", &body).await {
        Ok(_) => {}
        Err(ApiError::AlreadyExists { .. }) => {
            let patch = serde_json::json!({ "spec": body.get("spec") });
            (api.merge(Collection::Definitions, "", &name, None, &patch)
                .await)
                .map_err(failed)?;
        }
        Err(error) => return Err(failed(error)),
    }
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(30) {
        let found = (api.get(Collection::Definitions, "", &name).await).map_err(failed)?;
        if is_established(&found) {
            return Ok(());
        }
        // There is nothing to watch that would be simpler than looking again, once at installation.
        sleep(Duration::from_millis(100)).await;
    }
    Err(OperatorError::NotEstablished { name })
}

fn is_established(crd: &Value) -> bool {
    let conditions = crd.pointer("/status/conditions").and_then(Value::as_array);
    conditions.is_some_and(|conditions| {
        conditions.iter().any(|condition| {
            condition.get("type").and_then(Value::as_str) == Some("Established")
                && condition.get("status").and_then(Value::as_str) == Some("True")
        })
    })
}
