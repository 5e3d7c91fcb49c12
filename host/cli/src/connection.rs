//! Which cluster a command talks to, and in which namespace.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::failure::Failure;

/// The longest time to reach the cluster before saying that it does not answer.
const REACH: Duration = Duration::from_secs(10);

/// Where a development cluster leaves its kubeconfig when no folder is given.
pub(crate) const DEVELOPMENT_KUBECONFIG: &str = ".stateward/kubeconfig";

#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ClusterArguments {
    /// Kubeconfig file [default: $KUBECONFIG, ~/.kube/config, or the pod's own service account]
    #[arg(long, value_name = "FILE", help_heading = "Cluster")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig [default: its current context]
    #[arg(long, value_name = "NAME", help_heading = "Cluster")]
    pub(crate) context: Option<String>,
}

#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ConnectionArguments {
    #[command(flatten)]
    pub(crate) cluster: ClusterArguments,
    /// Namespace [default: that of the context]
    #[arg(short, long, value_name = "NAMESPACE", help_heading = "Cluster")]
    pub(crate) namespace: Option<String>,
}

/// A client, and the namespace that is meant.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) namespace: String,
}

impl ConnectionArguments {
    pub(crate) async fn connect(&self) -> Result<Connection, Failure> {
        let client = self.cluster.connect().await?;
        let namespace =
            (self.namespace.clone()).unwrap_or_else(|| client.default_namespace().to_owned());
        Ok(Connection { client, namespace })
    }
}

impl ClusterArguments {
    pub(crate) async fn connect(&self) -> Result<Client, Failure> {
        let mut config = self.config().await?;
        config.connect_timeout = Some(REACH);
        Client::try_from(config).map_err(|error| no_cluster(&error))
    }

    async fn config(&self) -> Result<Config, Failure> {
        let options = KubeConfigOptions {
            context: self.context.clone(),
            ..KubeConfigOptions::default()
        };
        match &self.kubeconfig {
            Some(file) => {
                let kubeconfig = Kubeconfig::read_from(file).map_err(|error| no_cluster(&error))?;
                Config::from_custom_kubeconfig(kubeconfig, &options)
                    .await
                    .map_err(|error| no_cluster(&error))
            }
            None if self.context.is_some() => Config::from_kubeconfig(&options)
                .await
                .map_err(|error| no_cluster(&error)),
            // Of the two ways that failed, the kubeconfig is the one that the user can do something about.
            None => Config::infer()
                .await
                .map_err(|error| no_cluster(error.source().unwrap_or(&error))),
        }
    }
}

fn no_cluster(error: &dyn Error) -> Failure {
    let advice = if Path::new(DEVELOPMENT_KUBECONFIG).exists() {
        format!("the development cluster of this folder is KUBECONFIG={DEVELOPMENT_KUBECONFIG}")
    } else {
        "set KUBECONFIG or --kubeconfig, or start a cluster to try things with: `stateward dev`"
            .to_owned()
    };
    Failure::NoCluster {
        why: error.to_string(),
        advice,
    }
}
