//! Kubernetes itself, for tests: etcd, kube-apiserver, kube-controller-manager and kube-scheduler 1.37 as processes on
//! loopback, built from upstream's Go modules by `tests/controlplane/build` (once; a test that comes first builds them).
//!
//! ```ignore
//! static KUBERNETES: tokio::sync::OnceCell<ControlPlane> = tokio::sync::OnceCell::const_new(); // one per test binary
//! let kubernetes = KUBERNETES.get_or_try_init(|| ControlPlane::start(Options::default())).await?;
//! let client = kubernetes.client().await?;                   // a new one for every test: it belongs to the runtime
//! let namespace = kubernetes.namespace("rollouts").await?;   // a name that no other test has; pods can be created in it
//! let node = kubernetes.simulated_node("node-1").await?;     // pods become ready (or as `node.simulation` says); ends when dropped
//! let said = kubernetes.kubectl().args(["get", "pods", "-n", &namespace]).output().await?;
//! kubernetes.freeze(component::API_SERVER).await?;           // thaw, kill, end, start_again
//! let cpu = kubernetes.usage(component::API_SERVER)?.cpu;
//! // `Options::default().without_statefulset_controller()`, then `kubernetes.start_statefulset_controller(limits)`: alone in a process.
//! ```
//!
//! Everything ends with the [`ControlPlane`], and with this process: `up` (tests/controlplane/go/up.go) reads the end of its
//! input when this process dies, however it dies, and all of its children die with it.

pub mod component;
mod control_plane;
mod errors;
mod nodes;
mod options;
mod program;
mod supervisor;
mod usage;

pub use control_plane::ControlPlane;
pub use errors::ControlPlaneError;
pub use nodes::{NodeProgram, SimulatedNode};
pub use options::{ClientLimits, Options};
pub use program::{Built, built};
pub use supervisor::Program;
pub use usage::Usage;
