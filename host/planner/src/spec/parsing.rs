//! From the raw `.spec` of an object to a [`Spec`]: defaults as upstream, and the rules that upstream checks (items 148, 149, 157).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::fields::{count, field, list, object, text, unknown};
use super::{PodManagement, Retention, RetentionPolicy, Selector, Spec, SpecError};
use super::{beyond, deadlines, names, selecting, strategy};
use crate::texts::Texts;
use crate::world::Face;

const DEFAULT_HISTORY: i64 = 10;

impl Spec {
    /// Reads `.spec` of the object as the API holds it, fills in the defaults and checks the rules. The fields beside upstream's are read in the StatefulApp
    /// face only.
    pub fn parse(face: Face, spec: &Value) -> Result<Spec, SpecError> {
        if !spec.is_object() {
            return Err(SpecError::invalid(
                "",
                "is missing or no object",
                "give at least selector and template",
            ));
        }
        let selector = selecting::parse(field(spec, "selector"))?;
        let mut parsed = Spec {
            replicas: count(field(spec, "replicas"), "replicas", 1)?,
            start: start(field(spec, "ordinals"))?,
            service_name: service_name(field(spec, "serviceName"))?,
            template: template(field(spec, "template"), &selector)?,
            selector,
            claim_templates: claim_templates(field(spec, "volumeClaimTemplates"))?,
            pod_management: pod_management(field(spec, "podManagementPolicy"))?,
            update: strategy::parse(field(spec, "updateStrategy"))?,
            min_ready_seconds: count(field(spec, "minReadySeconds"), "minReadySeconds", 0)?,
            retention: retention(field(spec, "persistentVolumeClaimRetentionPolicy"))?,
            revision_history_limit: history(field(spec, "revisionHistoryLimit"))?,
            deadlines: match face {
                Face::StatefulApp => deadlines::parse(field(spec, "plugin"))?,
                Face::StatefulSet => BTreeMap::new(),
            },
            has_bare_type: strategy::has_bare_type(field(spec, "updateStrategy")),
            reserved: BTreeSet::new(),
            paused: false,
            max_parallel_starts: None,
            progress_deadline_seconds: None,
        };
        if face == Face::StatefulApp {
            beyond::read(spec, &mut parsed)?;
        }
        Ok(parsed)
    }
}

fn start(ordinals: Option<&Value>) -> Result<u32, SpecError> {
    match ordinals {
        None => Ok(0),
        Some(ordinals) => count(
            field(object(ordinals, "ordinals")?, "start"),
            "ordinals.start",
            0,
        ),
    }
}

fn service_name(name: Option<&Value>) -> Result<String, SpecError> {
    let name = match name {
        None => return Ok(String::new()),
        Some(name) => text(name, "serviceName")?,
    };
    if name.is_empty() || names::is_dns_subdomain(name) {
        Ok(name.to_owned())
    } else {
        Err(SpecError::invalid(
            "serviceName",
            format!("is {name:?}"),
            "use the name of a Service: lower-case letters, digits and dashes",
        ))
    }
}

fn pod_management(policy: Option<&Value>) -> Result<PodManagement, SpecError> {
    const PATH: &str = "podManagementPolicy";
    match policy.map(|policy| text(policy, PATH)).transpose()? {
        None | Some("" | "OrderedReady") => Ok(PodManagement::OrderedReady),
        Some("Parallel") => Ok(PodManagement::Parallel),
        Some(other) => Err(unknown(PATH, other, "OrderedReady or Parallel")),
    }
}

fn history(limit: Option<&Value>) -> Result<i64, SpecError> {
    match limit {
        None => Ok(DEFAULT_HISTORY),
        Some(limit) => limit.as_i64().ok_or_else(|| {
            SpecError::invalid(
                "revisionHistoryLimit",
                format!("is {limit}"),
                "use a whole number; a negative one keeps every revision",
            )
        }),
    }
}

