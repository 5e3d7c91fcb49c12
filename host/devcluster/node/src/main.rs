//! A node (and, where a cluster has none, its controllers) for the API server that the kubeconfig names: how test beds
//! with a real kube-apiserver get their nodes.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use stateward_node::{
    ControllersOptions, NodeError, NodeOptions, PodRange, RuntimeKind, Simulation, StorageScope,
    hidden_entry,
};
use tokio_util::sync::CancellationToken;

/// Runs pods of a Kubernetes cluster as processes of this machine.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Name of the node.
    #[arg(long, default_value = "stateward-node")]
    name: String,
    /// Folder for volumes, pods and logs.
    #[arg(long, default_value = ".stateward/node")]
    folder: PathBuf,
    /// Run no processes; pods are ready at once.
    #[arg(long)]
    simulated: bool,
    /// Files with image recipes of your own.
    #[arg(long = "recipes")]
    recipes: Vec<PathBuf>,
    /// First address for pods (127.x.y.0).
    #[arg(long)]
    pod_addresses: Option<std::net::Ipv4Addr>,
    /// Serve the names of the cluster's services on this address, and tell it to pods.
    #[arg(long)]
    dns: Option<SocketAddr>,
    /// Port of whoever takes exec and logs from a real API server and hands them on to this node.
    #[arg(long)]
    kubelet_port: Option<u16>,
    /// Also run scheduler, endpoints and storage, for a cluster without controllers.
    #[arg(long)]
    controllers: bool,
    /// Also make volumes on demand, for a cluster whose own controllers bind them.
    #[arg(long)]
    provisioner: bool,
}

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    if let Some(code) = hidden_entry(&words) {
        return code;
    }
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
        .and_then(|runtime| runtime.block_on(serve(arguments)));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> Result<(), String> {
    let client = kube::Client::try_default()
        .await
        .map_err(|error| error.to_string())?;
    let helper = std::env::current_exe().map_err(|error| error.to_string())?;
    let stop = CancellationToken::new();
    let controllers = ControllersOptions {
        folder: arguments.folder.clone(),
        scheduler: arguments.controllers,
        nodes: arguments.controllers,
        endpoints: arguments.controllers,
        storage: match (arguments.controllers, arguments.provisioner) {
            (true, _) => StorageScope::Everything,
            (false, true) => StorageScope::Provisioner,
            (false, false) => StorageScope::Off,
        },
        dns: arguments.dns,
    };
    let mut pods = PodRange::default();
    if let Some(base) = arguments.pod_addresses {
        pods.base = base;
    }
    let node = NodeOptions {
        name: arguments.name,
        folder: arguments.folder,
        hidden: Vec::new(),
        runtime: if arguments.simulated {
            RuntimeKind::Simulated(Simulation::default())
        } else {
            RuntimeKind::Process
        },
        recipes: arguments.recipes,
        helper: vec![helper.display().to_string()],
        pods,
        dns: arguments.dns.and_then(|address| match address.ip() {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        }),
        kubelet_port: arguments.kubelet_port,
    };
    let stopper = stop.clone();
    tokio::spawn(async move {
        // Where signals cannot be heard, the process is ended by killing it, and its pods go with it.
        if tokio::signal::ctrl_c().await.is_ok() {
            stopper.cancel();
        }
    });
    let told = |error: NodeError| error.to_string();
    tokio::try_join!(
        async {
            stateward_node::run_controllers(client.clone(), controllers, stop.clone())
                .await
                .map_err(told)
        },
        async {
            stateward_node::run(client.clone(), node, stop.clone())
                .await
                .map_err(told)
        },
    )
    .map(drop)
}
