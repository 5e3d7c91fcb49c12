//! `stateward dev`: a Kubernetes API, a node that runs pods as local processes, and the operator, all in this process.
//!
//! Its parts speak to each other through the API alone, as they would in a real cluster. They are stopped in the order of who reacts to whom: the operator
//! first, so that it does not replace pods that end; the API last.

mod addresses;
pub(crate) mod folder;
mod narration;
mod parts;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Node;
use kube::runtime::wait::await_condition;
use kube::{Api, Client};
use stateward_devcluster::{Cluster, ServeOptions, Serving};
use stateward_node::{ControllersOptions, Isolation, NodeOptions, RuntimeKind, Simulation};
use stateward_operator::{Options, StatefulSetsFace};
use tokio_util::sync::CancellationToken;

use crate::failure::{Ended, Failure};
use crate::output::{self, FAINT, STRONG, painted};
use crate::{logging, run, shutdown};
use addresses::Addresses;
use folder::Folder;
use parts::Parts;

/// The first node's name; the others are `dev-2`, `dev-3` and so on.
const NODE: &str = "dev";

/// How long the node may take to report that it is ready.
const NODE_PATIENCE: Duration = Duration::from_secs(30);

/// How long an idle connection may hold up the end.
const API_PATIENCE: Duration = Duration::from_secs(6);

/// Run a development cluster: a Kubernetes API, a node, and the operator, in one process
///
/// Pods are local processes: images stand for programs of this machine, by a table of recipes. It is for trying things, for writing plugins and for tests.
/// What happens is told as it happens. Ctrl-C ends the pods and keeps the state for the next start.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  sudo stateward dev                       # then: export KUBECONFIG=$PWD/.stateward/kubeconfig
  stateward dev                            # without root: it says what pods do without
  stateward dev --simulated                # pods without processes
  stateward dev --no-operator              # and elsewhere: stateward run
  sudo stateward dev --nodes 3             # to drain one, or to spread pods
  stateward dev reset                      # start over

Scripts wait for the line on standard output that begins with `ready:`."
)]
pub(crate) struct DevArguments {
    #[command(subcommand)]
    command: Option<DevCommand>,
    #[command(flatten)]
    cluster: UpArguments,
}

#[derive(Debug, clap::Subcommand)]
enum DevCommand {
    /// Delete the state of a development cluster that does not run: objects, volumes, logs
    Reset(FolderArguments),
}

#[derive(Debug, clap::Args)]
struct FolderArguments {
    /// Where the state is kept
    #[arg(long, value_name = "FOLDER", default_value = ".stateward")]
    folder: PathBuf,
}

#[derive(Debug, clap::Args)]
struct UpArguments {
    #[command(flatten)]
    folder: FolderArguments,
    /// Port of the API on 127.0.0.1 [default: the one of the last start, or any]
    #[arg(long)]
    port: Option<u16>,
    /// Without the operator: run it yourself with `stateward run`
    #[arg(long)]
    no_operator: bool,
    /// How many nodes
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
    nodes: u8,
    /// Pods without processes: they are ready at once
    #[arg(long, conflicts_with = "recipes")]
    simulated: bool,
    /// More image recipes, which win over the built-in ones. May be given several times
    #[arg(long, value_name = "FILE")]
    recipes: Vec<PathBuf>,
    /// Serve the operator's metrics and health here
    #[arg(long, value_name = "ADDRESS", conflicts_with = "no_operator")]
    metrics: Option<SocketAddr>,
}

pub(crate) async fn dev(arguments: DevArguments) -> Result<Ended, Failure> {
    match arguments.command {
        Some(DevCommand::Reset(arguments)) => {
            folder::reset(&arguments.folder)?;
            output::line(format_args!("{} is reset", arguments.folder.display()))?;
            Ok(Ended::Done)
        }
        None => up(arguments.cluster).await,
    }
}

async fn up(arguments: UpArguments) -> Result<Ended, Failure> {
    let folder = Folder::take(&arguments.folder.folder)?;
    logging::for_development(folder.log()?);
    let signal = shutdown::on_signal(|text| output::note(text))?;
    let cluster = Cluster::open(&folder.directory("cluster")?)?;
    let api_stop = CancellationToken::new();
    let serving = serve(&cluster, &folder, arguments.port, &api_stop).await?;
    let kubeconfig = folder.write_private("kubeconfig", &serving.kubeconfig_yaml)?;
    folder.hand_over(&kubeconfig)?;
    let client = cluster.client("default");

    let mut parts = Parts::default();
    let ended = tokio::select! {
        started = start(&mut parts, &client, &folder, &arguments) => match started {
            Ok(()) => {
                greet(&arguments, &serving, &kubeconfig)?;
                None
            }
            Err(failure) => Some(Err(failure)),
        },
        () = signal.cancelled() => Some(Ok(())),
    };
    let ended = match ended {
        Some(ended) => ended,
        None => tokio::select! {
            failure = parts.failed() => Err(failure),
            () = signal.cancelled() => Ok(()),
        },
    };
    parts.stop().await;
    api_stop.cancel();
    // A connection that somebody keeps open is cut by the end of the process.
    let _ = tokio::time::timeout(API_PATIENCE, serving.stopped()).await;
    ended.map(|()| Ended::Done)
}