fn retention(block: Option<&Value>) -> Result<Retention, SpecError> {
    let Some(block) = block else {
        return Ok(Retention {
            when_deleted: RetentionPolicy::Retain,
            when_scaled: RetentionPolicy::Retain,
        });
    };
    let block = object(block, "persistentVolumeClaimRetentionPolicy")?;
    let policy = |name: &str| {
        let path = format!("persistentVolumeClaimRetentionPolicy.{name}");
        match field(block, name) {
            None => Err(SpecError::Missing {
                path,
                help: "say Retain or Delete; the block needs both whenDeleted and whenScaled"
                    .to_owned(),
            }),
            Some(value) => match text(value, &path)? {
                "Retain" => Ok(RetentionPolicy::Retain),
                "Delete" => Ok(RetentionPolicy::Delete),
                other => Err(unknown(&path, other, "Retain or Delete")),
            },
        }
    };
    Ok(Retention {
        when_deleted: policy("whenDeleted")?,
        when_scaled: policy("whenScaled")?,
    })
}

fn claim_templates(templates: Option<&Value>) -> Result<Vec<Value>, SpecError> {
    let templates = list(templates, "volumeClaimTemplates")?;
    let mut seen = BTreeSet::new();
    for (index, template) in templates.iter().enumerate() {
        let path = format!("volumeClaimTemplates[{index}].metadata.name");
        let name = template.pointer("/metadata/name").and_then(Value::as_str);
        match name {
            Some(name) if !names::is_dns_label(name) => {
                return Err(SpecError::invalid(
                    path,
                    format!("is {name:?}"),
                    "use lower-case letters, digits and dashes, as for a volume",
                ));
            }
            Some(name) if !seen.insert(name) => {
                return Err(SpecError::invalid(
                    path,
                    format!("is {name:?} a second time"),
                    "give each claim template its own name",
                ));
            }
            Some(_) => {}
            None => {
                return Err(SpecError::Missing {
                    path,
                    help: "name the volume that the claim is for".to_owned(),
                });
            }
        }
    }
    Ok(templates.to_vec())
}

fn template(template: Option<&Value>, selector: &Selector) -> Result<Value, SpecError> {
    let Some(template) = template else {
        return Err(SpecError::Missing {
            path: "template".to_owned(),
            help: "describe the pods: metadata.labels and spec.containers".to_owned(),
        });
    };
    object(template, "template")?;
    let labels = labels(template)?;
    if !selector.matches(&labels) {
        return Err(SpecError::invalid(
            "template.metadata.labels",
            "are not selected by spec.selector",
            format!("give the pods the labels {selector}"),
        ));
    }
    let containers = template
        .pointer("/spec/containers")
        .and_then(Value::as_array);
    if containers.is_none_or(Vec::is_empty) {
        return Err(SpecError::Missing {
            path: "template.spec.containers".to_owned(),
            help: "name at least one container".to_owned(),
        });
    }
    // Upstream item 149.
    match template
        .pointer("/spec/restartPolicy")
        .and_then(Value::as_str)
    {
        None | Some("" | "Always") => {}
        Some(other) => return Err(unknown("template.spec.restartPolicy", other, "Always")),
    }
    if let Some(spec) = template.get("spec")
        && field(spec, "activeDeadlineSeconds").is_some()
    {
        return Err(SpecError::invalid(
            "template.spec.activeDeadlineSeconds",
            "is set, but these pods have no end",
            "leave it out",
        ));
    }
    Ok(template.clone())
}

