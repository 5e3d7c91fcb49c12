//! The node's own objects: Node, its Lease, and the token that exec and logs ask for.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::api::core::v1::{
    DaemonEndpoint, Namespace, Node, NodeAddress, NodeCondition, NodeDaemonEndpoints, NodeStatus,
    NodeSystemInfo, Secret,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta, Time};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use crate::errors::NodeError;
use crate::nodes::Readiness;
use crate::options::{NodeOptions, PodRange};
use crate::runtime::Runtime;

/// Where nodes are reached by the API server: exec and logs.
pub(crate) const NODE_ADDRESS: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// Where the node's agent listens itself, whatever port it gives as the kubelet's.
const AGENT_ANNOTATION: &str = "stateward.dev/node-agent";
const TOKEN_NAMESPACE: &str = "kube-system";
const TOKEN_SECRET: &str = "stateward-node-token";
const TOKEN_KEY: &str = "token";
pub(crate) const LEASE_NAMESPACE: &str = "kube-node-lease";
const LEASE_SECONDS: i32 = 40;
const LEASE_PERIOD: Duration = Duration::from_secs(10);

/// Creates or updates the Node. It is created together with its status, so that no controller sees it unready first.
pub(crate) async fn register(
    client: &Client,
    options: &NodeOptions,
    server: SocketAddr,
    runtime: &str,
) -> Result<(), NodeError> {
    let name = options.name.as_str();
    let api: Api<Node> = Api::all(client.clone());
    let port = options.kubelet_port.unwrap_or(server.port());
    let status = status(name, port, runtime, options.pods);
    let annotations = BTreeMap::from([(AGENT_ANNOTATION.to_owned(), server.to_string())]);
    let labels = BTreeMap::from([
        ("kubernetes.io/hostname".to_owned(), name.to_owned()),
        ("kubernetes.io/os".to_owned(), "linux".to_owned()),
        (
            "kubernetes.io/arch".to_owned(),
            std::env::consts::ARCH.to_owned(),
        ),
    ]);
    let node = Node {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some(labels),
            annotations: Some(annotations.clone()),
            ..ObjectMeta::default()
        },
        status: Some(status.clone()),
        ..Node::default()
    };
    match api.create(&PostParams::default(), &node).await {
        Ok(created)
            if created
                .status
                .as_ref()
                .is_some_and(|kept| kept.daemon_endpoints.is_some()) =>
        {
            return Ok(());
        }
        Ok(_) => {}
        Err(kube::Error::Api(answer)) if answer.code == 409 => {}
        Err(error) => return Err(NodeError::api(format!("node {name} not registered"))(error)),
    }
    let known = Patch::Merge(json!({ "metadata": { "annotations": annotations } }));
    api.patch(name, &PatchParams::default(), &known)
        .await
        .map_err(NodeError::api(format!("node {name} not updated")))?;
    let patch = Patch::Merge(json!({ "status": status }));
    api.patch_status(name, &PatchParams::default(), &patch)
        .await
        .map(drop)
        .map_err(NodeError::api(format!("status of node {name} not written")))
}

/// Pods of a node, however many addresses it has.
const MOST_PODS: u32 = 1000;

/// What the machine has; every node on it says the same.
pub(crate) fn capacity() -> BTreeMap<String, Quantity> {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    BTreeMap::from([
        ("cpu".to_owned(), Quantity(processors.to_string())),
        ("memory".to_owned(), Quantity(memory())),
        ("ephemeral-storage".to_owned(), Quantity("100Gi".to_owned())),
    ])
}

fn status(name: &str, kubelet_port: u16, runtime: &str, range: PodRange) -> NodeStatus {
    let mut capacity = capacity();
    let pods = range.pods().min(MOST_PODS);
    capacity.insert("pods".to_owned(), Quantity(pods.to_string()));
    let now = Time(Timestamp::now());
    let condition = |type_: &str, status: &str, reason: &str, message: &str| NodeCondition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message.to_owned()),
        last_heartbeat_time: Some(now.clone()),
        last_transition_time: Some(now.clone()),
    };
    let address = |type_: &str, address: String| NodeAddress {
        type_: type_.to_owned(),
        address,
    };
    NodeStatus {
        addresses: Some(vec![
            address("InternalIP", NODE_ADDRESS.to_string()),
            address("Hostname", name.to_owned()),
        ]),
        allocatable: Some(capacity.clone()),
        capacity: Some(capacity),
        conditions: Some(vec![
            condition(
                "MemoryPressure",
                "False",
                "NodeHasSufficientMemory",
                "the node has sufficient memory",
            ),
            condition(
                "DiskPressure",
                "False",
                "NodeHasNoDiskPressure",
                "the node has no disk pressure",
            ),
            condition(
                "PIDPressure",
                "False",
                "NodeHasSufficientPID",
                "the node has sufficient PIDs",
            ),
            condition("Ready", "True", "NodeReady", "the node agent is ready"),
        ]),
        daemon_endpoints: Some(NodeDaemonEndpoints {
            kubelet_endpoint: Some(DaemonEndpoint {
                port: i32::from(kubelet_port),
            }),
        }),
        node_info: Some(NodeSystemInfo {
            architecture: std::env::consts::ARCH.to_owned(),
            operating_system: "linux".to_owned(),
            os_image: "this machine".to_owned(),
            kernel_version: kernel_version(),
            container_runtime_version: format!("{runtime}://{}", env!("CARGO_PKG_VERSION")),
            kubelet_version: format!("v1.37.0-stateward.{}", env!("CARGO_PKG_VERSION")),
            ..NodeSystemInfo::default()
        }),
        ..NodeStatus::default()
    }
}

