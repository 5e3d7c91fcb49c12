//! Kinds that custom resource definitions define.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Kind, Origin};
use crate::admission::crd_schema::Rules;
use crate::failure::Cause;
use crate::object::{list, text};

/// What a definition says about one version.
#[derive(Debug, Clone)]
pub(crate) struct CustomVersion {
    /// The structural schema; absent means anything goes.
    pub(crate) schema: Option<Value>,
    pub(crate) rules: Option<Rules>,
    pub(crate) scale: Option<ScalePaths>,
    pub(crate) columns: Vec<Value>,
    pub(crate) selectable_fields: Vec<String>,
    pub(crate) has_status: bool,
}

/// Where the scale subresource finds its numbers, as JSON pointers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ScalePaths {
    pub(crate) spec_replicas: String,
    pub(crate) status_replicas: String,
    pub(crate) selector: Selector,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Selector {
    None,
    /// A label selector object that the scale shows as text.
    Object(String),
    /// The text itself.
    Text(String),
}

impl ScalePaths {
    /// What speaks against the replicas of an object.
    pub(crate) fn cause(&self, object: &Value) -> Option<Cause> {
        let replicas = object.pointer(&self.spec_replicas)?;
        let path = self.spec_replicas.replace('/', ".");
        (replicas.as_i64()? < 0)
            .then(|| Cause::invalid(path, replicas, "should be a non-negative integer"))
    }

    pub(crate) fn stateful_set() -> Self {
        Self {
            spec_replicas: "/spec/replicas".to_owned(),
            status_replicas: "/status/replicas".to_owned(),
            selector: Selector::Object("/spec/selector".to_owned()),
        }
    }
}

/// Turns a simple JSON path such as `.spec.replicas` into a pointer.
pub(crate) fn pointer(json_path: &str) -> String {
    json_path.replace('.', "/")
}

/// The kind that a stored definition defines; nothing while it serves no version.
pub(crate) fn kind(definition: &Value) -> Option<Kind> {
    let names = definition.pointer("/spec/names")?;
    let mut served: Vec<String> = Vec::new();
    let mut versions = BTreeMap::new();
    let mut storage_version = String::new();
    for version in list(definition, "/spec/versions") {
        let name = text(version, "/name").to_owned();
        if version.get("storage").and_then(Value::as_bool) == Some(true) {
            storage_version.clone_from(&name);
        }
        if version.get("served").and_then(Value::as_bool) == Some(true) {
            served.push(name.clone());
        }
        versions.insert(name, custom_version(version));
    }
    served.sort_by_key(|version| std::cmp::Reverse(priority(version)));
    if served.is_empty() {
        return None;
    }
    let group = text(definition, "/spec/group").to_owned();
    let plural = text(names, "/plural").to_owned();
    let texts = |pointer: &str| {
        list(names, pointer)
            .iter()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect()
    };
    Some(Kind {
        storage: format!("{plural}.{group}"),
        group,
        versions: served,
        storage_version,
        kind: text(names, "/kind").to_owned(),
        list_kind: text(names, "/listKind").to_owned(),
        plural,
        singular: text(names, "/singular").to_owned(),
        short_names: texts("/shortNames"),
        categories: texts("/categories"),
        is_namespaced: text(definition, "/spec/scope") == "Namespaced",
        has_status: versions.values().any(|version| version.has_status),
        has_generation: true,
        origin: Origin::Custom(versions),
    })
}

fn custom_version(version: &Value) -> CustomVersion {
    let scale = version
        .pointer("/subresources/scale")
        .map(|scale| ScalePaths {
            spec_replicas: pointer(text(scale, "/specReplicasPath")),
            status_replicas: pointer(text(scale, "/statusReplicasPath")),
            selector: match text(scale, "/labelSelectorPath") {
                "" => Selector::None,
                path => Selector::Text(pointer(path)),
            },
        });
    let schema = version.pointer("/schema/openAPIV3Schema");
    CustomVersion {
        schema: schema.cloned(),
        rules: schema.and_then(Rules::compile),
        scale,
        columns: list(version, "/additionalPrinterColumns").to_vec(),
        selectable_fields: list(version, "/selectableFields")
            .iter()
            .map(|field| text(field, "/jsonPath").trim_start_matches('.').to_owned())
            .collect(),
        has_status: version.pointer("/subresources/status").is_some(),
    }
}

/// The order of versions: `v2` before `v1` before `v1beta2` before `v1alpha1` before anything else.
fn priority(version: &str) -> (u8, u32, u32) {
    let parsed = || {
        let rest = version.strip_prefix('v')?;
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (major, stage) = rest.split_at_checked(digits)?;
        let major = major.parse().ok()?;
        if stage.is_empty() {
            return Some((3, major, 0));
        }
        for (name, rank) in [("beta", 2), ("alpha", 1)] {
            if let Some(minor) = stage.strip_prefix(name) {
                return Some((rank, major, minor.parse().ok()?));
            }
        }
        None
    };
    parsed().unwrap_or((0, 0, 0))
}
