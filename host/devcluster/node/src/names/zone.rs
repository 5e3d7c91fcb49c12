//! What a name means: pure, over services and endpoint slices.
//!
//! | name | answer |
//! |---|---|
//! | `SERVICE.NAMESPACE.svc.DOMAIN` | addresses of all ready endpoints (there is no proxy here, so this holds for services with an address of their own too) |
//! | `HOSTNAME.SERVICE.NAMESPACE.svc.DOMAIN` | address of that pod; without a hostname, its address with dashes is the name |
//! | `_PORT._PROTOCOL.SERVICE.NAMESPACE.svc.DOMAIN` | SRV: port and name of every ready endpoint |

use std::net::Ipv4Addr;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointSlice};
use kube::ResourceExt;

use crate::endpoints::SERVICE_NAME;
use crate::runtime::process::CLUSTER_DOMAIN;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    Addresses,
    Services,
    Anything,
    Other,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Data {
    Address(Ipv4Addr),
    Alias(String),
    Service {
        target: String,
        port: u16,
        address: Ipv4Addr,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// None: the name exists and has nothing of this type.
    Records(Vec<Data>),
    NoSuchName,
    /// Not a name of this cluster.
    Refused,
}

pub(super) struct Zone<'a> {
    pub(super) services: &'a [Arc<Service>],
    pub(super) slices: &'a [Arc<EndpointSlice>],
}

impl Zone<'_> {
    pub(super) fn answer(&self, name: &str, question: Question) -> Answer {
        let name = name.trim_end_matches('.');
        let Some(inside) = name
            .strip_suffix(CLUSTER_DOMAIN)
            .filter(|rest| rest.is_empty() || rest.ends_with('.'))
        else {
            return Answer::Refused;
        };
        let labels: Vec<&str> = inside.trim_end_matches('.').rsplit('.').collect();
        let ["svc", namespace, service, rest @ ..] = labels.as_slice() else {
            let is_above = matches!(labels.as_slice(), [""] | ["svc"] | ["svc", _]);
            return if is_above {
                Answer::Records(Vec::new())
            } else {
                Answer::NoSuchName
            };
        };
        let Some(found) = self.find(namespace, service) else {
            return Answer::NoSuchName;
        };
        match rest {
            [] => self.of_service(found, question),
            [host] => self.of_pod(found, host, question),
            [protocol, port] => self.of_port(found, protocol, port, question),
            _ => Answer::NoSuchName,
        }
    }

    fn find(&self, namespace: &str, name: &str) -> Option<&Service> {
        self.services
            .iter()
            .find(|service| {
                service.metadata.namespace.as_deref() == Some(namespace)
                    && service.metadata.name.as_deref() == Some(name)
            })
            .map(Arc::as_ref)
    }

    fn slices_of<'b>(&'b self, service: &'b Service) -> impl Iterator<Item = &'b EndpointSlice> {
        self.slices
            .iter()
            .map(Arc::as_ref)
            .filter(|slice| slice.metadata.namespace == service.metadata.namespace)
            .filter(|slice| slice.labels().get(SERVICE_NAME) == service.metadata.name.as_ref())
    }

    fn of_service(&self, service: &Service, question: Question) -> Answer {
        let spec = service.spec.as_ref();
        let external = spec.and_then(|spec| spec.external_name.clone());
        if let Some(external) =
            external.filter(|_| spec.and_then(|spec| spec.type_.as_deref()) == Some("ExternalName"))
        {
            return Answer::Records(vec![Data::Alias(format!(
                "{}.",
                external.trim_end_matches('.')
            ))]);
        }
        if !matches!(question, Question::Addresses | Question::Anything) {
            return Answer::Records(Vec::new());
        }
        let mut addresses: Vec<Ipv4Addr> = self
            .slices_of(service)
            .flat_map(ready_endpoints)
            .filter_map(address)
            .collect();
        addresses.sort_unstable();
        addresses.dedup();
        Answer::Records(addresses.into_iter().map(Data::Address).collect())
    }

    fn of_pod(&self, service: &Service, host: &str, question: Question) -> Answer {
        let found: Vec<Ipv4Addr> = self
            .slices_of(service)
            .flat_map(ready_endpoints)
            .filter(|endpoint| host_label(endpoint).as_deref() == Some(host))
            .filter_map(address)
            .collect();
        if found.is_empty() {
            return Answer::NoSuchName;
        }
        if !matches!(question, Question::Addresses | Question::Anything) {
            return Answer::Records(Vec::new());
        }
        Answer::Records(found.into_iter().map(Data::Address).collect())
    }

    fn of_port(&self, service: &Service, protocol: &str, port: &str, question: Question) -> Answer {
        let (Some(protocol), Some(port)) = (protocol.strip_prefix('_'), port.strip_prefix('_'))
        else {
            return Answer::NoSuchName;
        };
        let domain = format!(
            "{}.{}.svc.{CLUSTER_DOMAIN}.",
            service.name_any(),
            service.namespace().unwrap_or_default()
        );
        let (mut records, mut is_known) = (Vec::new(), false);
        for slice in self.slices_of(service) {
            for found in slice.ports.iter().flatten().filter(|known| {
                known.name.as_deref() == Some(port)
                    && known
                        .protocol
                        .as_deref()
                        .unwrap_or("TCP")
                        .eq_ignore_ascii_case(protocol)
            }) {
                is_known = true;
                let number = found
                    .port
                    .and_then(|port| u16::try_from(port).ok())
                    .unwrap_or_default();
                records.extend(ready_endpoints(slice).filter_map(|endpoint| {
                    Some(Data::Service {
                        target: format!("{}.{domain}", host_label(endpoint)?),
                        port: number,
                        address: address(endpoint)?,
                    })
                }));
            }
        }
        match (is_known, question) {
            (false, _) => Answer::NoSuchName,
            (true, Question::Services | Question::Anything) => Answer::Records(records),
            (true, _) => Answer::Records(Vec::new()),
        }
    }
}

