//! The node agent: registers the node and gives every pod that is assigned to it a [`Worker`].

use std::collections::HashMap;
use std::fmt::Debug;
use std::iter;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::StreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolume, PersistentVolumeClaim, Pod, Secret};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::addresses::Addresses;
use crate::cache::Changes;
use crate::errors::NodeError;
use crate::events::Recorder;
use crate::kubelet_server;
use crate::options::{NodeOptions, RuntimeKind};
use crate::pods::directory::Directory;
use crate::pods::host_ports::HostPorts;
use crate::pods::{PodContext, Worker};
use crate::recipes::Recipes;
use crate::registration::{self, NODE_ADDRESS};
use crate::runtime::Runtime;
use crate::runtime::process::{Isolation, ProcessRuntime, signals};
use crate::runtime::simulated::SimulatedRuntime;

/// The user's own recipes, next to the node's state; read when it exists.
const RECIPES_OF_FOLDER: &str = "recipes.yaml";

/// Runs one node until `stop` is cancelled.
///
/// On stop the processes of all pods are ended (TERM, a grace period of a few seconds, KILL) and the pods' objects stay
/// as they are, so that the next start takes them up again. When the agent is killed instead, its pods die with it.
///
/// # Errors
/// When the node cannot be registered or its folder cannot be used. Later troubles with the API are waited out.
pub async fn run(
    client: Client,
    options: NodeOptions,
    stop: CancellationToken,
) -> Result<(), NodeError> {
    let (folder, pods_folder) = usable_folders(&options)?;
    let runtime = runtime(&options, &folder).await?;
    let token = registration::token(&client).await?;
    let anywhere = SocketAddr::from((NODE_ADDRESS, 0));
    let listen_error = |source| NodeError::Listen {
        address: anywhere,
        source,
    };
    let listener = TcpListener::bind(anywhere).await.map_err(listen_error)?;
    let server = listener.local_addr().map_err(listen_error)?;

    let mut tasks = JoinSet::new();
    let directory = Directory::default();
    tasks.spawn(kubelet_server::serve(listener, token, directory.clone()));
    let kubelet_port = options.kubelet_port.unwrap_or(server.port());
    registration::register(&client, &options, server, runtime.name()).await?;
    tasks.spawn(registration::heartbeat(
        client.clone(),
        options.name.clone(),
        kubelet_port,
        options.pods,
        Arc::clone(&runtime),
    ));

    let changes = Changes::new();
    signal_changes::<ConfigMap>(&client, &changes, &mut tasks);
    signal_changes::<Secret>(&client, &changes, &mut tasks);
    signal_changes::<PersistentVolumeClaim>(&client, &changes, &mut tasks);
    signal_changes::<PersistentVolume>(&client, &changes, &mut tasks);

    let context = PodContext {
        client: client.clone(),
        node_address: NODE_ADDRESS,
        folder,
        pods_folder,
        host_ports: HostPorts::default(),
        runtime,
        events: Recorder::new(client.clone(), "kubelet", Some(options.name.clone())),
        addresses: Addresses::new(options.pods),
        changes,
        directory,
    };
    run_pods(client, &options.name, context, stop).await;
    tasks.shutdown().await;
    Ok(())
}

/// The folder of the state, which nodes may share, and the one of this node's pods.
fn usable_folders(options: &NodeOptions) -> Result<(PathBuf, PathBuf), NodeError> {
    let usable = || {
        std::fs::create_dir_all(&options.folder)?;
        let folder = options.folder.canonicalize()?;
        let pods = folder.join("pods").join(&options.name);
        std::fs::create_dir_all(&pods)?;
        Ok((folder, pods))
    };
    usable().map_err(|source| NodeError::Folder {
        path: options.folder.clone(),
        source,
    })
}

async fn runtime(options: &NodeOptions, folder: &Path) -> Result<Arc<dyn Runtime>, NodeError> {
    Ok(match &options.runtime {
        RuntimeKind::Simulated(simulation) => Arc::new(SimulatedRuntime {
            simulation: simulation.clone(),
        }),
        RuntimeKind::Process => {
            if let Err(error) = signals::are_for_containers() {
                tracing::warn!(%error, "containers may ignore the signals that this process ignores");
            }
            let mut recipe_files = options.recipes.clone();
            recipe_files.push(folder.join(RECIPES_OF_FOLDER));
            // Read once now, so that a mistake in a file is told at the start.
            Recipes::load(&recipe_files)?;
            let helper = absolute(&options.helper);
            let trial = folder.join(format!("trial-{}", options.name));
            let isolation = Isolation::of_this_machine(&helper, &trial).await;
            for reduction in isolation.reductions() {
                tracing::warn!("reduced: {reduction}");
            }
            Arc::new(ProcessRuntime {
                isolation,
                helper,
                recipe_files,
                dns: options.dns,
                hidden: iter::once(folder.to_owned())
                    .chain(options.hidden.iter().cloned())
                    .collect(),
            })
        }
    })
}

