//! Field selectors: each kind names the few fields it can be selected by.

use serde_json::Value;

use crate::failure::Failure;
use crate::kinds::{Builtin, Kind};
use crate::object::text;

#[derive(Debug, Clone, Default)]
pub(crate) struct FieldSelector(Vec<Requirement>);

#[derive(Debug, Clone)]
struct Requirement {
    /// Pointers whose first text that is not empty counts.
    pointers: Vec<String>,
    is_equal: bool,
    value: String,
}

impl FieldSelector {
    /// Reads `metadata.name=web-0,status.phase!=Running`.
    pub(crate) fn parse(selector: &str, kind: &Kind, version: &str) -> Result<Self, Failure> {
        let mut requirements = Vec::new();
        for part in selector.split(',').filter(|part| !part.is_empty()) {
            let (field, is_equal, value) = part
                .split_once("!=")
                .map(|(field, value)| (field, false, value))
                .or_else(|| {
                    part.split_once("==")
                        .map(|(field, value)| (field, true, value))
                })
                .or_else(|| {
                    part.split_once('=')
                        .map(|(field, value)| (field, true, value))
                })
                .ok_or_else(|| {
                    Failure::bad_request(format!(
                        "invalid selector: '{selector}'; can't understand '{part}'"
                    ))
                })?;
            let field = field.trim();
            let pointers = pointers(field, kind, version).ok_or_else(|| {
                Failure::bad_request(format!("field label not supported: {field}"))
            })?;
            requirements.push(Requirement {
                pointers,
                is_equal,
                value: value.trim().to_owned(),
            });
        }
        Ok(Self(requirements))
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.0.iter().all(|requirement| {
            let found = requirement
                .pointers
                .iter()
                .map(|pointer| shown(object, pointer))
                .find(|found| !found.is_empty())
                .unwrap_or_default();
            (found == requirement.value) == requirement.is_equal
        })
    }
}

fn shown(object: &Value, pointer: &str) -> String {
    match object.pointer(pointer) {
        Some(Value::Bool(value)) => value.to_string(),
        Some(Value::Number(value)) => value.to_string(),
        _ => text(object, pointer).to_owned(),
    }
}

fn pointers(field: &str, kind: &Kind, version: &str) -> Option<Vec<String>> {
    let as_pointer = || vec![format!("/{}", field.replace('.', "/"))];
    let is_named =
        field == "metadata.name" || (field == "metadata.namespace" && kind.is_namespaced);
    if is_named {
        return Some(as_pointer());
    }
    if let Some(custom) = kind.custom(version) {
        return custom
            .selectable_fields
            .iter()
            .any(|selectable| selectable == field)
            .then(as_pointer);
    }
    let selectable: &[&str] = match kind.builtin()? {
        Builtin::Pod => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
        Builtin::Event => {
            return event_pointers(field);
        }
        Builtin::Namespace => &["status.phase"],
        Builtin::Node => &["spec.unschedulable"],
        Builtin::Secret => &["type"],
        Builtin::Service => &["spec.clusterIP", "spec.type"],
        _ => &[],
    };
    selectable.contains(&field).then(as_pointer)
}

/// Events are stored in the shape of the core group, whichever group asks.
fn event_pointers(field: &str) -> Option<Vec<String>> {
    let field = field
        .strip_prefix("regarding.")
        .map_or_else(|| field.to_owned(), |rest| format!("involvedObject.{rest}"));
    let pointers = match field.as_str() {
        "source" | "reportingController" | "reportingComponent" => {
            vec![
                "/source/component".to_owned(),
                "/reportingComponent".to_owned(),
            ]
        }
        "reason" | "type" => vec![format!("/{field}")],
        "involvedObject.kind"
        | "involvedObject.namespace"
        | "involvedObject.name"
        | "involvedObject.uid"
        | "involvedObject.apiVersion"
        | "involvedObject.resourceVersion"
        | "involvedObject.fieldPath" => vec![format!("/{}", field.replace('.', "/"))],
        _ => return None,
    };
    Some(pointers)
}
