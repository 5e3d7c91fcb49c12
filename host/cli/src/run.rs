//! `stateward run`: the operator against a cluster.

use std::net::SocketAddr;
use std::path::PathBuf;

use stateward_operator::{
    Admission, CalledAt, Options, Reach, ServicePlace, StatefulSetsFace, WebhookUrl,
};

use crate::connection::ClusterArguments;
use crate::failure::{Ended, Failure};
use crate::logging::{self, LogFormat};
use crate::shutdown;

/// Run the operator against a cluster
///
/// Ends gracefully on SIGTERM or SIGINT: calls under way get a moment, the status is written. A second signal ends at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  stateward run --install-crds                        # the cluster of the current kubeconfig
  stateward run --namespace shop --metrics 0.0.0.0:9090 --log json

  # in a pod, behind a Service; wrong StatefulApps are refused at the apply:
  stateward run --admission 0.0.0.0:8443 --admission-service stateward/admission

  # beside `stateward dev --no-operator`, whose pods have loopback addresses:
  stateward run --kubeconfig .stateward/kubeconfig --statefulsets --allow-loopback-members

Metrics are served at /metrics, health at /healthz and /readyz.")]
pub(crate) struct RunArguments {
    #[command(flatten)]
    cluster: ClusterArguments,
    /// Only this namespace [default: all]
    #[arg(short, long, value_name = "NAMESPACE", help_heading = "Cluster")]
    namespace: Option<String>,
    /// Also manage plain apps/v1 StatefulSets. Starts only where no other controller does
    #[arg(long)]
    statefulsets: bool,
    /// Create or update the CustomResourceDefinitions first
    #[arg(long)]
    install_crds: bool,
    /// Serve metrics and health here
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
    /// Judge StatefulApps at admission: serve the API server's reviews here, and tell it to ask
    ///
    /// Without one of the next two it is called at this address, or at the loopback address where this is any of the machine's.
    #[arg(long, value_name = "ADDRESS")]
    admission: Option<SocketAddr>,
    /// The Service through which the API server reaches it: NAMESPACE/NAME or NAMESPACE/NAME:PORT
    #[arg(long, value_name = "SERVICE", requires = "admission")]
    admission_service: Option<ServicePlace>,
    /// The URL at which the API server reaches it: https://HOST or https://HOST:PORT
    #[arg(
        long,
        value_name = "URL",
        requires = "admission",
        conflicts_with = "admission_service"
    )]
    admission_url: Option<WebhookUrl>,
    /// Where compiled plugins are kept [default: stateward/plugins in the user's cache folder]
    #[arg(long, value_name = "FOLDER")]
    plugin_cache: Option<PathBuf>,
    /// How log lines look
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    log: LogFormat,
    /// How plugins reach members over the network
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    reach_members: ReachMembers,
    /// Let plugins reach members on loopback addresses. For development clusters, where pods are local processes
    #[arg(long, hide = true)]
    allow_loopback_members: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum ReachMembers {
    /// At their addresses
    #[default]
    Direct,
    /// Through the API server, for an operator outside the cluster's network
    PortForward,
}

pub(crate) async fn run(arguments: RunArguments) -> Result<Ended, Failure> {
    logging::for_the_operator(arguments.log);
    let stop = shutdown::on_signal(|text| tracing::info!("{text}"))?;
    let client = arguments.cluster.connect().await?;
    if arguments.install_crds {
        stateward_operator::install_crds(client.clone()).await?;
    }
    let mut options = Options::new(client);
    options.namespace = arguments.namespace;
    options.statefulsets = arguments
        .statefulsets
        .then_some(StatefulSetsFace { embedded: false });
    options.metrics = arguments.metrics;
    options.admission = arguments.admission.map(|listen| Admission {
        listen,
        called_at: match (arguments.admission_service, arguments.admission_url) {
            (Some(service), _) => CalledAt::Service(service),
            (None, Some(url)) => CalledAt::Url(url),
            (None, None) => CalledAt::Address,
        },
    });
    options.reach = match arguments.reach_members {
        ReachMembers::Direct => Reach::Direct,
        ReachMembers::PortForward => Reach::PortForward,
    };
    options.allow_loopback = arguments.allow_loopback_members;
    options.plugin_cache = arguments.plugin_cache.or_else(default_plugin_cache);
    options.identity = identity();
    stateward_operator::run(options, stop).await?;
    Ok(Ended::Done)
}

/// Below the user's cache folder. Without one, plugins are compiled at every start.
pub(crate) fn default_plugin_cache() -> Option<PathBuf> {
    let variable = |name| {
        let value = std::env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    let base =
        variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")))?;
    Some(base.join("stateward/plugins"))
}

/// Who this process is, in leases and events: machine and process.
pub(crate) fn identity() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}_{}", host.trim(), std::process::id())
}
