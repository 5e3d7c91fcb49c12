//! The columns of the built-in kinds.

use serde_json::Value;

use super::{Column, events, pods, storage};
use crate::kinds::Builtin;
use crate::object::{list, map, number, text};

pub(super) fn of(builtin: Builtin) -> Vec<Column> {
    let mut columns = match builtin {
        // Events are found by what they tell, not by their name.
        Builtin::Event => return events::columns(),
        _ => vec![Column::name()],
    };
    columns.extend(match builtin {
        Builtin::ConfigMap => vec![count("Data", &["/data", "/binaryData"])],
        Builtin::ControllerRevision => vec![
            Column::new("Controller", controller),
            plain("Revision", "/revision"),
        ],
        Builtin::CustomResourceDefinition => {
            return vec![
                Column::name(),
                Column::text("Created At", "/metadata/creationTimestamp"),
            ];
        }
        Builtin::EndpointSlice => vec![
            Column::text("AddressType", "/addressType"),
            Column::new("Ports", |slice| {
                numbers(list(slice, "/ports"), "/port").into()
            }),
            Column::new("Endpoints", slice_addresses),
        ],
        Builtin::Endpoints => vec![Column::new("Endpoints", endpoints)],
        Builtin::Lease => vec![Column::text("Holder", "/spec/holderIdentity")],
        Builtin::Namespace => vec![Column::text("Status", "/status/phase")],
        Builtin::Node => return node(),
        Builtin::PersistentVolume => return storage::volume(),
        Builtin::PersistentVolumeClaim => return storage::claim(),
        Builtin::Pod => return pod(),
        Builtin::PodDisruptionBudget => vec![
            or_none("Min Available", "/spec/minAvailable"),
            or_none("Max Unavailable", "/spec/maxUnavailable"),
            plain("Allowed Disruptions", "/status/disruptionsAllowed").number(),
        ],
        Builtin::PodTemplate => vec![
            Column::new("Containers", |object| {
                containers(object, "/template", "/name")
            }),
            Column::new("Images", |object| containers(object, "/template", "/image")),
            Column::new("Pod Labels", |object| {
                let labels = map(object, "/template/metadata/labels")
                    .into_iter()
                    .flatten();
                let labels: Vec<String> = labels
                    .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
                    .collect();
                joined_or_none(labels.join(","))
            }),
        ],
        Builtin::ResourceQuota => vec![Column::new("Request", |quota| {
            let hard = map(quota, "/status/hard").into_iter().flatten();
            let shares: Vec<String> = hard
                .map(|(name, most)| {
                    let used = map(quota, "/status/used").and_then(|used| used.get(name));
                    let text = |value: Option<&Value>| {
                        value.and_then(Value::as_str).unwrap_or_default().to_owned()
                    };
                    format!("{name}: {}/{}", text(used), text(Some(most)))
                })
                .collect();
            shares.join(", ").into()
        })],
        Builtin::Secret => vec![Column::text("Type", "/type"), count("Data", &["/data"])],
        Builtin::Service => return service(),
        Builtin::StatefulSet => {
            return vec![
                Column::name(),
                Column::new("Ready", |set| {
                    let count = |pointer| number(set, pointer).unwrap_or(0);
                    format!(
                        "{}/{}",
                        count("/status/readyReplicas"),
                        count("/spec/replicas")
                    )
                    .into()
                }),
                Column::age(),
                Column::new("Containers", |set| {
                    containers(set, "/spec/template", "/name")
                })
                .wide(),
                Column::new("Images", |set| containers(set, "/spec/template", "/image")).wide(),
            ];
        }
        Builtin::StorageClass => return storage::class(),
        Builtin::ServiceAccount | Builtin::Event => Vec::new(),
    });
    columns.push(Column::age());
    columns
}

/// Whatever stands at a pointer.
fn plain(name: &str, pointer: &'static str) -> Column {
    Column::new(name, move |object| {
        object.pointer(pointer).cloned().unwrap_or_default()
    })
}

fn or_none(name: &str, pointer: &'static str) -> Column {
    Column::new(name, move |object| match object.pointer(pointer) {
        None | Some(Value::Null) => "N/A".into(),
        Some(Value::String(text)) => text.as_str().into(),
        Some(other) => other.to_string().into(),
    })
}

fn text_or(name: &str, pointer: &'static str, otherwise: &'static str) -> Column {
    Column::new(name, move |object| {
        match text(object, pointer) {
            "" => otherwise,
            text => text,
        }
        .into()
    })
}

fn count(name: &str, pointers: &'static [&'static str]) -> Column {
    Column::new(name, move |object| {
        let entries = pointers
            .iter()
            .filter_map(|pointer| map(object, pointer))
            .map(serde_json::Map::len);
        entries.sum::<usize>().into()
    })
}

fn joined<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    texts.collect::<Vec<_>>().join(",")
}

fn joined_or_none(texts: String) -> Value {
    match texts.as_str() {
        "" => "<none>".into(),
        texts => texts.into(),
    }
}

fn numbers(items: &[Value], pointer: &str) -> String {
    let numbers: Vec<_> = items
        .iter()
        .filter_map(|item| number(item, pointer))
        .map(|number| number.to_string())
        .collect();
    numbers.join(",")
}

fn containers(object: &Value, template: &str, pointer: &str) -> Value {
    joined(
        list(object, &format!("{template}/spec/containers"))
            .iter()
            .map(|container| text(container, pointer)),
    )
    .into()
}

