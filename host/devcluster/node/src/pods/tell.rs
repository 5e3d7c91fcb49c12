//! Telling the API: the pod's status, and at the end that it is gone.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::lifecycle;
use super::record::State;
use super::status::{StatusFacts, status};
use super::worker::Worker;

/// A write that failed is tried again after this time.
const RETRY: Duration = Duration::from_secs(1);

impl Worker {
    /// Writes the status when it says something new. Answers when to try again.
    pub(super) async fn tell(&mut self) -> Option<Instant> {
        if self.is_removed || self.told == Some(Value::Null) {
            return None;
        }
        if let Some(at) = self.told_at.take().filter(|at| *at > Instant::now()) {
            self.told_at = Some(at);
            return Some(at);
        }
        let facts = self.facts();
        let status = status(
            &StatusFacts {
                pod: &self.pod,
                runtime: self.context.runtime.name(),
                node_address: self.context.node_address,
                address: self.address,
                start_time: self.start_time,
                restart_policy: facts.restart_policy,
                is_prepared: facts.is_prepared,
                outcome: lifecycle::outcome(&facts, &self.containers),
                refusal: self.refusal.clone(),
                now: Timestamp::now(),
            },
            &self.containers,
        );
        let Ok(mut status) = serde_json::to_value(status) else {
            return None;
        };
        if self
            .told
            .as_ref()
            .is_some_and(|told| same_meaning(told, &status))
        {
            return None;
        }
        // The UID makes this a write to this pod and not to a successor of the same name.
        let patch = json!({ "metadata": { "uid": self.uid }, "status": status });
        let api: Api<Pod> = Api::namespaced(self.context.client.clone(), &self.namespace);
        let written = api
            .patch_status(
                &self.pod.name_any(),
                &PatchParams::default(),
                &Patch::Strategic(patch),
            )
            .await;
        match written {
            Ok(written) => {
                self.told_version = version(&written);
                forget_times(&mut status);
                self.told = Some(status);
                self.advance_image_errors()
            }
            // The object is gone or is another one; the watch is about to say so.
            Err(kube::Error::Api(answer)) if answer.code == 404 || answer.code == 409 => None,
            Err(error) => {
                tracing::warn!(%error, pod = self.pod.name_any(), "status not written; trying again");
                let at = Instant::now() + RETRY;
                self.told_at = Some(at);
                Some(at)
            }
        }
    }

    /// Whoever took this node for lost has marked the pod as not ready; it is told anew then.
    pub(super) fn notice_other_writers(&mut self) {
        let Some(told) = self.told.as_ref().filter(|told| !told.is_null()) else {
            return;
        };
        let shown = serde_json::to_value(&self.pod.status).unwrap_or_default();
        if version(&self.pod) > self.told_version && is_ready(&shown) != is_ready(told) {
            self.told = None;
        }
    }

    /// A failed pull is told once as such, then as waiting for the next attempt.
    fn advance_image_errors(&mut self) -> Option<Instant> {
        let mut changed = None;
        for container in &mut self.containers {
            if let State::Waiting { reason, .. } = &mut container.state
                && *reason == "ErrImagePull"
            {
                *reason = "ImagePullBackOff";
                changed = Some(Instant::now());
            }
        }
        changed
    }

    /// Nothing of the pod runs: the last status, then the object goes.
    pub(super) async fn remove(&mut self) -> Option<Instant> {
        if self.is_removed {
            return None;
        }
        if let Some(retry) = self.tell().await {
            return Some(retry);
        }
        let api: Api<Pod> = Api::namespaced(self.context.client.clone(), &self.namespace);
        let parameters = DeleteParams {
            grace_period_seconds: Some(0),
            preconditions: Some(Preconditions {
                uid: Some(self.uid.clone()),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        match api.delete(&self.pod.name_any(), &parameters).await {
            Ok(_) => {
                self.is_removed = true;
                None
            }
            Err(kube::Error::Api(answer)) if answer.code == 404 || answer.code == 409 => {
                self.is_removed = true;
                None
            }
            Err(error) => {
                tracing::warn!(%error, pod = self.pod.name_any(), "pod not removed; trying again");
                Some(Instant::now() + RETRY)
            }
        }
    }
}

/// Where the object is in the history of the API server; 0 when that is not told as a number.
fn version(pod: &Pod) -> u64 {
    let text = pod.metadata.resource_version.as_deref();
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn is_ready(status: &Value) -> bool {
    let conditions = status.get("conditions").and_then(Value::as_array);
    conditions.into_iter().flatten().any(|condition| {
        let is =
            |field: &str, value: &str| condition.get(field).and_then(Value::as_str) == Some(value);
        is("type", "Ready") && is("status", "True")
    })
}

/// Times of conditions are kept by the server's copy; alone they are no news.
fn same_meaning(told: &Value, status: &Value) -> bool {
    let mut status = status.clone();
    forget_times(&mut status);
    *told == status
}

fn forget_times(status: &mut Value) {
    let conditions = status.get_mut("conditions").and_then(Value::as_array_mut);
    for condition in conditions.into_iter().flatten() {
        if let Some(condition) = condition.as_object_mut() {
            condition.remove("lastTransitionTime");
        }
    }
}
