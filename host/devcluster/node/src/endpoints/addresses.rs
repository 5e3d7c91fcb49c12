//! The Endpoints and EndpointSlices that a service should have: pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{
    EndpointAddress, EndpointPort as OldPort, EndpointSubset, Endpoints, ObjectReference, Pod,
    Service, ServicePort,
};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::{Resource, ResourceExt};
use sha2::{Digest, Sha256};

use super::{MANAGED_BY, SERVICE_NAME};
use crate::pods::condition::{has_ended, is_ready};

pub(super) struct Wanted {
    pub(super) endpoints: Endpoints,
    pub(super) slices: Vec<EndpointSlice>,
}

/// Name, protocol and number of a port as a pod has it.
type Port = (Option<String>, String, i32);

struct Backend<'a> {
    pod: &'a Pod,
    address: String,
    hostname: Option<String>,
    is_ready: bool,
    is_terminating: bool,
}

impl Backend<'_> {
    fn node_name(&self) -> Option<String> {
        self.pod.spec.as_ref()?.node_name.clone()
    }
}

/// `None` for services that are not ours to keep: without a selector, or names for something outside.
pub(super) fn wanted(service: &Service, pods: &[Arc<Pod>]) -> Option<Wanted> {
    let spec = service.spec.as_ref()?;
    let selector = spec
        .selector
        .as_ref()
        .filter(|selector| !selector.is_empty())?;
    if spec.type_.as_deref() == Some("ExternalName")
        || service.metadata.deletion_timestamp.is_some()
    {
        return None;
    }
    let publishes_all = spec.publish_not_ready_addresses.unwrap_or_default();
    let mut groups: BTreeMap<Vec<Port>, Vec<Backend<'_>>> = BTreeMap::new();
    for pod in pods
        .iter()
        .filter(|pod| pod.metadata.namespace == service.metadata.namespace)
    {
        let labels = pod.labels();
        if selector
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value))
            && let Some(backend) = backend(service, pod)
        {
            let ports = spec
                .ports
                .iter()
                .flatten()
                .filter_map(|port| port_of(port, pod))
                .collect();
            groups.entry(ports).or_default().push(backend);
        }
    }
    if groups.is_empty() {
        groups.insert(Vec::new(), Vec::new());
    }
    let subsets: Vec<EndpointSubset> = groups
        .iter()
        .filter_map(|(ports, backends)| subset(ports, backends, publishes_all))
        .collect();
    let slices = groups
        .iter()
        .map(|(ports, backends)| slice(service, ports, backends, publishes_all))
        .collect();
    Some(Wanted {
        endpoints: Endpoints {
            metadata: ObjectMeta {
                name: service.metadata.name.clone(),
                ..metadata(service)
            },
            subsets: (!subsets.is_empty()).then_some(subsets),
        },
        slices,
    })
}

fn backend<'a>(service: &Service, pod: &'a Pod) -> Option<Backend<'a>> {
    let status = pod.status.as_ref()?;
    if has_ended(pod) {
        return None;
    }
    let spec = pod.spec.as_ref()?;
    let belongs = spec.subdomain == service.metadata.name;
    Some(Backend {
        pod,
        address: status
            .pod_ip
            .clone()
            .filter(|address| !address.is_empty())?,
        hostname: spec
            .hostname
            .clone()
            .filter(|hostname| belongs && !hostname.is_empty()),
        is_ready: is_ready(pod),
        is_terminating: pod.metadata.deletion_timestamp.is_some(),
    })
}

fn port_of(port: &ServicePort, pod: &Pod) -> Option<Port> {
    let number = match &port.target_port {
        None => port.port,
        Some(IntOrString::Int(number)) => *number,
        Some(IntOrString::String(name)) => {
            pod.spec
                .iter()
                .flat_map(|spec| &spec.containers)
                .flat_map(|container| container.ports.iter().flatten())
                .find(|port| port.name.as_ref() == Some(name))?
                .container_port
        }
    };
    let protocol = port.protocol.clone().unwrap_or_else(|| "TCP".to_owned());
    Some((port.name.clone(), protocol, number))
}

