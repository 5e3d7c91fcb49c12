//! Writing what the plan says.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{
    HostPathVolumeSource, PersistentVolume, PersistentVolumeClaim, PersistentVolumeSpec,
    PersistentVolumeStatus,
};
use k8s_openapi::api::storage::v1::StorageClass;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Resource, ResourceExt};
use serde_json::{Value, json};

use super::plan::{CLAIM_PROTECTION, Step, Unbindable};
use super::{StorageController, class_name};
use crate::events::Kind;

/// Whose volumes these are; on every volume that was made here.
const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";

impl StorageController {
    /// Whether the caches are older than what was written to the step's objects.
    pub(super) fn is_stale(&self, step: &Step) -> bool {
        let old = |metadata: &ObjectMeta| {
            let seen = metadata
                .resource_version
                .as_deref()
                .and_then(|version| version.parse().ok());
            let written = metadata.uid.as_ref().and_then(|uid| self.written.get(uid));
            written.is_some_and(|written| seen.is_none_or(|seen: u64| seen < *written))
        };
        match step {
            Step::Protect(claim)
            | Step::Unprotect(claim)
            | Step::Classify(claim, _)
            | Step::Provision(claim, _)
            | Step::Report(claim, _)
            | Step::Lose(claim) => old(&claim.metadata),
            Step::Bind(claim, volume) | Step::Expand(claim, volume) => {
                old(&claim.metadata) || old(&volume.metadata)
            }
            Step::MakeAvailable(volume) | Step::Release(volume) | Step::Reclaim(volume) => {
                old(&volume.metadata)
            }
        }
    }

    fn wrote<K: Resource>(&mut self, object: &K) {
        let meta = object.meta();
        let version = meta
            .resource_version
            .as_deref()
            .and_then(|version| version.parse().ok());
        if let (Some(uid), Some(version)) = (meta.uid.clone(), version) {
            self.written.insert(uid, version);
        }
    }

    pub(super) async fn execute(&mut self, step: &Step) -> kube::Result<()> {
        match step {
            Step::Protect(claim) => {
                let mut finalizers = claim.finalizers().to_vec();
                finalizers.push(CLAIM_PROTECTION.to_owned());
                self.set_finalizers(claim, &finalizers).await
            }
            Step::Unprotect(claim) => {
                let kept = claim
                    .finalizers()
                    .iter()
                    .filter(|finalizer| *finalizer != CLAIM_PROTECTION);
                let kept: Vec<String> = kept.cloned().collect();
                self.set_finalizers(claim, &kept).await
            }
            Step::Classify(claim, class) => {
                let patch = json!({ "spec": { "storageClassName": class } });
                self.patch_claim(claim, patch).await
            }
            Step::Bind(claim, volume) => self.bind(claim, volume).await,
            Step::Provision(claim, class) => self.provision(claim, class).await,
            Step::Report(claim, why) => self.report(claim, why).await,
            Step::Lose(claim) => self.lose(claim).await,
            Step::Expand(claim, volume) => self.expand(claim, volume).await,
            Step::MakeAvailable(volume) => self.set_phase(volume, "Available").await,
            Step::Release(volume) if self.claim_is_gone(volume).await? => {
                self.set_phase(volume, "Released").await
            }
            Step::Reclaim(volume) if self.claim_is_gone(volume).await? => {
                self.reclaim(volume).await
            }
            Step::Release(_) | Step::Reclaim(_) => Ok(()),
        }
    }

    fn claims_of(&self, claim: &PersistentVolumeClaim) -> Api<PersistentVolumeClaim> {
        Api::namespaced(self.client.clone(), &claim.namespace().unwrap_or_default())
    }

    fn volumes_api(&self) -> Api<PersistentVolume> {
        Api::all(self.client.clone())
    }

    async fn set_finalizers(
        &mut self,
        claim: &PersistentVolumeClaim,
        finalizers: &[String],
    ) -> kube::Result<()> {
        // The version keeps others' finalizers from being lost.
        let version = claim.resource_version();
        let patch = json!({ "metadata": { "resourceVersion": version, "finalizers": finalizers } });
        self.patch_claim(claim, patch).await
    }

    async fn patch_claim(
        &mut self,
        claim: &PersistentVolumeClaim,
        patch: Value,
    ) -> kube::Result<()> {
        let patched = self
            .claims_of(claim)
            .patch(
                &claim.name_any(),
                &PatchParams::default(),
                &Patch::Merge(patch),
            )
            .await?;
        self.wrote(&patched);
        Ok(())
    }

    async fn patch_claim_status(
        &mut self,
        claim: &PersistentVolumeClaim,
        status: Value,
    ) -> kube::Result<()> {
        let patch = Patch::Merge(json!({ "status": status }));
        let patched = self
            .claims_of(claim)
            .patch_status(&claim.name_any(), &PatchParams::default(), &patch)
            .await?;
        self.wrote(&patched);
        Ok(())
    }

