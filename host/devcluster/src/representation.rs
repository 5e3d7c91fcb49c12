//! The form in which objects are sent: whole, their metadata only, or rows of a table.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::kinds::Kind;
use crate::object;
use crate::request::{Options, Target};
use crate::tables;

/// What the `Accept` header chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Representation {
    Whole,
    Metadata,
    Table(IncludeObject),
}

/// How much of each object a table row carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IncludeObject {
    None,
    Metadata,
    Object,
}

impl Representation {
    pub(crate) fn of(accept: &str, options: &Options) -> Self {
        for choice in accept.split(',') {
            let choice = choice.trim();
            let is_json = choice.starts_with("application/json") || choice.starts_with("*/*");
            if !is_json {
                continue;
            }
            let parameter = |name: &str| {
                choice
                    .split(';')
                    .filter_map(|part| part.trim().split_once('='))
                    .find(|(key, _)| *key == name)
                    .map(|(_, value)| value)
            };
            return match parameter("as") {
                Some("Table") => Self::Table(match options.text("includeObject") {
                    "None" => IncludeObject::None,
                    "Object" => IncludeObject::Object,
                    _ => IncludeObject::Metadata,
                }),
                Some("PartialObjectMetadata" | "PartialObjectMetadataList") => Self::Metadata,
                Some(_) => continue,
                None => Self::Whole,
            };
        }
        Self::Whole
    }

    /// One object, presented in its version.
    pub(crate) fn of_object(&self, kind: &Kind, version: &str, object: &Arc<Value>) -> Arc<Value> {
        match self {
            Self::Whole => object.clone(),
            Self::Metadata => Arc::new(metadata_of(object)),
            Self::Table(include) => {
                let metadata = json!({"resourceVersion": object::resource_version(object)});
                let rows = std::slice::from_ref(object);
                Arc::new(tables::table(kind, version, rows, metadata, *include))
            }
        }
    }

    pub(crate) fn of_bookmark(&self, target: &Target, bookmark: &Value) -> Value {
        match self {
            Self::Whole => bookmark.clone(),
            Self::Metadata => metadata_of(bookmark),
            Self::Table(include) => {
                let metadata = bookmark.get("metadata").cloned().unwrap_or_default();
                tables::table(&target.kind, &target.version, &[], metadata, *include)
            }
        }
    }

    /// A collection, written out.
    pub(crate) fn of_list(
        &self,
        kind: &Kind,
        version: &str,
        items: &[Arc<Value>],
        metadata: Value,
    ) -> Vec<u8> {
        let (api_version, list_kind) = match self {
            Self::Table(include) => {
                return tables::table(kind, version, items, metadata, *include)
                    .to_string()
                    .into_bytes();
            }
            Self::Whole => (kind.api_version(version), kind.list_kind.clone()),
            Self::Metadata => (
                "meta.k8s.io/v1".to_owned(),
                "PartialObjectMetadataList".to_owned(),
            ),
        };
        let mut written = format!(
            "{{\"kind\":{},\"apiVersion\":{},\"metadata\":{metadata},\"items\":[",
            Value::from(list_kind),
            Value::from(api_version),
        );
        for (position, item) in items.iter().enumerate() {
            if position > 0 {
                written.push(',');
            }
            match self {
                Self::Metadata => written.push_str(&metadata_of(item).to_string()),
                _ if kind.builtin().is_some() => write_without_type(&mut written, item),
                _ => written.push_str(&item.to_string()),
            }
        }
        written.push_str("]}");
        written.into_bytes()
    }
}

/// The kind of a list names that of its items.
fn write_without_type(written: &mut String, item: &Value) {
    let fields = item.as_object().into_iter().flatten();
    let fields = fields.filter(|(field, _)| !matches!(field.as_str(), "kind" | "apiVersion"));
    written.push('{');
    for (position, (field, value)) in fields.enumerate() {
        if position > 0 {
            written.push(',');
        }
        written.push_str(&format!("{}:{value}", Value::from(field.as_str())));
    }
    written.push('}');
}

pub(crate) fn metadata_of(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": object.get("metadata"),
    })
}
