//! What is seen of the set when nothing moves any more.

use std::collections::BTreeMap;

use anyhow::Result;
use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::{Event, PersistentVolumeClaim, Pod};
use kube::api::{Api, DynamicObject, ListParams};
use kube::{Client, ResourceExt};
use serde_json::{Map, Value, json};

use crate::face::Face;

/// A picture, without what differs by chance: UIDs, versions, times, names of revisions (`r1` is the first).
#[derive(Debug, Clone, PartialEq)]
pub struct Picture(pub BTreeMap<String, Value>);

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
    let plain = |value: Value| -> Value {
        let mut text = value.to_string().replace(&kind, "StatefulSet");
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
            "replicas": number("replicas"),
            "ready": number("readyReplicas"),
            "available": number("availableReplicas"),
            "current": number("currentReplicas"),
            "updated": number("updatedReplicas"),
            "currentRevision": status["currentRevision"],
            "updateRevision": status["updateRevision"],
            "collisionCount": number("collisionCount"),
            "terminating": set.metadata.deletion_timestamp.is_some(),
        });
        picture.insert("status".to_owned(), plain(seen));
    }
    let events: Api<Event> = Api::namespaced(client.clone(), namespace);
    let mut told: Vec<String> = (events.list(&all).await?.items.iter())
        .filter(|event| event.involved_object.kind.as_ref() == Some(&kind))
        .map(|event| {
            let text = |field: &Option<String>| field.clone().unwrap_or_default();
            let (weight, reason) = (text(&event.type_), text(&event.reason));
            format!("{weight} {reason}: {}", text(&event.message))
        })
        .collect();
    told.sort();
    told.dedup();
    picture.insert("events".to_owned(), plain(json!(told)));
    Ok(Picture(picture))
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

/// One thing in which two pictures differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// What differs: `pod web-0`, `status`, `events`.
    pub subject: String,
    /// What the first picture shows.
    pub one: Value,
    /// What the second shows.
    pub other: Value,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            subject,
            one,
            other,
        } = self;
        write!(out, "{subject}:\n    {one}\n    {other}")
    }
}

/// What client-go makes of the eleventh event of a kind within ten minutes (item 144): it takes the place of those that follow, too.
const COMBINED: &str = "(combined from similar events): ";

/// Where one side combined events, the other need not lack the ones that are lost in it.
fn without_combined(told: &mut Value, other: &mut Value) {
    let texts = |value: &Value| -> Vec<String> {
        let items = value.as_array().into_iter().flatten();
        items
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect()
    };
    let (mut kept, theirs) = (texts(told), texts(other));
    let kinds: Vec<String> = (kept.iter())
        .filter_map(|text| Some(text.split_once(COMBINED)?.0.to_owned()))
        .collect();
    if kinds.is_empty() {
        return;
    }
    kept.retain(|text| !text.contains(COMBINED));
    let is_lost = |text: &String| {
        !kept.contains(text) && kinds.iter().any(|kind| text.starts_with(kind.as_str()))
    };
    *other = theirs
        .iter()
        .filter(|text| !is_lost(text))
        .cloned()
        .collect();
    *told = json!(kept);
}

/// Everything in which two pictures differ.
pub fn differences(one: &Picture, other: &Picture) -> Vec<Difference> {
    let mut subjects: Vec<&String> = one.0.keys().chain(other.0.keys()).collect();
    subjects.sort();
    subjects.dedup();
    let value = |picture: &Picture, subject: &String| {
        picture.0.get(subject).cloned().unwrap_or(Value::Null)
    };
    (subjects.into_iter())
        .map(|subject| {
            let (mut one, mut other) = (value(one, subject), value(other, subject));
            if subject == "events" {
                without_combined(&mut one, &mut other);
                without_combined(&mut other, &mut one);
            }
            Difference {
                subject: subject.clone(),
                one,
                other,
            }
        })
        .filter(|found| found.one != found.other)
        .collect()
}
