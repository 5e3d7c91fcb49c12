//! Whether two templates mean the same: the API server completes both, and the results are compared.
//!
//! They are sent as PodTemplates, which nothing is ever created of: their templates are completed by the rules that those of StatefulSets are completed by,
//! and no quota, service account or webhook for pods has a say.

use serde_json::{Value, json};

use super::steps::Place;
use crate::api::{ApiError, Collection};

impl Place {
    /// A template that is refused is like no other.
    pub(super) async fn are_completed_alike(
        &self,
        one: &Value,
        other: &Value,
    ) -> Result<bool, ApiError> {
        let (one, other) = tokio::join!(self.completed(one), self.completed(other));
        match (one?, other?) {
            (Some(one), Some(other)) => Ok(one == other),
            _ => Ok(false),
        }
    }

    async fn completed(&self, template: &Value) -> Result<Option<Value>, ApiError> {
        let body = json!({
            "apiVersion": "v1",
            "kind": "PodTemplate",
            "metadata": { "generateName": format!("{}-", self.app.name) },
            "template": template,
        });
        let answer = (self.api)
            .rehearse(Collection::PodTemplates, &self.app.namespace, &body)
            .await;
        match answer {
            Ok(mut object) => Ok(object.get_mut("template").map(Value::take)),
            Err(ApiError::Refused { reason, .. })
                if matches!(reason.as_str(), "Invalid" | "BadRequest") =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
