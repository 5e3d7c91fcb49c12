//! What a pod needs before its containers: admission, address, volumes.

use std::collections::BTreeMap;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use tokio::time::Instant;

use super::lifecycle;
use super::record::State;
use super::worker::Worker;
use crate::events::Kind;
use crate::volumes::{Source, VolumeContext, VolumeError};

impl Worker {
    pub(super) async fn prepare(&mut self) {
        let wanted = self
            .pod
            .status
            .as_ref()
            .and_then(|status| status.pod_ip.as_deref());
        let wanted = wanted.and_then(|address| address.parse().ok());
        self.address = self.context.addresses.assign(&self.uid, wanted);
        let pod = Arc::clone(&self.pod);
        if !self.context.host_ports.take(&self.uid, &pod) {
            let text = "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports";
            self.refused = Some(lifecycle::Outcome::Failed);
            self.refusal = Some(("NodePorts", text.to_owned()));
            self.context
                .events
                .publish(&*pod, Kind::Warning, "NodePorts", text)
                .await;
            return;
        }
        if self.address.is_none() {
            let message =
                "no address left in the node's range for pods; give the node a larger one";
            self.not_prepared("FailedCreatePodSandBox", message).await;
            return;
        }
        self.warn_of_pull_secrets(&pod).await;
        if !self.context.runtime.needs_volumes() {
            self.volumes = Some(BTreeMap::new());
            return;
        }
        match self.make_volumes().await {
            Ok(volumes) => self.volumes = Some(volumes),
            Err(error) => self.not_prepared("FailedMount", &error.to_string()).await,
        }
    }

    async fn make_volumes(&self) -> Result<BTreeMap<String, Source>, VolumeError> {
        let folder = self.folder().join("volumes");
        let context = VolumeContext {
            client: &self.context.client,
            node_folder: &self.context.folder,
            folder: &folder,
        };
        context.prepare(&self.told_pod()).await
    }

    /// The pod with what the node knows before the API does.
    pub(super) fn told_pod(&self) -> Pod {
        let mut pod = (*self.pod).clone();
        let status = pod.status.get_or_insert_default();
        status.host_ip = Some(self.context.node_address.to_string());
        status.pod_ip = self.address.map(|address| address.to_string());
        pod
    }

    async fn not_prepared(&mut self, reason: &str, message: &str) {
        self.prepare_at = Some(Instant::now() + self.prepare_backoff.after_refusal());
        let pod = Arc::clone(&self.pod);
        self.context
            .events
            .publish(&*pod, Kind::Warning, reason, message)
            .await;
    }

    /// Something that pods refer to has changed: what waits for it tries again, and volumes show the new content.
    pub(super) async fn look_again(&mut self) {
        let now = Instant::now();
        if self.prepare_at.is_some() {
            self.prepare_at = Some(now);
        }
        for container in &mut self.containers {
            if matches!(container.state, State::Waiting { reason, .. } if reason == "CreateContainerConfigError")
            {
                container.not_before = None;
            }
        }
        if self.volumes.is_some()
            && self.context.runtime.needs_volumes()
            && self.has_content_volumes()
        {
            // A source that is gone now leaves the files as they are, as with a kubelet.
            if let Err(error) = self.make_volumes().await {
                tracing::debug!(%error, pod = self.pod.name_any(), "volumes keep their content");
            }
        }
    }

    fn has_content_volumes(&self) -> bool {
        let volumes = self
            .pod
            .spec
            .as_ref()
            .and_then(|spec| spec.volumes.as_ref());
        volumes.into_iter().flatten().any(|volume| {
            volume.config_map.is_some() || volume.secret.is_some() || volume.projected.is_some()
        })
    }
}
