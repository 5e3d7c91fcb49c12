//! The control plane as a test holds it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::api::PostParams;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::ObjectMeta;
use kube::runtime::wait::await_condition;
use kube::{Api, Client, Config};
use serde::Serialize;
use serde_json::json;

use crate::component::STATEFULSET_CONTROLLER;
use crate::errors::ControlPlaneError;
use crate::options::{ClientLimits, Options};
use crate::program::{Built, built};
use crate::supervisor::{Program, Ready, Supervisor};
use crate::usage::{self, Usage};

/// Longer than a busy machine takes; only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A running control plane; it ends when this is dropped, and when this process dies.
#[derive(Clone, Debug)]
pub struct ControlPlane {
    supervisor: Arc<Supervisor>,
    ready: Ready,
    namespaces: Arc<AtomicU32>,
    pub(crate) nodes: Arc<AtomicU32>,
    pub(crate) has_provisioner: Arc<AtomicBool>,
}

impl ControlPlane {
    /// Starts one in a temporary folder, and waits until pods can be created.
    ///
    /// # Errors
    /// When it cannot be built or does not come up; what its components said last is part of what is told.
    pub async fn start(options: Options) -> Result<Self, ControlPlaneError> {
        blocking(move || {
            let program = built(Built::ControlPlane)?;
            let (supervisor, ready) = Supervisor::start(&program, &options.words())?;
            Ok(Self {
                supervisor: Arc::new(supervisor),
                ready,
                namespaces: Arc::default(),
                nodes: Arc::default(),
                has_provisioner: Arc::default(),
            })
        })
        .await
    }

    /// A client that may do everything, without limits. It belongs to the runtime that asks, so tests do not share one.
    ///
    /// # Errors
    /// When the kubeconfig cannot be read.
    pub async fn client(&self) -> Result<Client, ControlPlaneError> {
        let kubeconfig = Kubeconfig::read_from(&self.ready.kubeconfig)?;
        let config =
            Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        Client::try_from(config).map_err(ControlPlaneError::api("making a client"))
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.ready.kubeconfig
    }

    /// Where the API server is reached.
    pub fn server(&self) -> &str {
        &self.ready.server
    }

    /// Certificates, kubeconfigs, logs (`NAME.log`); gone at the end.
    pub fn folder(&self) -> &Path {
        &self.ready.folder
    }

    /// The port that nodes give as their kubelet's ([`stateward_node::NodeOptions::kubelet_port`]): who listens there
    /// hands exec and logs on to them.
    pub fn kubelet_port(&self) -> u16 {
        self.ready.kubelet_port
    }

    /// Where upstream's kubectl is, for programs that start one.
    pub fn kubectl_path(&self) -> PathBuf {
        self.ready.folder.join("kubectl")
    }