    async fn set_phase(&mut self, volume: &PersistentVolume, phase: &str) -> kube::Result<()> {
        let patch = Patch::Merge(json!({ "status": { "phase": phase } }));
        let patched = self
            .volumes_api()
            .patch_status(&volume.name_any(), &PatchParams::default(), &patch)
            .await?;
        self.wrote(&patched);
        Ok(())
    }

    /// Volume first: once it names the claim, nobody else gets it, and a binding that was cut short is found again.
    async fn bind(
        &mut self,
        claim: &PersistentVolumeClaim,
        volume: &PersistentVolume,
    ) -> kube::Result<()> {
        let is_reserved = volume
            .spec
            .as_ref()
            .and_then(|spec| spec.claim_ref.as_ref()?.uid.as_ref())
            .is_some_and(|uid| Some(uid) == claim.metadata.uid.as_ref());
        if !is_reserved {
            let patch = Patch::Merge(json!({
                "metadata": {
                    "resourceVersion": volume.metadata.resource_version,
                    "annotations": { "pv.kubernetes.io/bound-by-controller": "yes" },
                },
                "spec": { "claimRef": reference(claim) },
            }));
            let patched = self
                .volumes_api()
                .patch(&volume.name_any(), &PatchParams::default(), &patch)
                .await?;
            self.wrote(&patched);
        }
        if volume
            .status
            .as_ref()
            .and_then(|status| status.phase.as_deref())
            != Some("Bound")
        {
            self.set_phase(volume, "Bound").await?;
        }
        let patch = json!({
            "metadata": { "annotations": {
                "pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes",
            } },
            "spec": { "volumeName": volume.name_any() },
        });
        self.patch_claim(claim, patch).await?;
        let offered = volume.spec.clone().unwrap_or_default();
        let status = json!({ "phase": "Bound", "accessModes": offered.access_modes, "capacity": offered.capacity });
        self.patch_claim_status(claim, status).await
    }

