//! Containers as local processes.
//!
//! The agent starts `__container` with one end of a socket pair as its standard input. Over it goes one
//! [`control::ContainerSpec`] in, then signals in and reports out. When the agent is gone, however it went, the socket
//! closes and PID 1 of the container exits, and with it every process of the container.

pub(crate) mod container_init;
mod control;
pub(crate) mod enter;
mod handle;
pub(crate) mod log;
mod network_files;
mod root;
pub(crate) mod sandbox;
mod start;

pub(crate) use network_files::CLUSTER_DOMAIN;
pub(crate) use start::ProcessRuntime;

/// Where the binary itself is found inside a container.
const HELPER_IN_CONTAINER: &str = "/run/stateward/helper";
