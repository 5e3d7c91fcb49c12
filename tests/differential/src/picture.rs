//! What is seen of the set when nothing moves any more.

use std::collections::BTreeMap;

use anyhow::Result;
use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::{Event, PersistentVolumeClaim, Pod};
use kube::api::{Api, DynamicObject, ListParams};
use kube::{Client, ResourceExt};
use serde_json::{Map, Value, json};

use crate::face::Face;

mod differences;

pub use differences::{Difference, differences};

/// A picture, without what differs by chance: UIDs, versions, times. Revisions are called by their numbers, `r1`; what their names are is part of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture(pub BTreeMap<String, Value>);

impl Picture {
    /// What is there, but for how it came about: nothing of order, events, and revisions that nothing points to any more.
    #[must_use]
    pub fn end(&self) -> Self {
        let mut end = self.clone();
        end.0.retain(|subject, _| {
            !matches!(
                subject.as_str(),
                "creates and deletes" | "events" | "revisions"
            ) && !subject.starts_with(REVISION)
        });
        for value in end.0.values_mut() {
            call_by_name(value, self);
        }
        end
    }

    /// Whether all wanted pods of the set are there and ready, and no others.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let Some(status) = self.0.get("status") else {
            return true;
        };
        let number = |field: &str| status[field].as_u64().unwrap_or(0);
        let wanted = number("start")..number("start") + number("wanted");
        let is_owned =
            |pod: &Value| (pod["owners"].as_array()).is_some_and(|owners| !owners.is_empty());
        let ordinal = |subject: &str| subject.rsplit_once('-')?.1.parse().ok();
        let is_right = |(subject, pod): (&String, &Value)| {
            let is_wanted = ordinal(subject).is_some_and(|ordinal| wanted.contains(&ordinal));
            is_wanted && pod["ready"] == true && pod["terminating"] == false
        };
        let pods = (self.0.iter()).filter(|(subject, _)| subject.starts_with("pod "));
        let of_set: Vec<_> = pods.filter(|(_, pod)| is_owned(pod)).collect();
        of_set.len() == wanted.clone().count() && of_set.into_iter().all(is_right)
    }
}

/// Upstream tells 25 events of a set at once and then one in five minutes (item 144). When it is near that, chance decides which are lost: whether a claim was
/// written in conflict, say, is told too.
const MANY_EVENTS: i32 = 20;
/// What stands for so many.
const MANY: &str = "many";

/// What subjects of revisions begin with.
const REVISION: &str = "revision ";