fn subset(ports: &[Port], backends: &[Backend<'_>], publishes_all: bool) -> Option<EndpointSubset> {
    let addresses = |ready: bool| -> Option<Vec<EndpointAddress>> {
        let mut list: Vec<EndpointAddress> = backends
            .iter()
            .filter(|backend| publishes_all || !backend.is_terminating)
            .filter(|backend| (backend.is_ready || publishes_all) == ready)
            .map(|backend| EndpointAddress {
                ip: backend.address.clone(),
                hostname: backend.hostname.clone(),
                node_name: backend.node_name(),
                target_ref: Some(reference(backend.pod)),
            })
            .collect();
        list.sort_by(|one, other| one.ip.cmp(&other.ip));
        (!list.is_empty()).then_some(list)
    };
    let (addresses, not_ready) = (addresses(true), addresses(false));
    if addresses.is_none() && not_ready.is_none() {
        return None;
    }
    let ports: Vec<OldPort> = ports
        .iter()
        .map(|(name, protocol, number)| OldPort {
            name: name.clone(),
            protocol: Some(protocol.clone()),
            port: *number,
            app_protocol: None,
        })
        .collect();
    Some(EndpointSubset {
        addresses,
        not_ready_addresses: not_ready,
        ports: (!ports.is_empty()).then_some(ports),
    })
}

fn slice(
    service: &Service,
    ports: &[Port],
    backends: &[Backend<'_>],
    publishes_all: bool,
) -> EndpointSlice {
    let mut hash = Sha256::new();
    for (name, protocol, number) in ports {
        hash.update(format!("{name:?}/{protocol}/{number};"));
    }
    let suffix: String = hash
        .finalize()
        .iter()
        .take(3)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut endpoints: Vec<Endpoint> = backends
        .iter()
        .map(|backend| Endpoint {
            addresses: vec![backend.address.clone()],
            conditions: Some(EndpointConditions {
                ready: Some(publishes_all || (backend.is_ready && !backend.is_terminating)),
                serving: Some(backend.is_ready),
                terminating: Some(backend.is_terminating),
            }),
            hostname: backend.hostname.clone(),
            node_name: backend.node_name(),
            target_ref: Some(reference(backend.pod)),
            ..Endpoint::default()
        })
        .collect();
    endpoints.sort_by(|one, other| one.addresses.cmp(&other.addresses));
    let ports: Vec<EndpointPort> = ports
        .iter()
        .map(|(name, protocol, number)| EndpointPort {
            name: Some(name.clone().unwrap_or_default()),
            protocol: Some(protocol.clone()),
            port: Some(*number),
            app_protocol: None,
        })
        .collect();
    EndpointSlice {
        metadata: ObjectMeta {
            name: Some(format!("{}-{suffix}", service.name_any())),
            ..metadata(service)
        },
        address_type: "IPv4".to_owned(),
        endpoints: Some(endpoints),
        ports: Some(ports),
    }
}

fn metadata(service: &Service) -> ObjectMeta {
    let (managed_by, us) = MANAGED_BY;
    let mut labels = service.labels().clone();
    labels.insert(SERVICE_NAME.to_owned(), service.name_any());
    labels.insert(managed_by.to_owned(), us.to_owned());
    ObjectMeta {
        namespace: service.metadata.namespace.clone(),
        labels: Some(labels),
        owner_references: service.controller_owner_ref(&()).map(|owner| vec![owner]),
        ..ObjectMeta::default()
    }
}

fn reference(pod: &Pod) -> ObjectReference {
    ObjectReference {
        kind: Some("Pod".to_owned()),
        namespace: pod.metadata.namespace.clone(),
        name: pod.metadata.name.clone(),
        uid: pod.metadata.uid.clone(),
        ..ObjectReference::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(name: &str, address: &str, ready: bool) -> Value {
        json!({ "metadata": { "name": name, "namespace": "n", "labels": { "app": "web" } },
            "spec": { "hostname": name, "subdomain": "web", "containers": [
                { "name": "c", "ports": [{ "name": "http", "containerPort": 8080 }] }] },
            "status": { "podIP": address, "conditions": [{ "type": "Ready", "status": if ready { "True" } else { "False" } }] } })
    }

    fn of(service: Value, pods: &[Value]) -> Wanted {
        let service: Service = serde_json::from_value(service).expect("a service");
        let pods: Vec<Arc<Pod>> = pods
            .iter()
            .map(|pod| Arc::new(serde_json::from_value(pod.clone()).expect("a pod")))
            .collect();
        wanted(&service, &pods).expect("a service with a selector")
    }

    fn service(publishes_all: bool) -> Value {
        json!({ "metadata": { "name": "web", "namespace": "n" }, "spec": { "clusterIP": "None", "selector": { "app": "web" },
            "publishNotReadyAddresses": publishes_all, "ports": [{ "name": "http", "port": 80, "targetPort": "http" }] } })
    }

    #[test]
    fn ready_pods_are_addresses_and_named_ports_are_resolved_in_the_pod() {
        let wanted = of(
            service(false),
            &[
                pod("web-0", "127.77.0.1", true),
                pod("web-1", "127.77.0.2", false),
            ],
        );

        let subset = &wanted.endpoints.subsets.as_ref().expect("subsets")[0];
        let addresses = |list: &Option<Vec<EndpointAddress>>| -> Vec<String> {
            list.iter()
                .flatten()
                .map(|address| address.ip.clone())
                .collect()
        };
        assert_eq!(addresses(&subset.addresses), ["127.77.0.1"]);
        assert_eq!(addresses(&subset.not_ready_addresses), ["127.77.0.2"]);
        assert_eq!(subset.ports.as_ref().expect("ports")[0].port, 8080);
        let slice = &wanted.slices[0];
        let ready: Vec<_> = slice
            .endpoints
            .iter()
            .flatten()
            .map(|endpoint| {
                (
                    endpoint.hostname.clone(),
                    endpoint
                        .conditions
                        .clone()
                        .and_then(|conditions| conditions.ready),
                )
            })
            .collect();
        assert_eq!(
            ready,
            [
                (Some("web-0".to_owned()), Some(true)),
                (Some("web-1".to_owned()), Some(false))
            ]
        );
    }

    #[test]
    fn a_service_that_publishes_all_lists_unready_and_terminating_pods() {
        let mut going = pod("web-0", "127.77.0.1", false);
        going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");

        let published = of(service(true), &[going.clone()]);
        let normal = of(service(false), &[going]);

        assert!(published.endpoints.subsets.is_some());
        assert!(normal.endpoints.subsets.is_none());
    }
}
