//! Services and what they point at.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::{Map, Value, json};

use crate::object::{self, default, text, with_map};
use crate::state::State;

pub(super) fn complete(state: &State, service: &mut Value) {
    let address = cluster_address(state, service);
    with_map(service, &["spec"], |spec| {
        default(spec, "type", "ClusterIP");
        default(spec, "sessionAffinity", "None");
        let is_external = spec.get("type").and_then(Value::as_str) == Some("ExternalName");
        if !is_external {
            if let Some(address) = address {
                spec.insert("clusterIP".to_owned(), address.into());
            }
            let address = spec.get("clusterIP").cloned().unwrap_or_default();
            spec.insert("clusterIPs".to_owned(), json!([address]));
            default(spec, "internalTrafficPolicy", "Cluster");
            // Whoever manages the endpoints of a headless service without a selector may bring both families.
            let is_headless = spec.get("clusterIP").and_then(Value::as_str) == Some("None");
            let (families, policy) = match is_headless && !spec.contains_key("selector") {
                true => (json!(["IPv4", "IPv6"]), "RequireDualStack"),
                false => (json!(["IPv4"]), "SingleStack"),
            };
            default(spec, "ipFamilies", families);
            default(spec, "ipFamilyPolicy", policy);
            if matches!(
                spec.get("type").and_then(Value::as_str),
                Some("NodePort" | "LoadBalancer")
            ) {
                default(spec, "externalTrafficPolicy", "Cluster");
            }
        }
        for port in ports(spec) {
            default(port, "protocol", "TCP");
            let number = port.get("port").cloned().unwrap_or_default();
            default(port, "targetPort", number);
        }
    });
    with_map(service, &["status"], |status| {
        default(status, "loadBalancer", json!({}));
    });
}

fn ports(holder: &mut Map<String, Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    holder
        .get_mut("ports")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
}

/// A free address of the service range for a service that has none. `None` (headless) is a choice of the client.
fn cluster_address(state: &State, service: &Value) -> Option<String> {
    if !text(service, "/spec/clusterIP").is_empty() {
        return None;
    }
    let taken: BTreeSet<&str> = state
        .store
        .list("services", None)
        .map(|(_, service)| text(service, "/spec/clusterIP"))
        .collect();
    let first = u32::from(Ipv4Addr::new(10, 96, 0, 10));
    let last = u32::from(Ipv4Addr::new(10, 96, 255, 254));
    (first..=last)
        .map(|address| Ipv4Addr::from(address).to_string())
        .find(|address| !taken.contains(address.as_str()))
}

pub(super) fn complete_endpoints(endpoints: &mut Value) {
    let subsets = object::entry(endpoints, &["subsets"]);
    for subset in subsets.as_array_mut().into_iter().flatten() {
        if let Some(subset) = subset.as_object_mut() {
            for port in ports(subset) {
                default(port, "protocol", "TCP");
            }
        }
    }
    if endpoints.get("subsets").is_some_and(Value::is_null) {
        object::remove(endpoints, &["subsets"]);
    }
}

pub(super) fn complete_slice(slice: &mut Value) {
    if let Some(slice) = slice.as_object_mut() {
        default(slice, "endpoints", json!([]));
        let endpoints = slice.get_mut("endpoints").and_then(Value::as_array_mut);
        for endpoint in endpoints.into_iter().flatten() {
            if let Some(endpoint) = endpoint.as_object_mut() {
                default(endpoint, "conditions", json!({}));
            }
        }
        for port in ports(slice) {
            default(port, "protocol", "TCP");
            default(port, "name", "");
        }
    }
}
