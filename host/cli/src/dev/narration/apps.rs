//! Apps of both faces: what is wanted of them, who holds their roles, when they are complete. What they wait for comes as events.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::marker::PhantomData;

use k8s_openapi::api::apps::v1::StatefulSet;
use kube::Resource;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use stateward_operator::crd::StatefulApp;
use stateward_planner::Status;

use super::{Facts, Said, Subject, bad, good, plain};

/// A kind that is managed.
pub(super) trait Kind:
    Resource<DynamicType = ()> + Clone + DeserializeOwned + Serialize + Debug + Send + Sync + 'static
{
    const WORD: &'static str;
}

impl Kind for StatefulApp {
    const WORD: &'static str = "app";
}

impl Kind for StatefulSet {
    const WORD: &'static str = "set";
}

#[derive(Clone, Debug)]
pub(super) struct Apps<K> {
    wanted: u64,
    generation: i64,
    is_terminating: bool,
    /// At rest: every member is there, up to date and available, and nothing is waited for.
    is_complete: bool,
    revision: String,
    /// Who holds which role.
    holders: BTreeMap<String, u32>,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Facts for Apps<K> {
    type Object = K;

    fn subject(app: &K) -> Subject {
        Subject::of(K::WORD, app)
    }

    fn of(app: &K) -> Apps<K> {
        // Both faces have the same fields under the same names.
        let object = serde_json::to_value(app).unwrap_or_default();
        let status = object.get("status").cloned().unwrap_or_default();
        let status: Status = serde_json::from_value(status).unwrap_or_default();
        let wanted = object.pointer("/spec/replicas").and_then(Value::as_u64);
        let (wanted, generation) = (wanted.unwrap_or(1), app.meta().generation.unwrap_or(1));
        let all = |count: u32| u64::from(count) == wanted;
        let holders = status.roles.iter().filter_map(|role| {
            let holder = role.holder.as_ref()?;
            Some((role.name.clone(), holder.ordinal))
        });
        Apps {
            wanted,
            generation,
            is_terminating: app.meta().deletion_timestamp.is_some(),
            is_complete: status.observed_generation == generation
                && all(status.replicas)
                && all(status.available_replicas)
                && all(status.updated_replicas)
                && status.waiting.is_empty(),
            holders: holders.collect(),
            revision: status.update_revision,
            kind: PhantomData,
        }
    }

    fn changes(&self, before: Option<&Apps<K>>) -> Vec<Said> {
        let Some(before) = before else {
            return vec![plain(format!(
                "is created, {} replicas wanted",
                self.wanted
            ))];
        };
        let mut said = Vec::new();
        if self.is_terminating && !before.is_terminating {
            said.push(plain("is being deleted"));
        }
        if self.wanted != before.wanted {
            said.push(plain(format!(
                "is scaled {} → {}",
                before.wanted, self.wanted
            )));
        } else if self.generation != before.generation && !self.is_terminating {
            said.push(plain(format!(
                "has another spec, generation {}",
                self.generation
            )));
        }
        for (role, holder) in &self.holders {
            match before.holders.get(role) {
                Some(former) if former == holder => {}
                Some(former) => said.push(good(format!(
                    "has its {role} at ordinal {holder} now, before at {former}"
                ))),
                None => said.push(good(format!("has its {role} at ordinal {holder}"))),
            }
        }
        for role in before.holders.keys() {
            if !self.holders.contains_key(role) {
                said.push(bad(format!("has no {role} now")));
            }
        }
        if self.is_complete && !before.is_complete && !self.is_terminating {
            let Apps {
                wanted, revision, ..
            } = self;
            said.push(good(format!(
                "is complete: {wanted}/{wanted} at revision {revision}"
            )));
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn set(replicas: u32, status: Value) -> Apps<StatefulSet> {
        let object = json!({
            "metadata": {"name": "web", "generation": replicas},
            "spec": {"replicas": replicas, "selector": {}, "serviceName": "web", "template": {}},
            "status": status,
        });
        Apps::of(&serde_json::from_value(object).unwrap())
    }

    fn texts(now: &Apps<StatefulSet>, before: &Apps<StatefulSet>) -> Vec<String> {
        let said = now.changes(Some(before)).into_iter();
        said.map(|said| said.text).collect()
    }

    #[test]
    fn a_scale_is_told_when_it_is_wanted_and_when_it_is_reached() {
        let status = |replicas: u32| {
            json!({
                "observedGeneration": replicas, "replicas": replicas, "availableReplicas": replicas,
                "updatedReplicas": replicas, "updateRevision": "web-1", "currentRevision": "web-1",
            })
        };
        let (two, wanted, three) = (set(2, status(2)), set(3, status(2)), set(3, status(3)));
        assert_eq!(texts(&wanted, &two), ["is scaled 2 → 3"]);
        assert_eq!(
            texts(&three, &wanted),
            ["is complete: 3/3 at revision web-1"]
        );
        assert!(texts(&three, &three).is_empty());
    }
}
