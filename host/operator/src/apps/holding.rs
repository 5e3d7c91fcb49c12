//! Steps on the app itself and on what is published of its members: the finalizer of a teardown, the readiness gate, the labels of roles.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use stateward_planner::identity::{JOINED_GATE, ROLE_LABEL_PREFIX};
use stateward_planner::plan::WhyRelease;

use super::steps::{Outcome, Place, note};
use crate::annotations::TEARDOWN;
use crate::api::{ApiError, Collection};
use crate::events::Note;
use crate::watch::Kind;

impl Place {
    /// Our finalizer, under the resourceVersion that the others were read at: a merge patch replaces the whole list.
    pub(super) async fn hold(&self, _outcome: &mut Outcome) -> Result<(), ApiError> {
        let app = self.app().await?;
        let mut finalizers = finalizers(&app);
        let is_going = app.pointer("/metadata/deletionTimestamp").is_some();
        if is_going || finalizers.iter().any(|name| name == TEARDOWN) {
            return Ok(());
        }
        finalizers.push(TEARDOWN.to_owned());
        self.set_finalizers(&app, finalizers).await
    }

    pub(super) async fn let_go(
        &self,
        why: &WhyRelease,
        outcome: &mut Outcome,
    ) -> Result<(), ApiError> {
        let app = match self.app().await {
            Err(ApiError::NotFound { .. }) => return Ok(()),
            other => other?,
        };
        let mut finalizers = finalizers(&app);
        if finalizers.iter().all(|name| name != TEARDOWN) {
            return Ok(());
        }
        finalizers.retain(|name| name != TEARDOWN);
        let is_released = self.set_finalizers(&app, finalizers).await;
        if let (Ok(()), WhyRelease::Void { message }) = (&is_released, why) {
            outcome.notes.push(Note::warning(
                "TeardownSkipped",
                format!("pre-delete is not called for the members: {message}"),
            ));
        }
        is_released
    }

    async fn app(&self) -> Result<Value, ApiError> {
        let app = (self.api)
            .get(self.app.collection(), &self.app.namespace, &self.app.name)
            .await?;
        if app.pointer("/metadata/uid").and_then(Value::as_str) == Some(&self.uid) {
            Ok(app)
        } else {
            Err(ApiError::NotFound {
                message: format!("{} was replaced by another of its name", self.app),
            })
        }
    }

    async fn set_finalizers(&self, app: &Value, finalizers: Vec<String>) -> Result<(), ApiError> {
        let patch = json!({ "metadata": {
            "uid": self.uid,
            "resourceVersion": app.pointer("/metadata/resourceVersion"),
            "finalizers": finalizers,
        }});
        let (namespace, name) = (&self.app.namespace, &self.app.name);
        (self.api)
            .merge(self.app.collection(), namespace, name, None, &patch)
            .await
            .map(drop)
    }

    /// Whether the claims as they stand in the API still give these role labels to this pod. A leader that was deposed must not publish an older claim.
    pub(super) async fn still_holds(
        &self,
        uid: &str,
        labels: &BTreeMap<String, Option<String>>,
    ) -> Result<bool, ApiError> {
        if labels.values().all(Option::is_none) {
            return Ok(true);
        }
        let app = self.app().await?;
        let roles = app.pointer("/status/roles").and_then(Value::as_array);
        let holder = |role: &str| {
            let known = roles?.iter().find(|known| known["name"] == role)?;
            known.pointer("/holder/pod")?.as_str()
        };
        Ok(labels
            .iter()
            .filter(|(_, value)| value.is_some())
            .filter_map(|(key, _)| key.strip_prefix(ROLE_LABEL_PREFIX))
            // A role that nobody claims is what the member says of itself.
            .all(|role| holder(role).is_none_or(|pod| pod == uid)))
    }

    /// The condition that the readiness gate waits for. The list of conditions is written back as it was read, under its version.
    pub(super) async fn set_gate(
        &self,
        name: &str,
        uid: &str,
        is_open: bool,
        outcome: &mut Outcome,
    ) -> Result<(), ApiError> {
        let pod = match self.get(Kind::Pod, name).await {
            Err(ApiError::NotFound { .. }) => return Ok(()),
            other => other?,
        };
        let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
        let mut conditions = conditions.cloned().unwrap_or_default();
        conditions.retain(|condition| condition["type"] != JOINED_GATE);
        conditions.push(json!({
            "type": JOINED_GATE,
            "status": if is_open { "True" } else { "False" },
            "reason": if is_open { "Joined" } else { "Joining" },
            "lastTransitionTime": second(Timestamp::now()),
        }));
        let patch = json!({
            "metadata": {
                "uid": uid,
                "resourceVersion": pod.pointer("/metadata/resourceVersion"),
            },
            "status": { "conditions": conditions },
        });
        let namespace = &self.app.namespace;
        let answer = (self.api)
            .merge(Collection::Pods, namespace, name, Some("status"), &patch)
            .await;
        note(Kind::Pod, name, answer, outcome)
    }
}

/// Kubernetes' times have whole seconds.
fn second(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second())
        .unwrap_or(time)
        .to_string()
}

fn finalizers(app: &Value) -> Vec<String> {
    let names = app
        .pointer("/metadata/finalizers")
        .and_then(Value::as_array);
    (names.into_iter().flatten())
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}
