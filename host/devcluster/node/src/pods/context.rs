//! What all pods of a node share.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use kube::Client;

use super::directory::Directory;
use super::host_ports::HostPorts;
use crate::addresses::Addresses;
use crate::cache::Changes;
use crate::events::Recorder;
use crate::runtime::Runtime;

/// What all pods of a node share.
#[derive(Clone)]
pub(crate) struct PodContext {
    pub(crate) client: Client,
    pub(crate) node_address: Ipv4Addr,
    /// The node's state.
    pub(crate) folder: PathBuf,
    /// Where each pod has a folder named after its UID.
    pub(crate) pods_folder: PathBuf,
    pub(crate) host_ports: HostPorts,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) events: Recorder,
    pub(crate) addresses: Addresses,
    /// Says that a config map, secret, claim or volume changed.
    pub(crate) changes: Changes,
    pub(crate) directory: Directory,
}