fn labels(template: &Value) -> Result<Texts, SpecError> {
    let Some(labels) = template.pointer("/metadata/labels") else {
        return Ok(Texts::default());
    };
    serde_json::from_value(labels.clone()).map_err(|error| {
        SpecError::invalid(
            "template.metadata.labels",
            format!("is {labels}"),
            format!("use strings by name ({error})"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::UpdateStrategy;
    use serde_json::json;

    fn least() -> Value {
        json!({
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "web:v1"}]},
            },
        })
    }

    fn with(pointer: &str, value: Value) -> Value {
        let mut spec = least();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        spec.pointer_mut(parent).unwrap()[name] = value;
        spec
    }

    /// Upstream item 157.
    #[test]
    fn given_the_least_then_the_defaults_are_upstreams() {
        let spec = Spec::parse(Face::StatefulSet, &least()).unwrap();
        assert_eq!((spec.replicas, spec.start), (1, 0));
        assert_eq!(spec.pod_management, PodManagement::OrderedReady);
        assert_eq!(
            spec.update,
            UpdateStrategy::RollingUpdate {
                partition: 0,
                max_unavailable: None
            }
        );
        assert_eq!(spec.retention.when_deleted, RetentionPolicy::Retain);
        assert_eq!(spec.retention.when_scaled, RetentionPolicy::Retain);
        assert_eq!(spec.revision_history_limit, 10);
        assert_eq!(spec.service_name, "");
    }

    #[test]
    fn given_our_own_fields_then_they_are_left_alone() {
        assert!(
            Spec::parse(
                Face::StatefulApp,
                &with("/plugin", json!({"name": "mysql"}))
            )
            .is_ok()
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let cases = [
            ("/selector", Value::Null, "spec.selector is missing"),
            (
                "/selector",
                json!({"matchLabels": {"app": "db"}}),
                "spec.template.metadata.labels are not selected",
            ),
            ("/template", Value::Null, "spec.template is missing"),
            (
                "/template/spec/containers",
                json!([]),
                "spec.template.spec.containers is missing",
            ),
            ("/template/spec/restartPolicy", json!("Never"), "use Always"),
            (
                "/template/spec/activeDeadlineSeconds",
                json!(3),
                "leave it out",
            ),
            (
                "/replicas",
                json!(-1),
                "spec.replicas is -1: use a whole number",
            ),
            ("/replicas", json!("3"), "spec.replicas is \"3\""),
            ("/replicas", json!(4_294_967_295_u32), "spec.replicas"),
            ("/ordinals", json!({"start": -1}), "spec.ordinals.start"),
            ("/minReadySeconds", json!(1.5), "spec.minReadySeconds"),
            (
                "/podManagementPolicy",
                json!("Serial"),
                "use OrderedReady or Parallel",
            ),
            ("/serviceName", json!("My_Service"), "spec.serviceName"),
            (
                "/persistentVolumeClaimRetentionPolicy",
                json!({"whenDeleted": "Delete"}),
                "whenScaled is missing",
            ),
            (
                "/persistentVolumeClaimRetentionPolicy",
                json!({"whenDeleted": "Keep", "whenScaled": "Retain"}),
                "use Retain or Delete",
            ),
            (
                "/volumeClaimTemplates",
                json!([{"spec": {}}]),
                "volumeClaimTemplates[0].metadata.name is missing",
            ),
            (
                "/volumeClaimTemplates",
                json!([{"metadata": {"name": "d"}}, {"metadata": {"name": "d"}}]),
                "a second time",
            ),
        ];
        for (pointer, value, expected) in cases {
            let error = Spec::parse(Face::StatefulApp, &with(pointer, value)).unwrap_err();
            assert!(error.to_string().contains(expected), "{pointer}: {error}");
        }
    }

    #[test]
    fn a_name_must_leave_room_for_what_is_named_after_it() {
        let spec = Spec::parse(Face::StatefulApp, &with("/replicas", json!(3))).unwrap();
        assert!(spec.check_name(Face::StatefulSet, "web").is_ok());
        assert!(spec.check_name(Face::StatefulSet, &"w".repeat(52)).is_ok());
        assert!(
            spec.check_name(Face::StatefulApp, &"w".repeat(61)).is_ok(),
            "the revision's name is cut, the pods' names just fit"
        );
        let long = "w".repeat(53);
        let longest = "w".repeat(62);
        let bad = [
            (Face::StatefulSet, long.as_str()),
            (Face::StatefulApp, &longest),
        ];
        let always = ["", "Web", "web.one", "-web"].map(|name| (Face::StatefulApp, name));
        for (face, name) in bad.into_iter().chain(always) {
            let error = spec.check_name(face, name).unwrap_err();
            assert_eq!(error.reason(), "NameInvalid", "{name}");
        }
    }
}
