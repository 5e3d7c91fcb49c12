//! What a pod's status says: since when it is ready, what keeps it from starting, whether its processes have stopped.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use stateward_planner::Shared;
use stateward_planner::identity::JOINED_GATE;
use stateward_planner::world::{OwnerReference, Pod, PodFacts, PodPhase, ReadinessGate};

use crate::annotations::DOMAIN;
use crate::watch::{Meta, SlimPod};

/// Within this time of its start a pod's conditions are written first; times in them are whole seconds.
const FIRST_REPORT: SignedDuration = SignedDuration::from_secs(2);
/// Conditions that somebody asks for later.
const ASKED_FOR: [&str; 3] = ["Ready", "ContainersReady", JOINED_GATE];
/// Container states that mean: on its way, nothing is wrong.
const ON_ITS_WAY: [&str; 2] = ["ContainerCreating", "PodInitializing"];

impl SlimPod {
    /// What plans see of it; its labels and our annotations stand here alone.
    pub(crate) fn facts(&self) -> &Shared<PodFacts> {
        self.facts.get_or_init(|| facts(self).into())
    }
}

/// The pod as plans see it, but for what is not in the API.
pub(crate) fn pod(pod: &SlimPod) -> Pod {
    Pod {
        facts: pod.facts().clone(),
        seen: None,
        is_evicted: false,
    }
}

/// Draws what plans see of it, and drops what is there twice then, or what nobody asks for later: many pods are watched.
pub(crate) fn settle(pod: &mut SlimPod) {
    pod.facts();
    pod.metadata.labels = None;
    pod.metadata.annotations = None;
    (pod.status.conditions).retain(|condition| ASKED_FOR.contains(&condition.type_.as_str()));
    pod.status.conditions.shrink_to_fit();
}

fn facts(pod: &SlimPod) -> PodFacts {
    let status = &pod.status;
    let metadata = &pod.metadata;
    let annotations = metadata.annotations.iter().flatten();
    let claims = pod.spec.volumes.iter().filter_map(|volume| {
        let claim = volume.persistent_volume_claim.as_ref()?;
        Some((volume.name.clone(), claim.claim_name.clone()))
    });
    PodFacts {
        name: pod.name().to_owned(),
        uid: pod.uid().to_owned(),
        labels: metadata.labels.clone().unwrap_or_default(),
        annotations: annotations
            .filter(|(key, _)| key.contains(DOMAIN))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        owners: owners(metadata.owner_references.as_deref()),
        created: time(metadata.creation_timestamp.as_ref()),
        deletion: metadata.deletion_timestamp.as_ref().map(|time| time.0),
        phase: match status.phase.as_deref() {
            Some("Running") => PodPhase::Running,
            Some("Succeeded") => PodPhase::Succeeded,
            Some("Failed") => PodPhase::Failed,
            Some("Unknown") => PodPhase::Unknown,
            _ => PodPhase::Pending,
        },
        ready_since: condition_since(pod, "Ready"),
        restarts: (status.container_statuses.iter())
            .map(|container| container.restart_count)
            .fold(0, u32::saturating_add),
        was_ready: was_ready(pod),
        node: pod.spec.node_name.clone(),
        address: status.pod_ip.clone(),
        claims: claims.collect(),
        hindrance: hindrance(pod),
        gate: gate(pod),
    }
}

/// The readiness gate that waits for `post-ready`, where the template has it.
fn gate(pod: &SlimPod) -> Option<ReadinessGate> {
    let gates = &pod.spec.readiness_gates;
    let has_gate = (gates.iter()).any(|gate| gate.condition_type == JOINED_GATE);
    has_gate.then(|| ReadinessGate {
        is_open: condition_since(pod, JOINED_GATE).is_some(),
        are_containers_ready: condition_since(pod, "ContainersReady").is_some(),
    })
}

pub(super) fn owners(
    references: Option<&[k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference]>,
) -> Vec<OwnerReference> {
    let references = references.unwrap_or_default().iter();
    let owner = references.map(|owner| OwnerReference {
        api_version: owner.api_version.clone(),
        kind: owner.kind.clone(),
        name: owner.name.clone(),
        uid: owner.uid.clone(),
        controller: owner.controller.unwrap_or(false),
    });
    owner.collect()
}

pub(super) fn time(
    time: Option<&k8s_openapi::apimachinery::pkg::apis::meta::v1::Time>,
) -> Timestamp {
    time.map_or(Timestamp::UNIX_EPOCH, |time| time.0)
}

/// Whether it is Ready, or has been: a condition that became false later than the node's agent wrote it first was true in between.
fn was_ready(pod: &SlimPod) -> bool {
    let status = &pod.status;
    let Some(ready) = (status.conditions.iter()).find(|condition| condition.type_ == "Ready")
    else {
        return false;
    };
    let first = status
        .start_time
        .and_then(|start| start.checked_add(FIRST_REPORT).ok());
    ready.status == "True"
        || match (ready.last_transition_time, first) {
            (Some(changed), Some(first)) => changed > first,
            _ => false,
        }
}

/// Since when this condition is true.
pub(crate) fn condition_since(pod: &SlimPod, type_: &str) -> Option<Timestamp> {
    let condition = (pod.status.conditions.iter()).find(|condition| condition.type_ == type_)?;
    if condition.status != "True" {
        return None;
    }
    // Upstream item 85: a Ready condition without a time counts as ready since ever.
    Some(
        condition
            .last_transition_time
            .unwrap_or(Timestamp::UNIX_EPOCH),
    )
}