    async fn provision(
        &mut self,
        claim: &Arc<PersistentVolumeClaim>,
        class: &StorageClass,
    ) -> kube::Result<()> {
        let name = format!("pvc-{}", claim.uid().unwrap_or_default());
        let namespace = claim.namespace().unwrap_or_default();
        let path = self
            .folder
            .join(format!("{namespace}-{}-{name}", claim.name_any()));
        let made = std::fs::create_dir_all(&path)
            .and_then(|()| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)));
        if let Err(error) = made {
            let text = format!("failed to provision volume: {}: {error}", path.display());
            return self
                .tell(claim, Kind::Warning, "ProvisioningFailed", text)
                .await;
        }
        let asked = claim.spec.clone().unwrap_or_default();
        let volume = PersistentVolume {
            metadata: ObjectMeta {
                name: Some(name.clone()),
                annotations: Some(BTreeMap::from([(
                    PROVISIONED_BY.to_owned(),
                    class.provisioner.clone(),
                )])),
                ..ObjectMeta::default()
            },
            spec: Some(PersistentVolumeSpec {
                access_modes: asked.access_modes,
                capacity: asked.resources.and_then(|resources| resources.requests),
                claim_ref: serde_json::from_value(reference(claim)).ok(),
                host_path: Some(HostPathVolumeSource {
                    path: path.display().to_string(),
                    type_: Some("DirectoryOrCreate".to_owned()),
                }),
                mount_options: class.mount_options.clone(),
                persistent_volume_reclaim_policy: class
                    .reclaim_policy
                    .clone()
                    .or(Some("Delete".to_owned())),
                storage_class_name: class_name(claim).map(str::to_owned),
                volume_mode: asked.volume_mode,
                ..PersistentVolumeSpec::default()
            }),
            status: None::<PersistentVolumeStatus>,
        };
        let api = self.volumes_api();
        let volume = match api.create(&PostParams::default(), &volume).await {
            Ok(created) => created,
            // Made by an attempt that was cut short: its name holds the claim's UID.
            Err(kube::Error::Api(answer)) if answer.code == 409 => api.get(&name).await?,
            Err(error) => return Err(error),
        };
        self.wrote(&volume);
        let text = format!("Successfully provisioned volume {name}");
        self.tell(claim, Kind::Normal, "ProvisioningSucceeded", text)
            .await?;
        if self.scope == crate::options::StorageScope::Everything {
            self.bind(claim, &volume).await?;
        }
        Ok(())
    }

    async fn report(
        &mut self,
        claim: &PersistentVolumeClaim,
        why: &Unbindable,
    ) -> kube::Result<()> {
        let (kind, reason, text) = match why {
            Unbindable::NoVolume => (
                Kind::Normal,
                "FailedBinding",
                "no persistent volumes available for this claim and no storage class is set"
                    .to_owned(),
            ),
            Unbindable::NoProvisioner(class) => (
                Kind::Normal,
                "FailedBinding",
                format!(
                    "no persistent volumes available for this claim, and class {class:?} makes none"
                ),
            ),
            Unbindable::NoSuchClass(class) => (
                Kind::Warning,
                "ProvisioningFailed",
                format!("storageclass.storage.k8s.io {class:?} not found"),
            ),
            Unbindable::VolumeTaken(volume) => (
                Kind::Warning,
                "FailedBinding",
                format!("volume {volume:?} already bound to a different claim."),
            ),
            Unbindable::Selector => (
                Kind::Warning,
                "ProvisioningFailed",
                "no persistent volume has these labels, and one on demand cannot be chosen by a selector"
                    .to_owned(),
            ),
            Unbindable::WaitsForConsumer => (
                Kind::Normal,
                "WaitForFirstConsumer",
                "waiting for first consumer to be created before binding".to_owned(),
            ),
        };
        self.tell(claim, kind, reason, text).await
    }

    /// Writes an event, unless it was the last one about this claim.
    async fn tell(
        &mut self,
        claim: &PersistentVolumeClaim,
        kind: Kind,
        reason: &str,
        text: String,
    ) -> kube::Result<()> {
        let uid = claim.uid().unwrap_or_default();
        if self.told.get(&uid) != Some(&text) {
            self.events.publish(claim, kind, reason, &text).await;
            self.told.insert(uid, text);
        }
        Ok(())
    }

    async fn lose(&mut self, claim: &PersistentVolumeClaim) -> kube::Result<()> {
        let name = claim
            .spec
            .as_ref()
            .and_then(|spec| spec.volume_name.clone());
        if self
            .volumes_api()
            .get_opt(&name.unwrap_or_default())
            .await?
            .is_some()
        {
            return Ok(());
        }
        let text =
            "Bound claim has lost its PersistentVolume. Data on the volume is lost!".to_owned();
        self.tell(claim, Kind::Warning, "ClaimLost", text).await?;
        self.patch_claim_status(claim, json!({ "phase": "Lost" }))
            .await
    }

    async fn expand(
        &mut self,
        claim: &PersistentVolumeClaim,
        volume: &PersistentVolume,
    ) -> kube::Result<()> {
        let asked = claim.spec.clone().unwrap_or_default().resources;
        let asked = asked
            .and_then(|resources| resources.requests)
            .unwrap_or_default();
        let patch = Patch::Merge(json!({ "spec": { "capacity": asked } }));
        let patched = self
            .volumes_api()
            .patch(&volume.name_any(), &PatchParams::default(), &patch)
            .await?;
        self.wrote(&patched);
        self.patch_claim_status(claim, json!({ "capacity": asked }))
            .await?;
        let text = format!("volume {} holds what the claim asks for", volume.name_any());
        self.tell(claim, Kind::Normal, "VolumeResizeSuccessful", text)
            .await
    }

    /// Asked of the API itself, because what follows cannot be undone.
    async fn claim_is_gone(&self, volume: &PersistentVolume) -> kube::Result<bool> {
        let Some(reference) = volume
            .spec
            .as_ref()
            .and_then(|spec| spec.claim_ref.as_ref())
        else {
            return Ok(false);
        };
        let namespace = reference.namespace.as_deref().unwrap_or_default();
        let api: Api<PersistentVolumeClaim> = Api::namespaced(self.client.clone(), namespace);
        let found = api
            .get_opt(reference.name.as_deref().unwrap_or_default())
            .await?;
        Ok(found.is_none_or(|claim| claim.metadata.uid != reference.uid))
    }

    async fn reclaim(&mut self, volume: &PersistentVolume) -> kube::Result<()> {
        let was_made_here = volume.annotations().contains_key(PROVISIONED_BY);
        let path = volume
            .spec
            .as_ref()
            .and_then(|spec| spec.host_path.as_ref());
        let path = path.map(|host| PathBuf::from(&host.path));
        let Some(path) =
            path.filter(|path| was_made_here && path.parent() == Some(self.folder.as_path()))
        else {
            // Nobody here knows how to delete what somebody else made.
            return self.set_phase(volume, "Released").await;
        };
        match std::fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                let text = format!("{}: {error}", path.display());
                self.events
                    .publish(volume, Kind::Warning, "VolumeFailedDelete", &text)
                    .await;
                return Ok(());
            }
            _ => {}
        }
        let parameters = DeleteParams {
            preconditions: Some(Preconditions {
                uid: volume.uid(),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        self.volumes_api()
            .delete(&volume.name_any(), &parameters)
            .await
            .map(drop)
    }
}

fn reference(claim: &PersistentVolumeClaim) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "namespace": claim.metadata.namespace, "name": claim.metadata.name, "uid": claim.metadata.uid,
    })
}
