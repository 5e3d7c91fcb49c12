//! Who takes part. Each runs alone, in a process of its own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, PostParams};
use kube::runtime::wait::await_condition;
use serde_json::json;
use stateward_controlplane::{ClientLimits, ControlPlane, Program, component};

const OPERATOR: &str = "stateward";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Contender {
    /// The judge: upstream's controller, the limits of its client lifted.
    Upstream,
    /// As upstream ships it.
    UpstreamLimited,
    /// Ours on the same StatefulSets.
    Ours,
    /// Ours on StatefulApps, with a hook before every pod and one after it.
    OursHooked,
}

impl Contender {
    /// All; who begins changes from round to round.
    pub(crate) fn in_turn(round: usize) -> Vec<Self> {
        let mut all = vec![
            Self::Upstream,
            Self::Ours,
            Self::OursHooked,
            Self::UpstreamLimited,
        ];
        all.rotate_left(round % 3);
        all
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Upstream => "upstream, limits lifted",
            Self::UpstreamLimited => "upstream, its own limits",
            Self::Ours => "stateward",
            Self::OursHooked => "stateward, two hooks",
        }
    }

    pub(crate) fn component(self) -> &'static str {
        match self {
            Self::Upstream | Self::UpstreamLimited => component::STATEFULSET_CONTROLLER,
            Self::Ours | Self::OursHooked => OPERATOR,
        }
    }

    pub(crate) fn kind(self) -> ApiResource {
        match self {
            Self::OursHooked => resource("stateward.dev", "v1alpha1", "StatefulApp"),
            _ => resource("apps", "v1", "StatefulSet"),
        }
    }

    /// Starts it, and waits until it has written something.
    pub(crate) async fn start(self, kubernetes: &ControlPlane) -> Result<()> {
        match self {
            Self::Upstream => {
                kubernetes
                    .start_statefulset_controller(ClientLimits::LIFTED, &[])
                    .await?
            }
            Self::UpstreamLimited => {
                kubernetes
                    .start_statefulset_controller(ClientLimits::UPSTREAM, &[])
                    .await?
            }
            Self::Ours | Self::OursHooked => {
                let words = ["run", "--statefulsets"];
                let operator = Program {
                    name: OPERATOR.to_owned(),
                    program: stateward()?,
                    args: words.map(str::to_owned).to_vec(),
                    env: vec![format!("HOME={}", kubernetes.folder().display())],
                };
                kubernetes.start_program(operator).await?;
            }
        }
        self.first_sign(kubernetes).await
    }

    pub(crate) async fn end(self, kubernetes: &ControlPlane) -> Result<()> {
        Ok(kubernetes.kill(self.component()).await?)
    }

    async fn first_sign(self, kubernetes: &ControlPlane) -> Result<()> {
        let client = kubernetes.client().await?;
        let namespace = kubernetes.namespace("first").await?;
        let sets: Api<DynamicObject> = Api::namespaced_with(client, &namespace, &self.kind());
        let none = serde_json::from_value(self.manifest("none", 0, false))?;
        sets.create(&PostParams::default(), &none).await?;
        // Compiling the plugin is no part of what is measured.
        let is_loading = |status: &serde_json::Value| {
            let waiting = status["waiting"].as_array();
            waiting.is_some_and(|all| all.iter().any(|one| one["reason"] == "PluginLoading"))
        };
        let is_seen = |set: Option<&DynamicObject>| {
            set.map(|set| &set.data["status"])
                .is_some_and(|status| status["observedGeneration"].is_i64() && !is_loading(status))
        };
        let seen = await_condition(sets, "none", is_seen);
        (tokio::time::timeout(Duration::from_secs(60), seen).await).with_context(|| {
            format!(
                "{} does nothing:\n{}",
                self.name(),
                kubernetes.log(self.component())
            )
        })??;
        Ok(())
    }

    /// An app of one container without claims.
    pub(crate) fn manifest(
        self,
        name: &str,
        replicas: u32,
        is_parallel: bool,
    ) -> serde_json::Value {
        let policy = if is_parallel {
            "Parallel"
        } else {
            "OrderedReady"
        };
        let mut app = json!({
            "apiVersion": self.kind().api_version,
            "kind": self.kind().kind,
            "metadata": { "name": name },
            "spec": {
                "replicas": replicas,
                "serviceName": name,
                "podManagementPolicy": policy,
                "selector": { "matchLabels": { "app": name } },
                "template": {
                    "metadata": { "labels": { "app": name } },
                    "spec": {
                        "automountServiceAccountToken": false,
                        "terminationGracePeriodSeconds": 0,
                        "containers": [{ "name": "main", "image": "app:1" }],
                    },
                },
            },
        });
        if self == Self::OursHooked {
            app["spec"]["plugin"] = json!({ "name": "consents" });
        }
        app
    }
}

/// The definitions, and the plugin.
pub(crate) async fn prepare(kubernetes: &ControlPlane) -> Result<()> {
    let client = kubernetes.client().await?;
    stateward_operator::install_crds(client.clone()).await?;
    let plugins: Api<DynamicObject> =
        Api::all_with(client, &resource("stateward.dev", "v1alpha1", "Plugin"));
    let component = target().join("wasm32-wasip2/plugin/examples/consents.wasm");
    let plugin = json!({
        "apiVersion": "stateward.dev/v1alpha1",
        "kind": "Plugin",
        "metadata": { "name": "consents" },
        "spec": { "source": { "file": component } },
    });
    plugins
        .create(&PostParams::default(), &serde_json::from_value(plugin)?)
        .await?;
    Ok(())
}

pub(crate) fn pods(client: Client, namespace: &str) -> Api<k8s_openapi::api::core::v1::Pod> {
    Api::namespaced(client, namespace)
}

fn resource(group: &str, version: &str, kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

pub(crate) fn target() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target")
}

fn stateward() -> Result<PathBuf> {
    let program = target().join("release/stateward");
    (program.exists().then_some(program))
        .context("target/release/stateward is not built: `make bench` builds it")
}
