//! A node for clusters that have none: the embedded development cluster and test beds.
//!
//! Everything here speaks nothing but the Kubernetes API through a [`kube::Client`] that it is given, so the same
//! code serves the embedded API and a real kube-apiserver.
//!
//! | entry | what it stands for |
//! |---|---|
//! | [`run`] | one kubelet: registers a node, runs its pods, serves exec and logs |
//! | [`run_controllers`] | what a control plane without controllers lacks: scheduler, care for lost nodes, endpoints, storage, cluster DNS |
//! | [`hidden_entry`] | what the binary turns into when it starts *inside* a pod |
//!
//! A pod's container is an ordinary local program in its own mount, PID, UTS and IPC namespaces; which program stands
//! for which image is data ([`recipes`]).

mod addresses;
mod agent;
mod cache;
mod controllers;
mod endpoints;
mod errors;
mod events;
mod files;
mod hidden;
mod kubelet_server;
mod labels;
mod names;
mod nodes;
mod options;
mod pods;
mod probes;
pub mod recipes;
mod registration;
mod runtime;
mod scheduler;
mod storage;
mod volumes;

pub use agent::run;
pub use controllers::run_controllers;
pub use errors::NodeError;
pub use hidden::hidden_entry;
pub use options::{ControllersOptions, NodeOptions, PodRange, RuntimeKind, StorageScope};
pub use runtime::process::Isolation;
pub use runtime::simulated::{Script, Simulation};
