//! Claims stay while a pod uses them. On Kubernetes the controller manager sees to it, on the embedded API an agent of the nodes that does not run here.

use std::collections::BTreeMap;

use futures::StreamExt;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::watcher::{self, Event};
use kube::{Client, ResourceExt};
use serde_json::json;
use tokio::task::JoinHandle;

const FINALIZER: &str = "kubernetes.io/pvc-protection";

/// Who protects the claims of one namespace; ends with this value.
pub(super) struct Protection(JoinHandle<()>);

impl Protection {
    pub(super) fn start(client: Client, namespace: &str) -> Self {
        let api = Api::<PersistentVolumeClaim>::namespaced(client.clone(), namespace);
        let claims = watcher::watcher(api.clone(), watcher::Config::default());
        let pods = watcher::watcher(
            Api::<Pod>::namespaced(client, namespace),
            watcher::Config::default(),
        );
        let mut worker = Worker {
            api,
            claims: BTreeMap::new(),
            pods: BTreeMap::new(),
        };
        Self(tokio::spawn(async move {
            let (mut claims, mut pods) = (std::pin::pin!(claims), std::pin::pin!(pods));
            loop {
                tokio::select! {
                    Some(event) = claims.next() => see(&mut worker.claims, event),
                    Some(event) = pods.next() => see(&mut worker.pods, event),
                    else => return,
                }
                worker.tend().await;
            }
        }))
    }
}

impl Drop for Protection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What cannot be watched now is watched again, with all that is there.
fn see<K: ResourceExt>(known: &mut BTreeMap<String, K>, event: watcher::Result<Event<K>>) {
    match event {
        Ok(Event::Apply(object) | Event::InitApply(object)) => {
            known.insert(object.name_any(), object);
        }
        Ok(Event::Delete(object)) => {
            known.remove(&object.name_any());
        }
        Ok(Event::Init | Event::InitDone) | Err(_) => {}
    }
}

struct Worker {
    api: Api<PersistentVolumeClaim>,
    claims: BTreeMap<String, PersistentVolumeClaim>,
    pods: BTreeMap<String, Pod>,
}

impl Worker {
    async fn tend(&mut self) {
        for (name, claim) in self.claims.clone() {
            let is_protected = claim.finalizers().iter().any(|one| one == FINALIZER);
            let is_leaving = claim.metadata.deletion_timestamp.is_some();
            let mut finalizers = claim.finalizers().to_vec();
            match (is_leaving, is_protected) {
                (false, false) => finalizers.push(FINALIZER.to_owned()),
                (true, true) if !self.is_used(&name) => finalizers.retain(|one| one != FINALIZER),
                _ => continue,
            }
            let patch = json!({ "metadata": {
                "resourceVersion": claim.resource_version(), "finalizers": finalizers,
            }});
            let patch = Patch::Merge(&patch);
            // Whatever is refused here is told by the next event of the claim.
            let patched = self.api.patch(&name, &PatchParams::default(), &patch).await;
            if let Ok(patched) = patched {
                self.claims.insert(name, patched);
            }
        }
    }

    /// As upstream has it: by a pod that has a node, also when it has ended.
    fn is_used(&self, claim: &str) -> bool {
        self.pods.values().any(|pod| {
            let Some(spec) = &pod.spec else { return false };
            let volumes = spec.volumes.iter().flatten();
            spec.node_name.is_some()
                && volumes
                    .filter_map(|volume| volume.persistent_volume_claim.as_ref())
                    .any(|source| source.claim_name == claim)
        })
    }
}
