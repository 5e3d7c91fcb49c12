//! Ports of the node itself that pods ask for: each belongs to one pod at a time, as a kubelet admits pods.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use k8s_openapi::api::core::v1::Pod;

type Key = (String, String, i32);

/// Protocol, address and number of a port to the UID of the pod that has it.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostPorts(Arc<Mutex<BTreeMap<Key, String>>>);

impl HostPorts {
    /// Takes all ports that the pod asks for, or none; false when another pod has one of them.
    pub(super) fn take(&self, uid: &str, pod: &Pod) -> bool {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted: Vec<Key> = wanted(pod).collect();
        let is_free = |key: &Key| {
            taken
                .iter()
                .all(|(known, owner)| owner == uid || !collide(known, key))
        };
        if !wanted.iter().all(is_free) {
            return false;
        }
        taken.extend(wanted.into_iter().map(|key| (key, uid.to_owned())));
        true
    }

    pub(super) fn release(&self, uid: &str) {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|_, owner| owner != uid);
    }
}

fn wanted(pod: &Pod) -> impl Iterator<Item = Key> {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    containers
        .flat_map(|container| container.ports.iter().flatten())
        .filter_map(|port| {
            let protocol = port.protocol.clone().unwrap_or_else(|| "TCP".to_owned());
            let address = port.host_ip.clone().unwrap_or_default();
            Some((
                protocol,
                address,
                port.host_port.filter(|number| *number > 0)?,
            ))
        })
}

/// An empty address means all of them.
fn collide(one: &Key, other: &Key) -> bool {
    let is_any = |address: &str| address.is_empty() || address == "0.0.0.0";
    one.0 == other.0 && one.2 == other.2 && (one.1 == other.1 || is_any(&one.1) || is_any(&other.1))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_port_of_the_node_belongs_to_one_pod_until_it_is_released() {
        let pod = |port: i32, address: &str| -> Pod {
            let ports = json!([{ "containerPort": 80, "hostPort": port, "hostIP": address }]);
            serde_json::from_value(json!({ "metadata": {}, "spec": { "containers": [{ "name": "c", "ports": ports }] } }))
                .expect("a pod")
        };
        let ports = HostPorts::default();

        assert!(ports.take("a", &pod(80, "")));
        assert!(ports.take("a", &pod(80, "")));
        assert!(!ports.take("b", &pod(80, "127.0.0.1")));
        assert!(ports.take("b", &pod(81, "127.0.0.1")));
        assert!(ports.take("c", &pod(81, "127.0.0.2")));
        ports.release("a");
        assert!(ports.take("b", &pod(80, "")));
    }
}