/// A service that publishes unready pods has them marked as ready in its slices.
fn ready_endpoints(slice: &EndpointSlice) -> impl Iterator<Item = &Endpoint> {
    slice.endpoints.iter().flatten().filter(|endpoint| {
        endpoint
            .conditions
            .as_ref()
            .is_none_or(|conditions| conditions.ready.unwrap_or(true))
    })
}

fn address(endpoint: &Endpoint) -> Option<Ipv4Addr> {
    endpoint.addresses.first()?.parse().ok()
}

fn host_label(endpoint: &Endpoint) -> Option<String> {
    endpoint
        .hostname
        .clone()
        .or_else(|| Some(endpoint.addresses.first()?.replace('.', "-")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ask(name: &str, question: Question) -> Answer {
        let services = vec![Arc::new(
            serde_json::from_value(
                json!({ "metadata": { "name": "nginx", "namespace": "default" }, "spec": {} }),
            )
            .expect("a service"),
        )];
        let slice = json!({ "metadata": { "name": "s", "namespace": "default", "labels": { SERVICE_NAME: "nginx" } },
            "addressType": "IPv4", "ports": [{ "name": "web", "protocol": "TCP", "port": 80 }],
            "endpoints": [
                { "addresses": ["127.77.0.1"], "hostname": "web-0", "conditions": { "ready": true } },
                { "addresses": ["127.77.0.2"], "hostname": "web-1", "conditions": { "ready": false } },
                { "addresses": ["127.77.0.3"], "conditions": { "ready": true } },
            ] });
        let slices = vec![Arc::new(serde_json::from_value(slice).expect("a slice"))];
        Zone {
            services: &services,
            slices: &slices,
        }
        .answer(name, question)
    }

    fn addresses(last: &[u8]) -> Answer {
        let records = last
            .iter()
            .map(|last| Data::Address(Ipv4Addr::new(127, 77, 0, *last)));
        Answer::Records(records.collect())
    }

    #[test]
    fn services_and_pods_have_names_and_unready_pods_do_not() {
        use Question::{Addresses, Other};
        for (name, question, answer) in [
            (
                "nginx.default.svc.cluster.local.",
                Addresses,
                addresses(&[1, 3]),
            ),
            ("nginx.default.svc.cluster.local.", Other, addresses(&[])),
            (
                "web-0.nginx.default.svc.cluster.local.",
                Addresses,
                addresses(&[1]),
            ),
            (
                "web-0.nginx.default.svc.cluster.local.",
                Other,
                addresses(&[]),
            ),
            (
                "web-1.nginx.default.svc.cluster.local.",
                Addresses,
                Answer::NoSuchName,
            ),
            (
                "127-77-0-3.nginx.default.svc.cluster.local.",
                Addresses,
                addresses(&[3]),
            ),
            (
                "web-0.nginx.other.svc.cluster.local.",
                Addresses,
                Answer::NoSuchName,
            ),
            (
                "none.default.svc.cluster.local.",
                Addresses,
                Answer::NoSuchName,
            ),
            ("svc.cluster.local.", Addresses, addresses(&[])),
            ("example.com.", Addresses, Answer::Refused),
            ("notcluster.local.", Addresses, Answer::Refused),
        ] {
            assert_eq!(ask(name, question), answer, "{name} {question:?}");
        }
    }

    #[test]
    fn named_ports_answer_with_port_and_name_of_each_endpoint() {
        let answer = ask(
            "_web._tcp.nginx.default.svc.cluster.local.",
            Question::Services,
        );

        let service = |host: &str, last| Data::Service {
            target: format!("{host}.nginx.default.svc.cluster.local."),
            port: 80,
            address: Ipv4Addr::new(127, 77, 0, last),
        };
        assert_eq!(
            answer,
            Answer::Records(vec![service("web-0", 1), service("127-77-0-3", 3)])
        );
        assert_eq!(
            ask(
                "_none._tcp.nginx.default.svc.cluster.local.",
                Question::Services
            ),
            Answer::NoSuchName
        );
    }
}