    /// Upstream's kubectl, as the administrator. Add the words, then `.output().await`.
    pub fn kubectl(&self) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(self.kubectl_path());
        command
            .env("KUBECONFIG", &self.ready.kubeconfig)
            // Without a home, nothing is read from or cached in the user's.
            .env("HOME", &self.ready.folder)
            .kill_on_drop(true);
        command
    }

    /// A new namespace in which pods can be created. Its name begins with `topic` and is nobody else's.
    ///
    /// # Errors
    /// When the API refuses.
    pub async fn namespace(&self, topic: &str) -> Result<String, ControlPlaneError> {
        let client = self.client().await?;
        let name = format!(
            "{topic}-{}",
            self.namespaces.fetch_add(1, Ordering::Relaxed)
        );
        let namespace = Namespace {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                ..ObjectMeta::default()
            },
            ..Namespace::default()
        };
        let doing = format!("creating namespace {name}");
        Api::all(client.clone())
            .create(&PostParams::default(), &namespace)
            .await
            .map_err(ControlPlaneError::api(&doing))?;
        // Pods are refused before a controller has made it.
        let accounts: Api<ServiceAccount> = Api::namespaced(client, &name);
        let is_there = |account: Option<&ServiceAccount>| account.is_some();
        match tokio::time::timeout(PATIENCE, await_condition(accounts, "default", is_there)).await {
            Ok(Ok(_)) => Ok(name),
            _ => Err(ControlPlaneError::Refused {
                message: format!("namespace {name} gets no default service account"),
            }),
        }
    }

    /// Upstream's StatefulSet controller alone in a process, [`STATEFULSET_CONTROLLER`]; for a control plane
    /// [without it](Options::without_statefulset_controller).
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_statefulset_controller(
        &self,
        limits: ClientLimits,
        further: &[&str],
    ) -> Result<(), ControlPlaneError> {
        let mut args = vec!["--controllers=statefulset-controller".to_owned()];
        args.extend(limits.flags());
        args.extend(further.iter().map(|&flag| flag.to_owned()));
        let request = json!({ "do": "controllers", "name": STATEFULSET_CONTROLLER, "args": args });
        self.ask(STATEFULSET_CONTROLLER, request).await
    }

    /// A program of ours, beside the components: frozen, killed, started again and measured like them.
    ///
    /// # Errors
    /// When it does not start, or one of its name runs.
    pub async fn start_program(&self, program: Program) -> Result<(), ControlPlaneError> {
        #[derive(Serialize)]
        struct Start {
            r#do: &'static str,
            #[serde(flatten)]
            program: Program,
        }
        let name = program.name.clone();
        let r#do = "start";
        self.ask(&name, Start { r#do, program }).await
    }

    /// Ends a component at once (KILL); afterwards it is gone.
    ///
    /// # Errors
    /// When nothing of the name runs.
    pub async fn kill(&self, component: &str) -> Result<(), ControlPlaneError> {
        self.act("kill", component).await
    }

    /// Ends a component in good order (TERM); afterwards it is gone.
    ///
    /// # Errors
    /// When nothing of the name runs.
    pub async fn end(&self, component: &str) -> Result<(), ControlPlaneError> {
        self.act("end", component).await
    }

    /// Lets a component stand still (STOP) with all its connections open.
    ///
    /// # Errors
    /// When nothing of the name runs.
    pub async fn freeze(&self, component: &str) -> Result<(), ControlPlaneError> {
        self.act("freeze", component).await?;
        // The signal is on its way; a thread that runs on another core may still answer.
        let pid = self.supervisor.pid(component)?;
        while !usage::is_stopped(pid)? {
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Lets it go on (CONT).
    ///
    /// # Errors
    /// When nothing of the name runs.
    pub async fn thaw(&self, component: &str) -> Result<(), ControlPlaneError> {
        self.act("thaw", component).await
    }

    /// Starts what was killed or ended, with the same words. Does not wait until it is ready.
    ///
    /// # Errors
    /// When it runs, or never did.
    pub async fn start_again(&self, component: &str) -> Result<(), ControlPlaneError> {
        self.act("start", component).await
    }

    /// What a component has used until now.
    ///
    /// # Errors
    /// When nothing of the name runs.
    pub fn usage(&self, component: &str) -> Result<Usage, ControlPlaneError> {
        Usage::of(self.supervisor.pid(component)?)
    }

    /// The number of a component's process.
    ///
    /// # Errors
    /// When nothing of the name was started.
    pub fn pid(&self, component: &str) -> Result<u32, ControlPlaneError> {
        self.supervisor.pid(component)
    }

    /// What a component has written until now.
    pub fn log(&self, component: &str) -> String {
        let path = self.ready.folder.join(format!("{component}.log"));
        std::fs::read(path)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    async fn act(&self, what: &str, component: &str) -> Result<(), ControlPlaneError> {
        let request = json!({ "do": what, "name": component });
        self.ask(component, request).await
    }

    async fn ask(
        &self,
        name: &str,
        request: impl Serialize + Send + 'static,
    ) -> Result<(), ControlPlaneError> {
        let (supervisor, name) = (Arc::clone(&self.supervisor), name.to_owned());
        blocking(move || supervisor.ask(&name, &request)).await
    }
}

/// The conversation blocks, and is not bound to a runtime: tests with runtimes of their own share a control plane.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ControlPlaneError> + Send + 'static,
) -> Result<T, ControlPlaneError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_panicked) => Err(ControlPlaneError::Ended),
    }
}
