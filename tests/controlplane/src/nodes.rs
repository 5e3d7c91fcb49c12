//! Nodes for the control plane: our own agent, in this process (simulated, with scripts) or as a program.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::runtime::wait::await_condition;
use stateward_node::{
    ControllersOptions, NodeOptions, PodRange, RuntimeKind, Simulation, StorageScope,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::control_plane::{ControlPlane, PATIENCE};
use crate::errors::ControlPlaneError;
use crate::supervisor::Program;

/// A node whose pods are ready at once, or as its script says. It has a runtime of its own, so tests may share it; it
/// ends, and its pods with it, when it is dropped.
pub struct SimulatedNode {
    /// What its containers do.
    pub simulation: Simulation,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
    _folder: TempDir,
}

impl Drop for SimulatedNode {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

/// A node as a program, `stateward-node`.
#[derive(Clone, Debug, Default)]
pub struct NodeProgram {
    /// Name of the node, and from now on of the component.
    pub name: String,
    /// The `stateward-node` program.
    pub program: PathBuf,
    /// No processes: pods are ready at once.
    pub is_simulated: bool,
    /// Files with further image recipes.
    pub recipes: Vec<PathBuf>,
}

impl ControlPlane {
    /// Registers a simulated node that lives in this process, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not become ready.
    pub async fn simulated_node(&self, name: &str) -> Result<SimulatedNode, ControlPlaneError> {
        let folder = tempfile::tempdir().map_err(ControlPlaneError::io("making a folder"))?;
        let simulation = Simulation::default();
        let stop = CancellationToken::new();
        let node = NodeOptions {
            name: name.to_owned(),
            folder: folder.path().to_owned(),
            runtime: RuntimeKind::Simulated(simulation.clone()),
            hidden: Vec::new(),
            recipes: Vec::new(),
            helper: Vec::new(),
            pods: self.pod_range(),
            dns: None,
            kubelet_port: Some(self.kubelet_port()),
        };
        let controllers = ControllersOptions {
            folder: folder.path().to_owned(),
            scheduler: false,
            nodes: false,
            endpoints: false,
            storage: self.storage_of_the_next_node(),
            dns: None,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(ControlPlaneError::io("making a runtime"))?;
        let (kubernetes, end) = (self.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let Ok(client) = kubernetes.client().await else {
                    return;
                };
                // What goes wrong shows in the node not becoming ready.
                let _outcome = tokio::join!(
                    stateward_node::run(client.clone(), node, end.clone()),
                    stateward_node::run_controllers(client, controllers, end),
                );
            });
        });
        let node = SimulatedNode {
            simulation,
            stop,
            thread: Some(thread),
            _folder: folder,
        };
        self.until_ready(name).await?;
        Ok(node)
    }

    /// Starts a node as a program beside the components, and waits until it is ready.
    ///
    /// # Errors
    /// When it does not become ready; its log is told.
    pub async fn start_node(&self, node: NodeProgram) -> Result<(), ControlPlaneError> {
        let folder = self.folder().join("nodes").join(&node.name);
        let mut args = vec![
            format!("--name={}", node.name),
            format!("--folder={}", folder.display()),
            format!("--kubelet-port={}", self.kubelet_port()),
            format!("--pod-addresses={}", self.pod_range().base),
        ];
        let recipes = node.recipes.iter();
        args.extend(recipes.map(|file| format!("--recipes={}", file.display())));
        if node.is_simulated {
            args.push("--simulated".to_owned());
        }
        if self.storage_of_the_next_node() == StorageScope::Provisioner {
            args.push("--provisioner".to_owned());
        }
        let program = Program {
            name: node.name.clone(),
            program: node.program,
            args,
            env: Vec::new(),
        };
        self.start_program(program).await?;
        self.until_ready(&node.name).await
    }

    /// The first node also makes volumes on demand; binding is the controller manager's.
    fn storage_of_the_next_node(&self) -> StorageScope {
        if self.has_provisioner.swap(true, Ordering::Relaxed) {
            StorageScope::Off
        } else {
            StorageScope::Provisioner
        }
    }

    /// Addresses that no other node of this process hands out; control planes of other processes may use the same, which
    /// matters only to pods that listen.
    fn pod_range(&self) -> PodRange {
        let number = self.nodes.fetch_add(1, Ordering::Relaxed);
        let third = u8::try_from(number % 250).unwrap_or_default();
        let second = 130 + u8::try_from(std::process::id() % 100).unwrap_or_default();
        PodRange {
            base: Ipv4Addr::new(127, second, third, 0),
            prefix: 24,
        }
    }

    async fn until_ready(&self, name: &str) -> Result<(), ControlPlaneError> {
        let nodes: Api<Node> = Api::all(self.client().await?);
        let is_ready = |node: Option<&Node>| {
            let conditions = node
                .and_then(|node| node.status.as_ref())
                .and_then(|status| status.conditions.as_ref());
            let mut ready = conditions.into_iter().flatten();
            ready.any(|condition| condition.type_ == "Ready" && condition.status == "True")
        };
        match tokio::time::timeout(PATIENCE, await_condition(nodes, name, is_ready)).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(ControlPlaneError::Node {
                name: name.to_owned(),
                seconds: PATIENCE.as_secs(),
                log: self.log(name),
            }),
        }
    }
}
