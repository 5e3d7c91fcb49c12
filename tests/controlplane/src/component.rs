//! The names of the processes.

/// The store.
pub const ETCD: &str = "etcd";
/// The API server.
pub const API_SERVER: &str = "kube-apiserver";
/// Upstream's controllers.
pub const CONTROLLER_MANAGER: &str = "kube-controller-manager";
/// Upstream's scheduler.
pub const SCHEDULER: &str = "kube-scheduler";
/// Takes exec and logs from the API server for our nodes.
pub const FRONT: &str = "front";
/// Upstream's StatefulSet controller, when it runs alone
/// ([`start_statefulset_controller`](crate::ControlPlane::start_statefulset_controller)).
pub const STATEFULSET_CONTROLLER: &str = "statefulset-controller";
