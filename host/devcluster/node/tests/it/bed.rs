//! A cluster with one node, in this process; gone with everything it started when it is dropped.

use std::fmt::Debug;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod};
use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind, NamespaceResourceScope, TypeMeta};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use stateward_devcluster::Cluster;
use stateward_node::{ControllersOptions, NodeOptions, PodRange, RuntimeKind, Simulation};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Nothing here takes longer on a busy machine; only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

static NEXT_RANGE: AtomicU8 = AtomicU8::new(1);

/// Kinds of objects in namespaces, as watches want them.
pub(crate) trait Watched:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + DeserializeOwned
    + Send
    + 'static
{
}

impl<K> Watched for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + 'static
{
}

pub(crate) struct Bed {
    pub(crate) cluster: Cluster,
    pub(crate) client: Client,
    pub(crate) simulation: Simulation,
    pub(crate) folder: TempDir,
    stop: CancellationToken,
    stop_of_node: CancellationToken,
    node: Option<JoinHandle<()>>,
    options: NodeOptions,
}

impl Bed {
    pub(crate) async fn simulated() -> Self {
        let simulation = Simulation::default();
        Self::new(RuntimeKind::Simulated(simulation.clone()), simulation).await
    }

    pub(crate) async fn process() -> Self {
        Self::new(RuntimeKind::Process, Simulation::default()).await
    }

    /// Around a cluster whose node is run by somebody else.
    pub(crate) fn around(cluster: &Cluster) -> Self {
        let client = cluster.client("default");
        let folder = tempfile::tempdir().expect("a folder");
        Self {
            cluster: cluster.clone(),
            client,
            simulation: Simulation::default(),
            stop: CancellationToken::new(),
            stop_of_node: CancellationToken::new(),
            node: None,
            options: NodeOptions {
                name: "node".to_owned(),
                folder: folder.path().to_owned(),
                hidden: Vec::new(),
                runtime: RuntimeKind::Process,
                recipes: Vec::new(),
                helper: Vec::new(),
                pods: PodRange::default(),
                dns: None,
                kubelet_port: None,
            },
            folder,
        }
    }

