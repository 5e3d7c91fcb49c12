//! Which maps and lists are one value and which have parts of their own.
//!
//! Built-in kinds follow the marks of their API (`x-kubernetes-list-type` and its like in upstream's OpenAPI), custom
//! resources their schema. What carries no mark is a granular map or an atomic list.

use serde_json::{Map, Value};

use crate::kinds::{Builtin, Kind};
use crate::object;

/// A place in the structure of a kind.
#[derive(Debug, Clone)]
pub(crate) enum Place<'a> {
    /// The field names from the root of a built-in kind; items of a list stand at the place of the list.
    Builtin(Builtin, Vec<String>),
    /// The schema here, where there is one.
    Custom {
        schema: Option<&'a Value>,
        is_root: bool,
    },
}

/// What a list is to its managers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListType {
    Atomic,
    Set,
    /// Items are told apart by these fields.
    Map(Vec<String>),
}

impl<'a> Place<'a> {
    pub(crate) fn root(kind: &'a Kind, version: &str) -> Self {
        match kind.builtin() {
            Some(builtin) => Self::Builtin(builtin, Vec::new()),
            None => Self::Custom {
                schema: kind
                    .custom(version)
                    .and_then(|custom| custom.schema.as_ref()),
                is_root: true,
            },
        }
    }

    /// The place of a field of a map.
    pub(crate) fn field(&self, name: &str) -> Self {
        match self {
            Self::Builtin(builtin, path) => {
                let mut path = path.clone();
                path.push(name.to_owned());
                Self::Builtin(*builtin, path)
            }
            // Metadata is the same everywhere; that of a config map stands for all.
            Self::Custom { is_root: true, .. } if name == "metadata" => {
                Self::Builtin(Builtin::ConfigMap, vec![name.to_owned()])
            }
            Self::Custom { schema, .. } => Self::Custom {
                schema: schema.and_then(|schema| {
                    object::map(schema, "/properties")
                        .and_then(|properties| properties.get(name))
                        .or_else(|| schema.get("additionalProperties"))
                }),
                is_root: false,
            },
        }
    }

    /// The place of the items of a list.
    pub(crate) fn item(&self) -> Self {
        match self {
            Self::Builtin(..) => self.clone(),
            Self::Custom { schema, .. } => Self::Custom {
                schema: schema.and_then(|schema| schema.get("items")),
                is_root: false,
            },
        }
    }

    pub(crate) fn is_atomic_map(&self) -> bool {
        match self {
            Self::Builtin(builtin, path) => is_atomic_map(*builtin, path),
            Self::Custom { schema, .. } => schema
                .is_some_and(|schema| object::text(schema, "/x-kubernetes-map-type") == "atomic"),
        }
    }

    /// Whether upstream's type of the object always has this map or list, so that nobody brings it.
    pub(crate) fn is_always_there(&self) -> bool {
        match self {
            Self::Builtin(builtin, path) => {
                let path: Vec<_> = path.iter().map(String::as_str).collect();
                is_always_there(*builtin, &path)
            }
            Self::Custom { .. } => false,
        }
    }

    pub(crate) fn list_type(&self) -> ListType {
        match self {
            Self::Builtin(builtin, path) => builtin_list_type(*builtin, path),
            Self::Custom { schema, .. } => {
                let Some(schema) = schema else {
                    return ListType::Atomic;
                };
                match object::text(schema, "/x-kubernetes-list-type") {
                    "set" => ListType::Set,
                    "map" => ListType::Map(
                        object::list(schema, "/x-kubernetes-list-map-keys")
                            .iter()
                            .filter_map(|key| key.as_str().map(str::to_owned))
                            .collect(),
                    ),
                    _ => ListType::Atomic,
                }
            }
        }
    }
}

/// The values of an item's keys; nothing where the item is no map.
pub(crate) fn identity(item: &Value, keys: &[String]) -> Option<Map<String, Value>> {
    let fields = item.as_object()?;
    let mut identity = Map::new();
    for key in keys {
        let value = fields.get(key).cloned().or_else(|| default_of_key(key))?;
        identity.insert(key.clone(), value);
    }
    Some(identity)
}

