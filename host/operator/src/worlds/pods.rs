//! What a pod's status says: since when it is ready, what keeps it from starting, whether its processes have stopped.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use stateward_planner::identity::JOINED_GATE;
use stateward_planner::world::{OwnerReference, Pod, PodFacts, PodPhase, ReadinessGate};

use crate::annotations::DOMAIN;
use crate::watch::{Meta, RawPod, SlimPod, version_number};

/// Within this time of its start a pod's conditions are written first; times in them are whole seconds.
const FIRST_REPORT: SignedDuration = SignedDuration::from_secs(2);
/// Container states that mean: on its way, nothing is wrong.
const ON_ITS_WAY: [&str; 2] = ["ContainerCreating", "PodInitializing"];

impl From<RawPod> for SlimPod {
    fn from(mut pod: RawPod) -> SlimPod {
        let obstacle = obstacle(&pod);
        let (reason, hindrance) = match obstacle {
            Some((reason, text)) => (Some(reason.into()), Some(text)),
            None => (None, hindrance(&pod)),
        };
        let restarted = (pod.status.container_statuses.iter())
            .filter(|container| container.restart_count > 0)
            .map(|container| (container.name.clone(), container.restart_count));
        let address = pod.status.pod_ip.as_ref();
        SlimPod {
            version: version_number(&pod.metadata),
            restarts: restarted.collect(),
            runs: runs(&pod),
            has_stopped: has_stopped(&pod),
            has_address_of_node: address.is_some() && address == pod.status.host_ip.as_ref(),
            obstacle: reason,
            namespace: pod.namespace().into(),
            containers: std::mem::take(&mut pod.spec.containers).into(),
            facts: facts(pod, hindrance).into(),
        }
    }
}

/// The pod as plans see it, but for what is not in the API.
pub(crate) fn pod(pod: &SlimPod) -> Pod {
    Pod {
        facts: pod.facts.clone(),
        seen: None,
        is_evicted: false,
    }
}

fn facts(pod: RawPod, hindrance: Option<String>) -> PodFacts {
    let metadata = &pod.metadata;
    let annotations = metadata.annotations.iter().flatten();
    let claims = pod.spec.volumes.iter().filter_map(|volume| {
        let claim = volume.persistent_volume_claim.as_ref()?;
        Some((&volume.name, &claim.claim_name))
    });
    PodFacts {
        labels: metadata.labels.iter().flatten().collect(),
        annotations: annotations
            .filter(|(key, _)| key.contains(DOMAIN))
            .collect(),
        owners: owners(metadata.owner_references.as_deref()).into(),
        created: time(metadata.creation_timestamp.as_ref()),
        deletion: metadata.deletion_timestamp.as_ref().map(|time| time.0),
        phase: match pod.status.phase.as_deref() {
            Some("Running") => PodPhase::Running,
            Some("Succeeded") => PodPhase::Succeeded,
            Some("Failed") => PodPhase::Failed,
            Some("Unknown") => PodPhase::Unknown,
            _ => PodPhase::Pending,
        },
        ready_since: condition_since(&pod, "Ready"),
        restarts: (pod.status.container_statuses.iter())
            .map(|container| container.restart_count)
            .fold(0, u32::saturating_add),
        was_ready: was_ready(&pod),
        claims: claims.collect(),
        hindrance,
        gate: gate(&pod),
        name: pod.metadata.name.unwrap_or_default(),
        uid: pod.metadata.uid.unwrap_or_default(),
        node: pod.spec.node_name,
        address: pod.status.pod_ip,
    }
}

/// The readiness gate that waits for `post-ready`, where the template has it.
fn gate(pod: &RawPod) -> Option<ReadinessGate> {
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
fn was_ready(pod: &RawPod) -> bool {
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
fn condition_since(pod: &RawPod, type_: &str) -> Option<Timestamp> {
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
    let now = &now.facts;
    let starts = |facts: &PodFacts| {
        matches!(facts.phase, PodPhase::Pending | PodPhase::Running)
            && facts.deletion.is_none()
            && facts.ready_since.is_none()
            && facts.gate.is_none_or(|gate| !gate.are_containers_ready)
    };
    let Some(before) = before.map(|before| &before.facts) else {
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
fn runs(pod: &RawPod) -> bool {
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
fn has_stopped(pod: &RawPod) -> bool {
    let statuses = &pod.status.container_statuses;
    !statuses.is_empty() && (statuses.iter()).all(|container| container.state.terminated.is_some())
}

/// What keeps it from running, when it is something that will not pass by itself: reason and message.
fn obstacle(pod: &RawPod) -> Option<(String, String)> {
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

/// What a pod says that is not running yet, when no container has an obstacle.
fn hindrance(pod: &RawPod) -> Option<String> {
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
        serde_json::from_value::<RawPod>(pod).unwrap().into()
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

    #[test]
    fn what_is_asked_later_is_kept_of_each_container() {
        let waiting = json!({ "waiting": { "reason": "ErrImagePull", "message": "not found" } });
        let pod = slim(json!({
            "metadata": { "resourceVersion": "17" },
            "spec": { "containers": [{ "name": "main" }, { "name": "side" }] },
            "status": {
                "podIP": "10.0.0.1",
                "hostIP": "10.0.0.1",
                "containerStatuses": [
                    { "name": "main", "restartCount": 2, "state": { "running": {} } },
                    { "name": "side", "restartCount": 0, "state": waiting },
                ],
            },
        }));
        assert_eq!((pod.restarts_of("main"), pod.restarts_of("side")), (2, 0));
        assert_eq!((pod.facts.restarts, pod.version), (2, 17));
        let text = "container side: ImagePullBackOff: not found";
        assert_eq!(pod.obstacle(), Some(("ImagePullBackOff", text)));
        assert_eq!(pod.facts.hindrance.as_deref(), Some(text));
        assert!(pod.has_address_of_node && !pod.runs && !pod.has_stopped);
    }
}
