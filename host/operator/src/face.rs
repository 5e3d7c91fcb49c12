//! May StatefulSets be managed here? Only where nobody else does.
//!
//! A probe object with 0 replicas is created: a controller that manages StatefulSets would write its status within moments. When nobody did in time (10 s), the
//! StatefulSets are ours, until somebody else writes the status of one.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::api::{Api, ApiError, Collection};
use crate::errors::OperatorError;

/// Finds out whether another controller manages StatefulSets; it has this `patience` to show itself.
pub(crate) async fn probe(
    api: &Api,
    namespace: &str,
    identity: &str,
    patience: Duration,
    stop: &CancellationToken,
) -> Result<(), OperatorError> {
    let suffix: String = (0..8)
        .map(|_| char::from(fastrand::alphanumeric() as u8).to_ascii_lowercase())
        .collect();
    let name = format!("stateward-probe-{suffix}");
    let failed = |source: ApiError| OperatorError::Api {
        doing: format!("probing for another StatefulSet controller with {namespace}/{name}"),
        source,
    };
    let body = json!({
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {
            "name": name,
            "annotations": { "stateward.dev/probe-of": identity },
        },
        "spec": {
            "replicas": 0,
            "serviceName": name,
            "selector": { "matchLabels": { "stateward.dev/probe": name } },
            "template": {
                "metadata": { "labels": { "stateward.dev/probe": name } },
                "spec": { "containers": [{ "name": "none", "image": "none" }] },
            },
        },
    });
    let created = (api.create(Collection::StatefulSets, namespace, &body).await).map_err(failed)?;
    tracing::info!(
        namespace,
        name,
        ?patience,
        "looking whether another controller manages StatefulSets"
    );
    tokio::select! {
        () = tokio::time::sleep(patience) => {}
        () = stop.cancelled() => {}
    }
    let seen = api.get(Collection::StatefulSets, namespace, &name).await;
    let uid = created.pointer("/metadata/uid").and_then(Value::as_str);
    let removed = api
        .delete(
            Collection::StatefulSets,
            namespace,
            &name,
            uid.unwrap_or_default(),
        )
        .await;
    if let Err(error) = removed {
        tracing::warn!(namespace, name, %error, "the probe object is left behind; delete it");
    }
    let seen = seen.map_err(failed)?;
    let observed = seen
        .pointer("/status/observedGeneration")
        .and_then(Value::as_i64);
    match observed {
        Some(generation) if generation > 0 => Err(OperatorError::ForeignController {
            evidence: format!("it has looked at the probe object {namespace}/{name}"),
        }),
        _ => Ok(()),
    }
}
