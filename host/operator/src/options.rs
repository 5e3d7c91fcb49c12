//! Settings of the operator.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::admission::Admission;
use crate::clock::Clock;

/// Settings of [`run`](crate::run).
#[derive(Clone)]
pub struct Options {
    /// How to reach the API server.
    pub client: kube::Client,
    /// Only this namespace; none: all of them.
    pub namespace: Option<String>,
    /// Manage plain `apps/v1` StatefulSets too.
    pub statefulsets: Option<StatefulSetsFace>,
    /// Where `/healthz`, `/readyz` and `/metrics` are served.
    pub metrics: Option<SocketAddr>,
    /// Judge StatefulApps at admission; none: only after they were applied.
    pub admission: Option<Admission>,
    /// Let plugins dial members on loopback addresses, which only the embedded cluster gives out.
    pub allow_loopback: bool,
    /// How plugins reach members.
    pub reach: Reach,
    /// Folder of compiled plugins; none: compile at every start.
    pub plugin_cache: Option<PathBuf>,
    /// Name of this process in events and logs: the pod's or the machine's.
    pub identity: String,
    /// How long another controller has to show itself before StatefulSets are managed on a cluster that is not embedded.
    pub patience_with_rivals: Duration,
    /// Time that running hook calls get when the operator stops.
    pub grace: Duration,
    /// The time of day. Tests move it together with tokio's clock.
    pub clock: Clock,
}

/// How plugins reach members over the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// At their addresses: the operator is in the cluster's network.
    #[default]
    Direct,
    /// Through the API server, as `kubectl port-forward`: the operator is outside of it.
    PortForward,
}

/// How StatefulSets are managed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatefulSetsFace {
    /// The cluster is ours and has no StatefulSet controller: no probing, no watching for one.
    pub embedded: bool,
}

impl Options {
    /// The defaults: all namespaces, the StatefulApp face alone.
    pub fn new(client: kube::Client) -> Options {
        Options {
            client,
            namespace: None,
            statefulsets: None,
            metrics: None,
            admission: None,
            allow_loopback: false,
            reach: Reach::Direct,
            plugin_cache: None,
            identity: "stateward".to_owned(),
            patience_with_rivals: Duration::from_secs(10),
            grace: Duration::from_secs(10),
            clock: Clock::system(),
        }
    }
}
