//! What a caller decides about a node and about the controllers.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::runtime::simulated::Simulation;

/// What runs a pod's containers.
#[derive(Clone, Debug)]
pub enum RuntimeKind {
    /// Local processes in their own namespaces.
    Process,
    /// No processes: containers start at once, or as the script says.
    Simulated(Simulation),
}

/// The addresses that a node hands to its pods, all of them loopback.
#[derive(Clone, Copy, Debug)]
pub struct PodRange {
    /// First address of the range.
    pub base: Ipv4Addr,
    /// Length of the network prefix, at most 30.
    pub prefix: u8,
}

impl PodRange {
    /// How many addresses it has for pods: all but the first and the last.
    pub(crate) fn pods(&self) -> u32 {
        let prefix = u32::from(self.prefix.clamp(8, 30));
        1_u32
            .checked_shl(32 - prefix)
            .unwrap_or(0)
            .saturating_sub(2)
    }
}

impl Default for PodRange {
    fn default() -> Self {
        Self {
            base: Ipv4Addr::new(127, 77, 0, 0),
            prefix: 17,
        }
    }
}

/// One node.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// Name of the Node object; also its hostname label.
    pub name: String,
    /// Where pod folders, logs and NFS stand-ins are kept.
    pub folder: PathBuf,
    /// What runs the containers.
    pub runtime: RuntimeKind,
    /// Further folders that containers must not see: where the cluster keeps its keys and its store.
    pub hidden: Vec<PathBuf>,
    /// The user's own recipe files; they win over the built-in table.
    pub recipes: Vec<PathBuf>,
    /// The words that start this very binary, for the entry points of [`crate::hidden_entry`].
    pub helper: Vec<String>,
    /// Addresses for pods. Nodes that run side by side need ranges that do not overlap.
    pub pods: PodRange,
    /// Name server that pods are told; without one they keep the machine's.
    pub dns: Option<Ipv4Addr>,
    /// The port to give as the kubelet's when the API server must not come directly: a real one speaks TLS and SPDY to
    /// kubelets, so something stands between that finds this agent by its node's annotation `stateward.dev/node-agent`.
    pub kubelet_port: Option<u16>,
}

/// Which part of the storage controllers runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StorageScope {
    /// Nothing: the cluster has its own.
    Off,
    /// Only volumes on demand; binding and protection are done by a real controller manager.
    Provisioner,
    /// Classes, provisioning, binding, reclaiming, protection and expansion.
    #[default]
    Everything,
}

/// What [`crate::run_controllers`] runs.
#[derive(Clone, Debug)]
pub struct ControllersOptions {
    /// Where volumes on demand are made (`volumes/<namespace>-<claim>-<volume>`).
    pub folder: PathBuf,
    /// Assign pods to nodes.
    pub scheduler: bool,
    /// Notice lost nodes, taint them, and delete the pods that do not tolerate it.
    pub nodes: bool,
    /// Keep Endpoints and EndpointSlices of services with a selector.
    pub endpoints: bool,
    /// Storage.
    pub storage: StorageScope,
    /// Serve cluster DNS on this address, UDP and TCP.
    pub dns: Option<SocketAddr>,
}

impl ControllersOptions {
    /// All controllers, with their state in `folder` and no name server.
    pub fn all(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            scheduler: true,
            nodes: true,
            endpoints: true,
            storage: StorageScope::Everything,
            dns: None,
        }
    }
}
