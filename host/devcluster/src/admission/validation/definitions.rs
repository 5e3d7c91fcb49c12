//! Definitions of custom resources.

use serde_json::Value;

use crate::failure::Cause;
use crate::object::{self, list, text};

pub(super) fn check(definition: &Value, causes: &mut Vec<Cause>) {
    let group = text(definition, "/spec/group");
    for pointer in [
        "/spec/group",
        "/spec/scope",
        "/spec/names/plural",
        "/spec/names/kind",
    ] {
        if text(definition, pointer).is_empty() {
            causes.push(Cause::required(super::field(pointer), ""));
        }
    }
    super::one_of(
        definition,
        "/spec/scope",
        &["Cluster", "Namespaced"],
        causes,
    );
    let expected = format!("{}.{group}", text(definition, "/spec/names/plural"));
    if object::name(definition) != expected {
        causes.push(Cause::invalid(
            "metadata.name",
            &Value::from(object::name(definition)),
            "must be spec.names.plural+\".\"+spec.group",
        ));
    }
    let versions = list(definition, "/spec/versions");
    let stored = versions
        .iter()
        .filter(|version| version.get("storage").and_then(Value::as_bool) == Some(true))
        .count();
    if stored == 0 {
        causes.push(Cause::invalid(
            "status.storedVersions",
            &Value::Null,
            "must have at least one stored version",
        ));
    }
    if stored != 1 {
        causes.push(Cause::invalid(
            "spec.versions",
            &Value::from(versions.len()),
            "must have exactly one version marked as storage version",
        ));
    }
    for (position, version) in versions.iter().enumerate() {
        let schema = version.pointer("/schema/openAPIV3Schema");
        if schema.is_none() {
            causes.push(Cause::required(
                format!("spec.versions[{position}].schema.openAPIV3Schema"),
                "",
            ));
        } else if schema.and_then(|schema| schema.get("type")) != Some(&Value::from("object")) {
            causes.push(Cause::invalid(
                format!("spec.versions[{position}].schema.openAPIV3Schema.type"),
                &Value::from(
                    schema
                        .map(|schema| text(schema, "/type"))
                        .unwrap_or_default(),
                ),
                "must be object at the root",
            ));
        }
    }
}