/// How many edits there were is forgotten; which template is meant is not.
fn call_by_name(value: &mut Value, picture: &Picture) {
    match value {
        Value::String(text) => {
            let revision = picture.0.get(&format!("{REVISION}{text}"));
            if let Some(Value::String(name)) = revision.map(|revision| &revision["name"]) {
                text.clone_from(name);
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| call_by_name(item, picture)),
        Value::Object(fields) => {
            (fields.values_mut()).for_each(|field| call_by_name(field, picture));
        }
        _ => {}
    }
}

/// Looks at everything in the namespace that a StatefulSet controller has to do with.
///
/// # Errors
/// When the API does not answer.
pub async fn look(
    client: &Client,
    namespace: &str,
    face: Face,
    mut record: Vec<String>,
    has_order: bool,
) -> Result<Picture> {
    let all = ListParams::default();
    let revisions: Api<ControllerRevision> = Api::namespaced(client.clone(), namespace);
    let mut revisions = revisions.list(&all).await?.items;
    revisions.sort_by_key(|revision| revision.revision);
    let names: BTreeMap<String, String> = (revisions.iter())
        .map(|revision| {
            (
                revision.name_any(),
                format!("r{}", revision.revision.unwrap_or(0)),
            )
        })
        .collect();
    let kind = face.resource().kind;
    let of_one_kind = |value: Value| -> Value {
        let text = value.to_string().replace(&kind, "StatefulSet");
        serde_json::from_str(&text).unwrap_or(value)
    };
    let plain = |value: Value| -> Value {
        let value = of_one_kind(value);
        let mut text = value.to_string();
        for (name, short) in &names {
            text = text.replace(name.as_str(), short);
        }
        serde_json::from_str(&text).unwrap_or(value)
    };

    let mut picture = BTreeMap::new();
    record.retain(|what| what.starts_with(['+', '~']));
    if !has_order {
        record.sort();
    }
    picture.insert("creates and deletes".to_owned(), json!(record));
    let mut numbers: Vec<&String> = names.values().collect();
    numbers.sort();
    picture.insert("revisions".to_owned(), json!(numbers));
    for revision in &revisions {
        let name = revision.name_any();
        let subject = format!("{REVISION}{}", names.get(&name).unwrap_or(&name));
        let seen = json!({
            "name": name,
            "hash": revision.labels().get("controller.kubernetes.io/hash"),
            "owners": owners(&json!(revision.metadata.owner_references)),
            "data": revision.data,
        });
        picture.insert(subject, of_one_kind(seen));
    }

    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    for pod in pods.list(&all).await? {
        let status = pod.status.clone().unwrap_or_default();
        let conditions = status.conditions.unwrap_or_default();
        let is_ready = conditions
            .iter()
            .any(|one| one.type_ == "Ready" && one.status == "True");
        let spec = serde_json::to_value(&pod.spec)?;
        let seen = json!({
            "labels": pod.labels(),
            "owners": owners(&json!(pod.metadata.owner_references)),
            "phase": status.phase,
            "ready": is_ready,
            "terminating": pod.metadata.deletion_timestamp.is_some(),
            "image": spec["containers"][0]["image"],
            "hostname": spec["hostname"],
            "subdomain": spec["subdomain"],
            "claims": claims_of(&spec),
        });
        picture.insert(format!("pod {}", pod.name_any()), plain(seen));
    }
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
    for claim in claims.list(&all).await? {
        let seen = json!({
            "labels": claim.labels(),
            "owners": owners(&json!(claim.metadata.owner_references)),
            "terminating": claim.metadata.deletion_timestamp.is_some(),
        });
        picture.insert(format!("claim {}", claim.name_any()), plain(seen));
    }
    let sets: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), namespace, &face.resource());
    for set in sets.list(&all).await? {
        let status = &set.data["status"];
        let number = |field: &str| status[field].as_i64().unwrap_or(0);
        let seen = json!({
            "observed": status["observedGeneration"].as_i64() == set.metadata.generation,
            "start": set.data["spec"]["ordinals"]["start"].as_u64().unwrap_or(0),
            "wanted": set.data["spec"]["replicas"],
            "replicas": number("replicas"),
            "ready": number("readyReplicas"),
            "available": number("availableReplicas"),
            "current": number("currentReplicas"),
            "updated": number("updatedReplicas"),
            "currentRevision": status["currentRevision"],
            "updateRevision": status["updateRevision"],
            "collisionCount": number("collisionCount"),
            "conditions": conditions(&status["conditions"]),
            "terminating": set.metadata.deletion_timestamp.is_some(),
        });
        picture.insert("status".to_owned(), plain(seen));
    }
    let events: Api<Event> = Api::namespaced(client.clone(), namespace);
    let events = events.list(&all).await?.items;
    let of_the_set =
        || (events.iter()).filter(|event| event.involved_object.kind.as_ref() == Some(&kind));
    let times: i32 = of_the_set().map(|event| event.count.unwrap_or(1)).sum();
    let mut told: Vec<String> = of_the_set()
        .map(|event| {
            let text = |field: &Option<String>| field.clone().unwrap_or_default();
            let (weight, reason) = (text(&event.type_), text(&event.reason));
            format!(
                "{weight} {reason}: {}",
                without_usage(&text(&event.message))
            )
        })
        .collect();
    told.sort();
    told.dedup();
    let told = if times < MANY_EVENTS {
        plain(json!(told))
    } else {
        json!(MANY)
    };
    picture.insert("events".to_owned(), told);
    Ok(Picture(picture))
}

/// How much of a quota is used is what its own controller last counted, some time ago.
fn without_usage(message: &str) -> String {
    let parts = message.split_once("used: ").and_then(|(before, used)| {
        let (_, after) = used.split_once(", limited: ")?;
        Some(format!("{before}limited: {after}"))
    });
    parts.unwrap_or_else(|| message.to_owned())
}

/// What each says and why, by type.
fn conditions(all: &Value) -> Value {
    let all = all.as_array().into_iter().flatten();
    let mut seen: Vec<Value> = all
        .map(|one| json!([one["type"], one["status"], one["reason"]]))
        .collect();
    seen.sort_by_key(Value::to_string);
    Value::Array(seen)
}

/// Kinds and names of owners, and who of them controls.
fn owners(references: &Value) -> Value {
    let references = references.as_array().cloned().unwrap_or_default();
    let mut owners: Vec<Value> = (references.iter())
        .map(|owner| {
            let mut seen = Map::new();
            for field in ["kind", "name", "controller", "blockOwnerDeletion"] {
                let value = &owner[field];
                if !value.is_null() && *value != json!(false) {
                    seen.insert(field.to_owned(), value.clone());
                }
            }
            Value::Object(seen)
        })
        .collect();
    owners.sort_by_key(Value::to_string);
    Value::Array(owners)
}

fn claims_of(spec: &Value) -> Value {
    let volumes = spec["volumes"].as_array().cloned().unwrap_or_default();
    let claims = volumes
        .iter()
        .filter(|volume| !volume["persistentVolumeClaim"].is_null());
    claims
        .map(|volume| json!([volume["name"], volume["persistentVolumeClaim"]["claimName"]]))
        .collect()
}