/// A container's root is another one, so the program is named by its whole path.
fn absolute(helper: &[String]) -> Vec<String> {
    let mut helper = helper.to_vec();
    if let Some(program) = helper.first_mut()
        && let Ok(path) = Path::new(program.as_str()).canonicalize()
    {
        *program = path.display().to_string();
    }
    helper
}

/// Only says that something of this kind changed; what changed is fetched by whoever needs it.
fn signal_changes<K>(client: &Client, changes: &Changes, tasks: &mut JoinSet<()>)
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    let (api, changes): (Api<K>, _) = (Api::all(client.clone()), changes.clone());
    tasks.spawn(async move {
        let stream = watcher(api, watcher::Config::default()).default_backoff();
        let mut stream = std::pin::pin!(stream);
        let mut is_listed = false;
        while let Some(event) = stream.next().await {
            match event {
                Ok(Event::InitDone) => is_listed = true,
                Ok(Event::Init | Event::InitApply(_)) => continue,
                Ok(_) if is_listed => {}
                _ => continue,
            }
            changes.notify();
        }
    });
}

struct Known {
    name: String,
    pod: watch::Sender<Option<Arc<Pod>>>,
    /// Cancelled when nothing of the pod runs any more.
    ended: CancellationToken,
    worker: AbortHandle,
}

async fn run_pods(client: Client, node: &str, context: PodContext, stop: CancellationToken) {
    let assigned = watcher::Config::default().fields(&format!("spec.nodeName={node}"));
    let stream = watcher(Api::<Pod>::all(client), assigned)
        .default_backoff()
        .modify(|pod| pod.managed_fields_mut().clear());
    let mut stream = std::pin::pin!(stream);
    // Dropping this future drops the workers, and their containers end with them.
    let mut tasks = JoinSet::new();
    let mut workers: HashMap<String, Known> = HashMap::new();
    let mut listed: Vec<String> = Vec::new();
    loop {
        let event = tokio::select! {
            () = stop.cancelled() => break,
            event = stream.next() => event,
        };
        match event {
            None => break,
            Some(Err(error)) => tracing::debug!(%error, "watch of pods is begun again"),
            Some(Ok(Event::Init)) => listed.clear(),
            Some(Ok(Event::InitApply(pod))) => {
                listed.extend(pod.uid());
                give(&mut tasks, &mut workers, pod, &context, &stop);
            }
            Some(Ok(Event::InitDone)) => {
                // What went while nobody watched.
                workers.retain(|uid, known| listed.contains(uid) || forget(known));
                remove_left_folders(&context.pods_folder, &workers);
            }
            Some(Ok(Event::Apply(pod))) => give(&mut tasks, &mut workers, pod, &context, &stop),
            Some(Ok(Event::Delete(pod))) => {
                let uid = pod.uid().unwrap_or_default();
                workers.retain(|known_uid, known| *known_uid != uid || forget(known));
            }
        }
    }
    while tasks.join_next().await.is_some() {}
}

/// Tells a worker that its object is gone; false, so that it is dropped from the map (it ends by itself) unless its
/// processes are still ending and a successor of the same name has to wait for them.
fn forget(known: &mut Known) -> bool {
    known.pod.send_replace(None);
    !known.worker.is_finished()
}

fn give(
    tasks: &mut JoinSet<()>,
    workers: &mut HashMap<String, Known>,
    pod: Pod,
    context: &PodContext,
    stop: &CancellationToken,
) {
    workers.retain(|_, known| !known.worker.is_finished());
    let (uid, name) = (
        pod.uid().unwrap_or_default(),
        format!("{}/{}", pod.namespace().unwrap_or_default(), pod.name_any()),
    );
    let pod = Arc::new(pod);
    if let Some(known) = workers.get(&uid) {
        known.pod.send_replace(Some(pod));
        return;
    }
    // Two pods of one name never run at once here, even when the first one's object was deleted by force.
    let predecessors: Vec<CancellationToken> = workers
        .values()
        .filter(|known| known.name == name)
        .map(|known| known.ended.clone())
        .collect();
    let (sender, receiver) = watch::channel(Some(Arc::clone(&pod)));
    let (context, stop, ended) = (context.clone(), stop.clone(), CancellationToken::new());
    let at_end = ended.clone().drop_guard();
    while tasks.try_join_next().is_some() {}
    let worker = tasks.spawn(async move {
        for predecessor in predecessors {
            predecessor.cancelled().await;
        }
        Worker::new(context, pod).run(receiver, stop).await;
        drop(at_end);
    });
    workers.insert(
        uid,
        Known {
            name,
            pod: sender,
            ended,
            worker,
        },
    );
}

/// Folders of pods that are gone since an agent was killed.
fn remove_left_folders(pods: &Path, workers: &HashMap<String, Known>) {
    let Ok(entries) = std::fs::read_dir(pods) else {
        return;
    };
    for entry in entries.flatten() {
        if !workers.contains_key(entry.file_name().to_string_lossy().as_ref()) {
            // What cannot be removed now is tried again at the next start.
            let _left = std::fs::remove_dir_all(entry.path());
        }
    }
}