fn controller(revision: &Value) -> Value {
    let controller = list(revision, "/metadata/ownerReferences")
        .iter()
        .find(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true));
    let shown = controller.map(|owner| {
        let group = text(owner, "/apiVersion")
            .split('/')
            .next()
            .unwrap_or_default();
        let kind = text(owner, "/kind").to_lowercase();
        format!("{kind}.{group}/{}", text(owner, "/name"))
    });
    joined_or_none(shown.unwrap_or_default())
}

fn slice_addresses(slice: &Value) -> Value {
    joined_or_none(joined(
        list(slice, "/endpoints")
            .iter()
            .flat_map(|endpoint| list(endpoint, "/addresses"))
            .filter_map(Value::as_str),
    ))
}

fn endpoints(endpoints: &Value) -> Value {
    let mut shown = Vec::new();
    for subset in list(endpoints, "/subsets") {
        let ports: Vec<_> = list(subset, "/ports")
            .iter()
            .filter_map(|port| number(port, "/port"))
            .collect();
        for address in list(subset, "/addresses") {
            let address = text(address, "/ip");
            if ports.is_empty() {
                shown.push(address.to_owned());
            }
            shown.extend(ports.iter().map(|port| format!("{address}:{port}")));
        }
    }
    let more = shown.len().saturating_sub(3);
    let first = joined(shown.iter().take(3).map(String::as_str));
    match more {
        0 => joined_or_none(first),
        more => format!("{first} + {more} more...").into(),
    }
}

fn node() -> Vec<Column> {
    vec![
        Column::name(),
        Column::new("Status", |node| {
            let ready = list(node, "/status/conditions")
                .iter()
                .find(|condition| text(condition, "/type") == "Ready")
                .map(|condition| text(condition, "/status"));
            let mut status = match ready {
                Some("True") => "Ready",
                Some(_) => "NotReady",
                None => "Unknown",
            }
            .to_owned();
            if node.pointer("/spec/unschedulable").and_then(Value::as_bool) == Some(true) {
                status.push_str(",SchedulingDisabled");
            }
            status.into()
        }),
        Column::new("Roles", |node| {
            const PREFIX: &str = "node-role.kubernetes.io/";
            let labels = map(node, "/metadata/labels").into_iter().flatten();
            joined_or_none(joined(
                labels.filter_map(|(label, _)| label.strip_prefix(PREFIX)),
            ))
        }),
        Column::age(),
        Column::text("Version", "/status/nodeInfo/kubeletVersion"),
        Column::new("Internal-IP", |node| address(node, "InternalIP")).wide(),
        Column::new("External-IP", |node| address(node, "ExternalIP")).wide(),
        text_or("OS-Image", "/status/nodeInfo/osImage", "<unknown>").wide(),
        text_or(
            "Kernel-Version",
            "/status/nodeInfo/kernelVersion",
            "<unknown>",
        )
        .wide(),
        text_or(
            "Container-Runtime",
            "/status/nodeInfo/containerRuntimeVersion",
            "<unknown>",
        )
        .wide(),
    ]
}

fn address(node: &Value, kind: &str) -> Value {
    let found = list(node, "/status/addresses")
        .iter()
        .find(|address| text(address, "/type") == kind)
        .map(|address| text(address, "/address"));
    joined_or_none(found.unwrap_or_default().to_owned())
}

fn pod() -> Vec<Column> {
    vec![
        Column::name(),
        Column::new("Ready", |pod| pods::ready(pod).into()),
        Column::new("Status", |pod| pods::status(pod).into()),
        Column::new("Restarts", |pod| pods::restarts(pod).into()),
        Column::age(),
        text_or("IP", "/status/podIP", "<none>").wide(),
        text_or("Node", "/spec/nodeName", "<none>").wide(),
        text_or("Nominated Node", "/status/nominatedNodeName", "<none>").wide(),
        Column::new("Readiness Gates", readiness_gates).wide(),
    ]
}

fn readiness_gates(pod: &Value) -> Value {
    let gates = list(pod, "/spec/readinessGates");
    if gates.is_empty() {
        return "<none>".into();
    }
    let conditions = list(pod, "/status/conditions");
    let open = gates
        .iter()
        .filter(|gate| {
            let wanted = text(gate, "/conditionType");
            conditions.iter().any(|condition| {
                text(condition, "/type") == wanted && text(condition, "/status") == "True"
            })
        })
        .count();
    format!("{open}/{}", gates.len()).into()
}

fn service() -> Vec<Column> {
    vec![
        Column::name(),
        Column::text("Type", "/spec/type"),
        text_or("Cluster-IP", "/spec/clusterIP", "<none>"),
        Column::new("External-IP", |service| {
            match text(service, "/spec/externalName") {
                "" => "<none>".into(),
                name => name.into(),
            }
        }),
        Column::new("Port(s)", |service| {
            let ports: Vec<_> = list(service, "/spec/ports")
                .iter()
                .map(|port| {
                    let number = number(port, "/port").unwrap_or(0);
                    format!("{number}/{}", text(port, "/protocol"))
                })
                .collect();
            joined_or_none(ports.join(","))
        }),
        Column::age(),
        Column::new("Selector", |service| {
            let labels = map(service, "/spec/selector").into_iter().flatten();
            let labels: Vec<_> = labels
                .map(|(label, value)| format!("{label}={}", value.as_str().unwrap_or_default()))
                .collect();
            joined_or_none(labels.join(","))
        })
        .wide(),
    ]
}