/// Whether it is only a step further on its way to Ready: created, given a node or an address, started. Plans hardly depend on that.
pub(crate) fn goes_its_way(before: Option<&SlimPod>, now: &SlimPod) -> bool {
    let now = now.facts();
    let starts = |facts: &PodFacts| {
        matches!(facts.phase, PodPhase::Pending | PodPhase::Running)
            && facts.deletion.is_none()
            && facts.ready_since.is_none()
            && facts.gate.is_none_or(|gate| !gate.are_containers_ready)
    };
    let Some(before) = before.map(SlimPod::facts) else {
        return starts(now);
    };
    starts(before)
        && starts(now)
        && before.uid == now.uid
        && before.restarts == now.restarts
        && before.was_ready == now.was_ready
        && before.hindrance == now.hindrance
        && before.labels == now.labels
        && before.annotations == now.annotations
        && before.owners == now.owners
}

/// Whether all its containers run.
pub(crate) fn runs(pod: &SlimPod) -> bool {
    let statuses = &pod.status.container_statuses;
    match statuses.is_empty() {
        // A kubelet that reports no containers: the phase has to do.
        true => pod.status.phase.as_deref() == Some("Running"),
        false => statuses
            .iter()
            .all(|container| container.state.running.is_some()),
    }
}

/// Whether the node's agent reported that all its containers ended.
pub(crate) fn has_stopped(pod: &SlimPod) -> bool {
    let statuses = &pod.status.container_statuses;
    !statuses.is_empty() && (statuses.iter()).all(|container| container.state.terminated.is_some())
}

/// What keeps it from running, when it is something that will not pass by itself: reason and message.
pub(crate) fn obstacle(pod: &SlimPod) -> Option<(String, String)> {
    let status = &pod.status;
    let containers =
        (status.init_container_statuses.iter()).chain(status.container_statuses.iter());
    for container in containers {
        let Some(waiting) = &container.state.waiting else {
            continue;
        };
        let reason = waiting.reason.as_deref().unwrap_or_default();
        if reason.is_empty() || ON_ITS_WAY.contains(&reason) {
            continue;
        }
        // The kubelet alternates between the two; for everybody else it is one thing.
        let reason = match reason {
            "ErrImagePull" => "ImagePullBackOff",
            other => other,
        };
        let mut text = format!("container {}: {reason}", container.name);
        if let Some(message) = waiting
            .message
            .as_deref()
            .filter(|message| !message.is_empty())
        {
            text.push_str(": ");
            text.push_str(message);
        }
        return Some((reason.to_owned(), text));
    }
    None
}

fn hindrance(pod: &SlimPod) -> Option<String> {
    if let Some((_, text)) = obstacle(pod) {
        return Some(text);
    }
    let status = &pod.status;
    if status.phase.as_deref() == Some("Running") {
        return None;
    }
    let unscheduled = status
        .conditions
        .iter()
        .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False");
    let said = unscheduled
        .and_then(|condition| condition.message.clone())
        .or_else(|| status.message.clone())
        .or_else(|| status.reason.clone());
    said.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn slim(changes: Value) -> SlimPod {
        let mut pod = json!({
            "metadata": { "name": "web-0", "namespace": "shop", "uid": "uid-1", "labels": { "app": "web" } },
            "spec": {},
            "status": { "phase": "Pending" },
        });
        merge(&mut pod, changes);
        serde_json::from_value(pod).unwrap()
    }

    fn merge(into: &mut Value, changes: Value) {
        match (into, changes) {
            (Value::Object(fields), Value::Object(changes)) => {
                for (name, change) in changes {
                    merge(fields.entry(name).or_insert(Value::Null), change);
                }
            }
            (into, change) => *into = change,
        }
    }

    #[test]
    fn a_pod_goes_its_way_until_it_is_ready_and_nothing_else_about_it_changes() {
        let new = slim(json!({}));
        assert!(goes_its_way(None, &new));
        let scheduled = slim(json!({ "spec": { "nodeName": "node-1" } }));
        assert!(goes_its_way(Some(&new), &scheduled));
        let runs = json!({ "spec": { "nodeName": "node-1" }, "status": { "phase": "Running", "podIP": "10.0.0.1" } });
        assert!(goes_its_way(Some(&scheduled), &slim(runs)));

        let ready =
            json!({ "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] });
        let restarts = json!([{ "name": "main", "restartCount": 1, "state": {} }]);
        for change in [
            json!({ "status": ready }),
            json!({ "status": { "phase": "Failed" } }),
            json!({ "status": { "containerStatuses": restarts } }),
            json!({ "status": { "message": "no room", "reason": "Unschedulable" } }),
            json!({ "metadata": { "deletionTimestamp": "2026-01-01T00:00:00Z" } }),
            json!({ "metadata": { "labels": { "app": "other" } } }),
            json!({ "metadata": { "uid": "uid-2" } }),
        ] {
            let changed = slim(change.clone());
            assert!(!goes_its_way(Some(&new), &changed), "{change}");
        }
        // One that is Ready when it is first seen, or stops being so, is looked at at once.
        let ready = slim(json!({ "status": ready }));
        assert!(!goes_its_way(None, &ready) && !goes_its_way(Some(&ready), &new));
    }
}