/// Keys may be left out where they have a default.
fn default_of_key(key: &str) -> Option<Value> {
    (key == "protocol").then(|| Value::from("TCP"))
}

fn is_atomic_map(builtin: Builtin, path: &[String]) -> bool {
    let mut steps = path.iter().rev().map(String::as_str);
    let last = steps.next().unwrap_or_default();
    let parent = steps.next().unwrap_or_default();
    match last {
        "selector" => builtin != Builtin::PersistentVolumeClaim || parent == "spec",
        "labelSelector" | "namespaceSelector" | "nodeSelector" | "fieldRef"
        | "resourceFieldRef" | "secretKeyRef" | "configMapKeyRef" | "dataSource" | "required"
        | "secretRef" | "targetRef" | "ownerReferences" => true,
        "involvedObject" | "regarding" | "related" => builtin == Builtin::Event,
        "data" => builtin == Builtin::ControllerRevision,
        _ => false,
    }
}

fn is_always_there(builtin: Builtin, path: &[&str]) -> bool {
    match path {
        ["metadata"] => true,
        ["spec"] | ["status"] => !matches!(builtin, Builtin::ConfigMap | Builtin::PodTemplate),
        ["spec", "template" | "updateStrategy"] => builtin == Builtin::StatefulSet,
        ["template"] | ["template", "metadata" | "spec"] | ["template", "spec", "containers"] => {
            builtin == Builtin::PodTemplate
        }
        ["spec", "template", "metadata" | "spec"]
        | ["spec", "template", "spec", "containers"]
        | ["spec", "containers"] => true,
        ["spec", "resources"] => builtin == Builtin::PersistentVolumeClaim,
        ["status", "loadBalancer"] => builtin == Builtin::Service,
        ["status", "daemonEndpoints" | "nodeInfo"] => builtin == Builtin::Node,
        ["endpoints"] => builtin == Builtin::EndpointSlice,
        ["involvedObject" | "source" | "regarding" | "deprecatedSource"] => {
            builtin == Builtin::Event
        }
        _ => false,
    }
}

fn builtin_list_type(builtin: Builtin, path: &[String]) -> ListType {
    let mut steps = path.iter().rev().map(String::as_str);
    let last = steps.next().unwrap_or_default();
    let parent = steps.next().unwrap_or_default();
    let by = |keys: &[&str]| ListType::Map(keys.iter().map(|&key| key.to_owned()).collect());
    let is_container = matches!(
        parent,
        "containers" | "initContainers" | "ephemeralContainers"
    );
    match (parent, last) {
        ("metadata", "finalizers") => ListType::Set,
        ("metadata", "ownerReferences") => by(&["uid"]),
        ("status", "conditions") => by(&["type"]),
        ("status", "addresses") if builtin == Builtin::Node => by(&["type"]),
        ("status", "podIPs" | "hostIPs") => by(&["ip"]),
        ("spec", "ports") if builtin == Builtin::Service => by(&["port", "protocol"]),
        ("spec", "containers" | "initContainers" | "ephemeralContainers" | "volumes") => {
            by(&["name"])
        }
        ("spec", "podCIDRs") => ListType::Set,
        ("spec", "imagePullSecrets" | "resourceClaims" | "schedulingGates") => by(&["name"]),
        ("spec", "hostAliases") => by(&["ip"]),
        ("spec", "topologySpreadConstraints") => by(&["topologyKey", "whenUnsatisfiable"]),
        (_, "env") if is_container => by(&["name"]),
        (_, "ports") if is_container => by(&["containerPort", "protocol"]),
        (_, "volumeMounts") if is_container => by(&["mountPath"]),
        (_, "volumeDevices") if is_container => by(&["devicePath"]),
        ("resources", "claims") => by(&["name"]),
        (_, "imagePullSecrets" | "secrets") if builtin == Builtin::ServiceAccount => by(&["name"]),
        _ => ListType::Atomic,
    }
}