/// On the port asked for, or on the last one, so that a kubeconfig stays valid.
async fn serve(
    cluster: &Cluster,
    folder: &Folder,
    port: Option<u16>,
    stop: &CancellationToken,
) -> Result<Serving, Failure> {
    let last = std::fs::read_to_string(folder.join("port")).unwrap_or_default();
    let serving = match (port, last.trim().parse()) {
        (Some(port), _) => {
            cluster
                .serve(ServeOptions::on_port(port), stop.clone())
                .await?
        }
        (None, Ok(last)) => match cluster
            .serve(ServeOptions::on_port(last), stop.clone())
            .await
        {
            Ok(serving) => serving,
            // Somebody else has it now.
            Err(_) => {
                cluster
                    .serve(ServeOptions::on_port(0), stop.clone())
                    .await?
            }
        },
        (None, Err(_)) => {
            cluster
                .serve(ServeOptions::on_port(0), stop.clone())
                .await?
        }
    };
    folder.write_private("port", &serving.address.port().to_string())?;
    Ok(serving)
}

/// Starts what lives in the cluster, and waits until pods can run.
async fn start(
    parts: &mut Parts,
    client: &Client,
    folder: &Folder,
    arguments: &UpArguments,
) -> Result<(), Failure> {
    stateward_operator::install_crds(client.clone()).await?;
    let addresses = Addresses::claim()?;
    parts.start("narration", |stop| narration::narrate(client.clone(), stop));
    let mut controllers = ControllersOptions::all(folder.directory("storage")?);
    controllers.dns = addresses.dns_server();
    parts.start("controllers", |stop| {
        let client = client.clone();
        async move { Ok(stateward_node::run_controllers(client, controllers, stop).await?) }
    });
    if !arguments.simulated {
        tell_reductions(folder, &addresses).await?;
    }
    let addresses = Arc::new(addresses);
    for number in 0..arguments.nodes {
        let node = NodeOptions {
            name: node_name(number),
            folder: folder.directory("node")?,
            hidden: vec![folder.path().to_owned()],
            runtime: match arguments.simulated {
                true => RuntimeKind::Simulated(Simulation::default()),
                false => RuntimeKind::Process,
            },
            recipes: arguments.recipes.clone(),
            helper: vec![own_program()?],
            pods: addresses.pods(number),
            dns: addresses.dns(),
            kubelet_port: None,
        };
        let (client, addresses) = (client.clone(), Arc::clone(&addresses));
        parts.start("node", |stop| async move {
            let _claimed = addresses;
            Ok(stateward_node::run(client, node, stop).await?)
        });
    }
    if !arguments.no_operator {
        let mut options = Options::new(client.clone());
        options.statefulsets = Some(StatefulSetsFace { embedded: true });
        options.metrics = arguments.metrics;
        options.allow_loopback = true;
        options.plugin_cache = Some(folder.directory("plugins")?);
        options.identity = run::identity();
        parts.start("operator", |stop| async move {
            Ok(stateward_operator::run(options, stop).await?)
        });
    }
    tokio::select! {
        failure = parts.failed() => Err(failure),
        ready = nodes_are_ready(client, arguments.nodes) => ready,
    }
}

/// One line for each thing that pods do without here.
async fn tell_reductions(folder: &Folder, addresses: &Addresses) -> Result<(), Failure> {
    let trial = folder.directory("node")?.join("trial");
    let isolation = Isolation::of_this_machine(&[own_program()?], &trial).await;
    for reduction in isolation.reductions() {
        output::note(format_args!("reduced: {reduction}"));
    }
    if addresses.dns().is_none() {
        output::note(
            "reduced: no names: port 53 of the cluster's addresses is not to be had, so pods do not find each other by name",
        );
    }
    if isolation == Isolation::Shared {
        output::note(
            "run it as root, where the kernel allows namespaces, for all of it; or with --simulated, without processes",
        );
    }
    Ok(())
}

fn node_name(number: u8) -> String {
    match number {
        0 => NODE.to_owned(),
        number => format!("{NODE}-{}", u16::from(number) + 1),
    }
}

async fn nodes_are_ready(client: &Client, nodes: u8) -> Result<(), Failure> {
    for number in 0..nodes {
        node_is_ready(client, &node_name(number)).await?;
    }
    Ok(())
}

async fn node_is_ready(client: &Client, name: &str) -> Result<(), Failure> {
    let is_ready = |node: Option<&Node>| {
        let conditions = node.and_then(|node| node.status.as_ref()?.conditions.as_ref());
        conditions.is_some_and(|conditions| {
            (conditions.iter()).any(|one| one.type_ == "Ready" && one.status == "True")
        })
    };
    let ready = await_condition(Api::all(client.clone()), name, is_ready);
    match tokio::time::timeout(NODE_PATIENCE, ready).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(Failure::Wrong(format!(
            "the node {name} cannot be watched: {error}"
        ))),
        Err(_) => Err(Failure::Wrong(format!(
            "the node {name} is not ready after {} s; dev.log in the state folder tells more",
            NODE_PATIENCE.as_secs()
        ))),
    }
}

/// Pods are started through this very program.
fn own_program() -> Result<String, Failure> {
    let program = std::env::current_exe().map_err(|source| Failure::Machine {
        what: "finding this program's own file".to_owned(),
        source,
    })?;
    Ok(program.to_string_lossy().into_owned())
}

fn greet(arguments: &UpArguments, serving: &Serving, kubeconfig: &Path) -> Result<(), Failure> {
    output::line(format_args!("ready: kubeconfig {}", kubeconfig.display()))?;
    let hint = |text: &str| output::line(painted(FAINT, text));
    hint(&format!(
        "The API is served at https://{}. In another terminal:",
        serving.address
    ))?;
    output::line(format_args!(
        "  {}",
        painted(
            STRONG,
            format_args!("export KUBECONFIG={}", kubeconfig.display())
        )
    ))?;
    output::line("  kubectl get pods --all-namespaces")?;
    if arguments.no_operator {
        output::line(format_args!(
            "  stateward run --kubeconfig {} --statefulsets --allow-loopback-members",
            kubeconfig.display()
        ))?;
    }
    hint("Ctrl-C ends the pods and keeps the state. What happens from here on:")
}
