//! From a pod's claim to the folder of its volume.

use std::path::{Component, Path, PathBuf};

use k8s_openapi::api::core::v1::{
    PersistentVolume, PersistentVolumeClaim, PersistentVolumeClaimVolumeSource, Pod, Volume,
};
use kube::{Api, ResourceExt};

use super::{Source, VolumeContext, VolumeError, api_error, made};

impl VolumeContext<'_> {
    pub(super) async fn claim(
        &self,
        pod: &Pod,
        volume: &Volume,
        source: &PersistentVolumeClaimVolumeSource,
    ) -> Result<Source, VolumeError> {
        let (at, claim) = (volume.name.clone(), source.claim_name.clone());
        let namespace = pod.namespace().unwrap_or_default();
        let claims: Api<PersistentVolumeClaim> = Api::namespaced(self.client.clone(), &namespace);
        let Some(object) = claims.get_opt(&claim).await.map_err(api_error(volume))? else {
            return Err(VolumeError::ClaimMissing { volume: at, claim });
        };
        if object.metadata.deletion_timestamp.is_some() {
            return Err(VolumeError::ClaimDeleting { volume: at, claim });
        }
        let phase = object
            .status
            .as_ref()
            .and_then(|status| status.phase.as_deref());
        let bound = object
            .spec
            .as_ref()
            .and_then(|spec| spec.volume_name.clone());
        let (Some("Bound"), Some(name)) = (phase, bound) else {
            return Err(VolumeError::ClaimUnbound { volume: at, claim });
        };
        let volumes: Api<PersistentVolume> = Api::all(self.client.clone());
        let Some(object) = volumes.get_opt(&name).await.map_err(api_error(volume))? else {
            return Err(VolumeError::VolumeMissing {
                volume: at,
                claim,
                name,
            });
        };
        let Some(path) = folder_of(&object, self.node_folder) else {
            return Err(VolumeError::Unsupported { volume: at });
        };
        made(volume, &path)?;
        Ok(Source {
            path,
            read_only: source.read_only.unwrap_or_default(),
        })
    }
}

/// The folder of a persistent volume. A share of a file server that this machine does not have is a folder of the
/// node, the same for every pod that names the same server and path.
fn folder_of(volume: &PersistentVolume, node_folder: &Path) -> Option<PathBuf> {
    let spec = volume.spec.as_ref()?;
    if let Some(host) = &spec.host_path {
        return Some(PathBuf::from(&host.path));
    }
    if let Some(local) = &spec.local {
        return Some(PathBuf::from(&local.path));
    }
    let nfs = spec.nfs.as_ref()?;
    let below = Path::new(&nfs.path)
        .components()
        .filter(|part| matches!(part, Component::Normal(_)))
        .collect::<PathBuf>();
    Some(
        node_folder
            .join("nfs")
            .join(nfs.server.replace('/', "_"))
            .join(below),
    )
}