    async fn new(runtime: RuntimeKind, simulation: Simulation) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let cluster = Cluster::in_memory();
        let client = cluster.client("default");
        let number = NEXT_RANGE.fetch_add(1, Ordering::Relaxed);
        let dns = Ipv4Addr::new(127, 101, number, 253);
        let options = NodeOptions {
            name: "node".to_owned(),
            folder: folder.path().to_owned(),
            hidden: Vec::new(),
            runtime,
            recipes: Vec::new(),
            helper: vec![env!("CARGO_BIN_EXE_stateward-node").to_owned()],
            pods: PodRange {
                base: Ipv4Addr::new(127, 101, number, 0),
                prefix: 25,
            },
            dns: Some(dns),
            kubelet_port: None,
        };
        let stop = CancellationToken::new();
        let controllers = ControllersOptions {
            dns: Some(SocketAddr::from((dns, 53))),
            ..ControllersOptions::all(folder.path())
        };
        let controllers =
            stateward_node::run_controllers(client.clone(), controllers, stop.clone());
        tokio::spawn(async move { controllers.await.expect("controllers run") });
        let mut bed = Self {
            cluster,
            client,
            simulation,
            folder,
            stop,
            stop_of_node: CancellationToken::new(),
            node: None,
            options,
        };
        bed.start_node();
        bed
    }

    pub(crate) fn start_node(&mut self) {
        let stop = self.stop.child_token();
        self.stop_of_node = stop.clone();
        let node = stateward_node::run(self.client.clone(), self.options.clone(), stop);
        self.node = Some(tokio::spawn(
            async move { node.await.expect("the node runs") },
        ));
    }

    /// One more node, simulated, with a script of its own.
    pub(crate) fn add_simulated_node(&self, name: &str) -> Simulation {
        let simulation = Simulation::default();
        let mut options = self.options.clone();
        options.name = name.to_owned();
        options.runtime = RuntimeKind::Simulated(simulation.clone());
        options.pods.base = Ipv4Addr::from(u32::from(options.pods.base) + 128);
        options.pods.prefix = 26;
        let node = stateward_node::run(self.client.clone(), options, self.stop.child_token());
        tokio::spawn(async move { node.await.expect("the node runs") });
        simulation
    }

    /// As `dev` does when it is told to end.
    pub(crate) async fn stop_node(&mut self) {
        self.stop_of_node.cancel();
        if let Some(node) = self.node.take() {
            node.await.expect("the node ends");
        }
    }

    /// As a crash: nothing is ended in good order.
    pub(crate) async fn kill_node(&mut self) {
        if let Some(node) = self.node.take() {
            node.abort();
            let _aborted = node.await;
        }
    }

    pub(crate) fn name_server(&self) -> Ipv4Addr {
        self.options.dns.expect("a name server")
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Applies every document of a manifest.
    pub(crate) async fn apply(&self, manifest: &str) {
        for document in serde_yaml::Deserializer::from_str(manifest) {
            let object = DynamicObject::deserialize(document).expect("a manifest");
            let types = object.types.clone().expect("apiVersion and kind");
            let api = self.dynamic(&types, object.metadata.namespace.as_deref());
            let name = object.metadata.name.clone().expect("a name");
            api.patch(&name, &PatchParams::apply("test"), &Patch::Apply(&object))
                .await
                .unwrap_or_else(|error| panic!("{} {name}: {error}", types.kind));
        }
    }

    fn dynamic(&self, types: &TypeMeta, namespace: Option<&str>) -> Api<DynamicObject> {
        let kind = GroupVersionKind::try_from(types).expect("a kind");
        let resource = ApiResource::from_gvk(&kind);
        match types.kind.as_str() {
            "Namespace" | "StorageClass" | "PersistentVolume" | "Node" => {
                Api::all_with(self.client.clone(), &resource)
            }
            _ => Api::namespaced_with(
                self.client.clone(),
                namespace.unwrap_or("default"),
                &resource,
            ),
        }
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), "default")
    }

    /// The object, as soon as it is as described.
    pub(crate) async fn until<K>(&self, name: &str, what: &str, holds: impl Fn(&K) -> bool) -> K
    where
        K: Watched,
    {
        let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let stream = watcher(self.api::<K>(), config)
            .default_backoff()
            .applied_objects();
        let mut stream = std::pin::pin!(stream);
        let mut last = None;
        let found = tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(Ok(object)) = stream.next().await {
                    if holds(&object) {
                        return object;
                    }
                    last = Some(object);
                }
            }
        })
        .await;
        found.unwrap_or_else(|_| panic!("{name} does not become: {what}; last seen: {last:#?}"))
    }

    pub(crate) async fn until_ready(&self, pod: &str) -> Pod {
        self.until(pod, "ready", is_ready).await
    }

    /// Until no object of the name is left.
    pub(crate) async fn until_gone<K>(&self, name: &str)
    where
        K: Watched,
    {
        let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let mut stream = std::pin::pin!(watcher(self.api::<K>(), config));
        let gone = tokio::time::timeout(PATIENCE, async {
            let mut is_listed = false;
            loop {
                match stream.next().await {
                    Some(Ok(watcher::Event::Delete(_))) => return,
                    Some(Ok(watcher::Event::InitApply(_))) => is_listed = true,
                    Some(Ok(watcher::Event::InitDone)) if !is_listed => return,
                    _ => {}
                }
            }
        });
        gone.await.unwrap_or_else(|_| panic!("{name} does not go"));
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) fn is_ready(pod: &Pod) -> bool {
    condition(pod, "Ready").as_deref() == Some("True")
}

pub(crate) fn condition(pod: &Pod, name: &str) -> Option<String> {
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    let found = conditions
        .iter()
        .find(|condition| condition.type_ == name)?;
    Some(found.status.clone())
}

/// What is told of its first container.
pub(crate) fn first_container(pod: &Pod) -> Option<&ContainerStatus> {
    pod.status.as_ref()?.container_statuses.as_ref()?.first()
}

/// How often its first container was restarted.
pub(crate) fn restarts(pod: &Pod) -> i32 {
    first_container(pod).map_or(0, |container| container.restart_count)
}

/// Why its first container does not run.
pub(crate) fn waiting(pod: &Pod) -> Option<&str> {
    let state = first_container(pod)?.state.as_ref()?;
    state.waiting.as_ref()?.reason.as_deref()
}

/// How its first container ended, and is not started again.
pub(crate) fn end(pod: &Pod) -> Option<&ContainerStateTerminated> {
    first_container(pod)?.state.as_ref()?.terminated.as_ref()
}

pub(crate) fn phase(pod: &Pod) -> Option<&str> {
    pod.status.as_ref()?.phase.as_deref()
}

pub(crate) fn address(pod: &Pod) -> String {
    let status = pod.status.as_ref();
    status
        .and_then(|status| status.pod_ip.clone())
        .expect("an address")
}
