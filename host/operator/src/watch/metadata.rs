//! Metadata of watched objects, read without what nobody asks for: the rest of it is passed over, and costs no memory even for a moment.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{OwnerReference, Time};
use kube::api::ObjectMeta;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::annotations::DOMAIN;

/// Without managed fields, which are often longer than all the rest.
pub(super) fn lean<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectMeta, D::Error> {
    Lean::<BTreeMap<String, String>>::deserialize(deserializer).map(ObjectMeta::from)
}

/// Without managed fields, and without the annotations of others.
pub(super) fn slim<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectMeta, D::Error> {
    Lean::<Ours>::deserialize(deserializer).map(ObjectMeta::from)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lean<A> {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    generation: Option<i64>,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
    finalizers: Option<Vec<String>>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<A>,
    owner_references: Option<Vec<OwnerReference>>,
}

impl<A: Into<BTreeMap<String, String>>> From<Lean<A>> for ObjectMeta {
    fn from(lean: Lean<A>) -> ObjectMeta {
        ObjectMeta {
            name: lean.name,
            namespace: lean.namespace,
            uid: lean.uid,
            resource_version: lean.resource_version,
            generation: lean.generation,
            creation_timestamp: lean.creation_timestamp,
            deletion_timestamp: lean.deletion_timestamp,
            finalizers: lean.finalizers,
            labels: lean.labels,
            annotations: (lean.annotations.map(A::into)).filter(|all| !all.is_empty()),
            owner_references: lean.owner_references,
            ..ObjectMeta::default()
        }
    }
}

/// Our annotations.
struct Ours(BTreeMap<String, String>);

impl From<Ours> for BTreeMap<String, String> {
    fn from(ours: Ours) -> Self {
        ours.0
    }
}

impl<'de> Deserialize<'de> for Ours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Ours, D::Error> {
        #[derive(Deserialize)]
        struct Name<'n>(#[serde(borrow)] Cow<'n, str>);

        struct All;

        impl<'de> Visitor<'de> for All {
            type Value = Ours;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("annotations")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut all: M) -> Result<Ours, M::Error> {
                let mut ours = BTreeMap::new();
                while let Some(Name(name)) = all.next_key()? {
                    match name.contains(DOMAIN) {
                        true => drop(ours.insert(name.into_owned(), all.next_value()?)),
                        false => drop(all.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(Ours(ours))
            }
        }

        deserializer.deserialize_map(All)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn neither_managed_fields_nor_the_annotations_of_others_are_read() {
        let written = json!({
            "name": "web-0",
            "namespace": "shop",
            "uid": "uid-1",
            "resourceVersion": "7",
            "labels": { "app": "web" },
            "annotations": { "note": "x", "stateward.dev/post-ready": "0" },
            "managedFields": [{ "manager": "kubelet", "fieldsV1": { "f:status": { "f:phase": {} } } }],
            "finalizers": null,
        });
        let text = written.to_string();
        let read = slim(&mut serde_json::Deserializer::from_str(&text)).unwrap();
        let ours = ("stateward.dev/post-ready".to_owned(), "0".to_owned());
        assert_eq!(read.annotations, Some(BTreeMap::from([ours])));
        assert_eq!(read.managed_fields, None);
        assert_eq!(slim(&written).unwrap(), read);

        // But for them it is what the full type reads.
        let full: ObjectMeta = serde_json::from_value(written.clone()).unwrap();
        let expected = ObjectMeta {
            managed_fields: None,
            ..full
        };
        assert_eq!(lean(&written).unwrap(), expected);
        assert_eq!(slim(&json!({})).unwrap(), ObjectMeta::default());
    }
}
