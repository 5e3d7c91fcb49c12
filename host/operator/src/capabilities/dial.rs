//! A byte stream to a pod.

use std::net::{IpAddr, SocketAddr};

use k8s_openapi::api::core::v1::Pod;
use stateward_runtime::{Failure, Stream};
use tokio::net::TcpStream;

use crate::watch::{Meta, SlimPod};

pub(super) async fn dial(
    pod: &SlimPod,
    port: &str,
    allow_loopback: bool,
) -> Result<Box<dyn Stream>, Failure> {
    let address = SocketAddr::new(address(pod, allow_loopback)?, number(pod, port)?);
    let stream = TcpStream::connect(address).await;
    let stream = stream
        .map_err(|error| Failure::Unreachable(format!("{} at {address}: {error}", pod.name())))?;
    // Protocols of databases are requests and answers; waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    Ok(Box::new(stream))
}

/// A stream to the pod through the API server and its node: for a host outside the cluster. The pod is the one that was just looked at; the API takes
/// its name.
pub(super) async fn forward(
    client: &kube::Client,
    pod: &SlimPod,
    port: &str,
) -> Result<Box<dyn Stream>, Failure> {
    let number = number(pod, port)?;
    let unreachable = |why: &dyn std::fmt::Display| {
        Failure::Unreachable(format!("{} through the API server: {why}", pod.name()))
    };
    let api: kube::Api<Pod> = kube::Api::namespaced(client.clone(), pod.namespace());
    let mut forwarder =
        (api.portforward(pod.name(), &[number]).await).map_err(|error| unreachable(&error))?;
    let stream = forwarder.take_stream(number);
    let stream = stream.ok_or_else(|| unreachable(&"there is no stream"))?;
    // Its task goes on for as long as the stream is used.
    Ok(Box::new(stream))
}

/// The address that the node's agent reported, when it can only be the pod's own.
fn address(pod: &SlimPod, allow_loopback: bool) -> Result<IpAddr, Failure> {
    let name = pod.name();
    let Some(text) = pod.facts.address.as_deref() else {
        return Err(Failure::Unreachable(format!("{name} has no address yet")));
    };
    let address: IpAddr = text
        .parse()
        .map_err(|_| Failure::Unreachable(format!("{name} has the address {text:?}")))?;
    let is_link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    let refused = if address.is_loopback() {
        (!allow_loopback).then_some("a loopback address")
    } else if is_link_local || address.is_unspecified() || address.is_multicast() {
        Some("no address of a pod")
    } else if pod.has_address_of_node {
        Some("its node's address: members on the host network are not reached")
    } else {
        None
    };
    match refused {
        Some(what) => Err(Failure::Denied(format!(
            "{name} has the address {text}, {what}"
        ))),
        None => Ok(address),
    }
}

fn number(pod: &SlimPod, port: &str) -> Result<u16, Failure> {
    if let Ok(number) = port.parse::<u16>()
        && number > 0
    {
        return Ok(number);
    }
    let mut ports = (pod.containers.iter()).flat_map(|container| &container.ports);
    let found = ports.find(|declared| declared.name.as_deref() == Some(port));
    found.map(|found| found.container_port).ok_or_else(|| {
        Failure::Other(format!(
            "no container of {} names a port {port:?}; name it in the template",
            pod.name()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::RawPod;

    fn pod(address: &str, host: &str) -> SlimPod {
        let pod = serde_json::json!({
            "metadata": { "name": "web-0" },
            "spec": { "containers": [{ "name": "c", "ports": [{ "name": "http", "containerPort": 8080 }] }] },
            "status": { "podIP": address, "hostIP": host },
        });
        serde_json::from_value::<RawPod>(pod).unwrap().into()
    }

    #[test]
    fn only_addresses_that_can_be_the_pods_own_are_dialled() {
        let cases = [
            ("10.1.2.3", false, true),
            ("127.77.0.3", false, false),
            ("127.77.0.3", true, true),
            ("169.254.169.254", true, false),
            ("0.0.0.0", true, false),
            ("192.168.0.9", true, false),
            ("fe80::1", true, false),
            ("nonsense", true, false),
        ];
        for (text, allow_loopback, expected) in cases {
            let answer = address(&pod(text, "192.168.0.9"), allow_loopback);
            assert_eq!(answer.is_ok(), expected, "{text}");
        }
    }

    #[test]
    fn a_port_is_a_name_of_the_template_or_a_number() {
        let pod = pod("10.1.2.3", "10.0.0.1");
        assert_eq!(number(&pod, "http"), Ok(8080));
        assert_eq!(number(&pod, "9999"), Ok(9999));
        assert!(number(&pod, "0").is_err());
        assert!(number(&pod, "mysql").is_err());
    }
}
