//! Containers as local processes.
//!
//! The agent starts `__container` with one end of a socket pair as its standard input. Over it goes one
//! [`control::ContainerSpec`] in, then signals in and reports out. When the agent is gone, however it went, the socket
//! closes and PID 1 of the container exits, and with it every process of the container.
//!
//! Where the kernel allows no namespaces, the same processes run without them ([`Isolation::Shared`]); what is PID 1
//! otherwise then ends all of its descendants by itself.

pub(crate) mod container_init;
mod control;
mod descendants;
pub(crate) mod enter;
mod handle;
mod isolation;
pub(crate) mod log;
mod network_files;
mod relocation;
mod root;
pub(crate) mod sandbox;
pub(crate) mod signals;
mod start;
mod terminal;

pub use isolation::Isolation;
pub(crate) use network_files::CLUSTER_DOMAIN;
pub(crate) use start::ProcessRuntime;

/// Where the binary itself is found inside a container.
const HELPER_IN_CONTAINER: &str = "/run/stateward/helper";