fn memory() -> String {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes = total.and_then(|total| total.split_whitespace().next());
    format!("{}Ki", kibibytes.unwrap_or("1048576"))
}

fn kernel_version() -> String {
    std::fs::read_to_string("/proc/sys/kernel/osrelease")
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

/// Renews the node's lease for as long as it is polled, and takes back what was said of the node while it was silent.
pub(crate) async fn heartbeat(
    client: Client,
    name: String,
    kubelet_port: u16,
    range: PodRange,
    runtime: Arc<dyn Runtime>,
) {
    let api: Api<Lease> = Api::namespaced(client.clone(), LEASE_NAMESPACE);
    loop {
        runtime.until_node_reachable().await;
        let beat = async {
            renew(&api, &name).await?;
            say_ready(&client, &name, || {
                status(&name, kubelet_port, runtime.name(), range)
            })
            .await
        };
        if let Err(error) = beat.await {
            tracing::debug!(%error, "lease not renewed; trying again");
        }
        tokio::time::sleep(LEASE_PERIOD).await;
    }
}

async fn say_ready(
    client: &Client,
    name: &str,
    status: impl FnOnce() -> NodeStatus,
) -> kube::Result<()> {
    let api: Api<Node> = Api::all(client.clone());
    // A node that somebody deleted is registered by the next start only, as a kubelet's.
    let Some(node) = api.get_opt(name).await? else {
        return Ok(());
    };
    if Readiness::of(&node) == Readiness::Ready {
        return Ok(());
    }
    let patch = Patch::Merge(json!({ "status": status() }));
    api.patch_status(name, &PatchParams::default(), &patch)
        .await
        .map(drop)
}

async fn renew(api: &Api<Lease>, name: &str) -> kube::Result<()> {
    let now = MicroTime(Timestamp::now());
    let patch = Patch::Merge(json!({ "spec": { "renewTime": now } }));
    match api.patch(name, &PatchParams::default(), &patch).await {
        Err(kube::Error::Api(answer)) if answer.code == 404 => {}
        other => return other.map(drop),
    }
    let lease = Lease {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        spec: Some(LeaseSpec {
            holder_identity: Some(name.to_owned()),
            lease_duration_seconds: Some(LEASE_SECONDS),
            renew_time: Some(now),
            ..LeaseSpec::default()
        }),
    };
    api.create(&PostParams::default(), &lease).await.map(drop)
}

/// The token that callers of exec and logs must show: shared by all nodes, made by the first.
pub(crate) async fn token(client: &Client) -> Result<String, NodeError> {
    let api: Api<Secret> = Api::namespaced(client.clone(), TOKEN_NAMESPACE);
    let failed = || {
        NodeError::api(format!(
            "secret {TOKEN_NAMESPACE}/{TOKEN_SECRET} not to be had"
        ))
    };
    if let Some(token) = api
        .get_opt(TOKEN_SECRET)
        .await
        .map_err(failed())?
        .and_then(known_token)
    {
        return Ok(token);
    }
    // A bare API server has no such namespace yet.
    let namespace = Namespace {
        metadata: ObjectMeta {
            name: Some(TOKEN_NAMESPACE.to_owned()),
            ..ObjectMeta::default()
        },
        ..Namespace::default()
    };
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let _exists = namespaces.create(&PostParams::default(), &namespace).await;

    let mut bytes = [0; 32];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(NodeError::Random)?;
    let token = URL_SAFE_NO_PAD.encode(bytes);
    let secret = Secret {
        metadata: ObjectMeta {
            name: Some(TOKEN_SECRET.to_owned()),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([(
            TOKEN_KEY.to_owned(),
            ByteString(token.clone().into_bytes()),
        )])),
        ..Secret::default()
    };
    match api.create(&PostParams::default(), &secret).await {
        Ok(_) => Ok(token),
        // Another node was first; its token is the one.
        Err(kube::Error::Api(answer)) if answer.code == 409 => {
            let theirs = api.get(TOKEN_SECRET).await.map_err(failed())?;
            Ok(known_token(theirs).unwrap_or(token))
        }
        Err(error) => Err(failed()(error)),
    }
}

fn known_token(secret: Secret) -> Option<String> {
    let ByteString(bytes) = secret.data?.remove(TOKEN_KEY)?;
    String::from_utf8(bytes)
        .ok()
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_takes_no_more_pods_than_it_has_addresses() {
        let pods = |prefix| {
            let range = PodRange {
                prefix,
                ..PodRange::default()
            };
            let capacity = status("here", 1, "process", range).capacity;
            capacity.and_then(|capacity| capacity.get("pods").map(|pods| pods.0.clone()))
        };
        assert_eq!(pods(24), Some("254".to_owned()));
        assert_eq!(pods(17), Some("1000".to_owned()));
    }
}
