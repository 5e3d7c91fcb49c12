//! A pod's volumes as folders of the machine.

mod claims;
mod content;
mod mounts;
mod projection;
mod tokens;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::{Pod, Volume};
use kube::Client;
use thiserror::Error;

pub(crate) use mounts::mounts;

/// Why a volume cannot be had now.
#[derive(Debug, Error)]
pub(crate) enum VolumeError {
    #[error(
        "volume {volume:?}: persistentvolumeclaim {claim:?} not found; create it, or correct the pod's claimName"
    )]
    ClaimMissing { volume: String, claim: String },
    #[error("volume {volume:?}: persistentvolumeclaim {claim:?} is not bound to a volume yet")]
    ClaimUnbound { volume: String, claim: String },
    #[error("volume {volume:?}: persistentvolumeclaim {claim:?} is being deleted")]
    ClaimDeleting { volume: String, claim: String },
    #[error("volume {volume:?}: persistentvolume {name:?} of claim {claim:?} not found")]
    VolumeMissing {
        volume: String,
        claim: String,
        name: String,
    },
    #[error("volume {volume:?}: {kind} {name:?} not found")]
    SourceMissing {
        volume: String,
        kind: &'static str,
        name: String,
    },
    #[error("volume {volume:?}: {kind} {name:?} has no key {key:?}")]
    KeyMissing {
        volume: String,
        kind: &'static str,
        name: String,
        key: String,
    },
    #[error("volume {volume:?}: {message}")]
    Field { volume: String, message: String },
    #[error(
        "volume {volume:?}: this kind of volume is not served by this node; it serves emptyDir, hostPath, configMap, secret, downwardAPI, projected, persistentVolumeClaim"
    )]
    Unsupported { volume: String },
    #[error("volume {volume:?}: {path}: {source}")]
    Folder {
        volume: String,
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("volume {volume:?}: the API server did not answer: {source}")]
    Api {
        volume: String,
        source: Box<kube::Error>,
    },
}

/// Where a volume is on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) read_only: bool,
}

/// What a volume is made from.
pub(crate) struct VolumeContext<'a> {
    pub(crate) client: &'a Client,
    pub(crate) node_folder: &'a Path,
    /// Folder of this pod's own volumes.
    pub(crate) folder: &'a Path,
}

impl VolumeContext<'_> {
    /// Makes every volume of the pod, or brings its content up to date.
    pub(crate) async fn prepare(&self, pod: &Pod) -> Result<BTreeMap<String, Source>, VolumeError> {
        let volumes = pod.spec.as_ref().and_then(|spec| spec.volumes.as_ref());
        let mut prepared = BTreeMap::new();
        for volume in volumes.into_iter().flatten() {
            prepared.insert(volume.name.clone(), self.volume(pod, volume).await?);
        }
        Ok(prepared)
    }

    async fn volume(&self, pod: &Pod, volume: &Volume) -> Result<Source, VolumeError> {
        let own = self.folder.join(&volume.name);
        if let Some(claim) = &volume.persistent_volume_claim {
            return self.claim(pod, volume, claim).await;
        }
        if let Some(host) = &volume.host_path {
            return host_path(
                volume,
                &host.path,
                host.type_.as_deref().unwrap_or_default(),
            );
        }
        if volume.empty_dir.is_some() {
            made(volume, &own)?;
            return Ok(Source {
                path: own,
                read_only: false,
            });
        }
        let Some(files) = self.content(pod, volume).await? else {
            return Err(VolumeError::Unsupported {
                volume: volume.name.clone(),
            });
        };
        projection::write(&own, &files).map_err(folder_error(volume, &own))?;
        Ok(Source {
            path: own,
            read_only: true,
        })
    }
}

/// The node has every path that a manifest names: it is made where it is missing, unless the type forbids it.
fn host_path(volume: &Volume, path: &str, kind: &str) -> Result<Source, VolumeError> {
    let path = PathBuf::from(path);
    let source = Source {
        path: path.clone(),
        read_only: false,
    };
    match kind {
        "" | "DirectoryOrCreate" if !path.exists() => made(volume, &path)?,
        "FileOrCreate" if !path.exists() => {
            std::fs::File::create(&path).map_err(folder_error(volume, &path))?;
        }
        _ if !path.exists() => {
            return Err(VolumeError::Field {
                volume: volume.name.clone(),
                message: format!("hostPath {} of type {kind} does not exist", path.display()),
            });
        }
        _ => {}
    }
    Ok(source)
}

fn made(volume: &Volume, path: &Path) -> Result<(), VolumeError> {
    use std::os::unix::fs::PermissionsExt;
    let existed = path.exists();
    std::fs::create_dir_all(path).map_err(folder_error(volume, path))?;
    if !existed {
        // Whatever user the container runs as may write, as with a kubelet.
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(path, open).map_err(folder_error(volume, path))?;
    }
    Ok(())
}

fn folder_error(volume: &Volume, path: &Path) -> impl FnOnce(std::io::Error) -> VolumeError {
    let (volume, path) = (volume.name.clone(), path.to_owned());
    move |source| VolumeError::Folder {
        volume,
        path,
        source,
    }
}

fn api_error(volume: &Volume) -> impl FnOnce(kube::Error) -> VolumeError {
    let volume = volume.name.clone();
    move |source| VolumeError::Api {
        volume,
        source: Box::new(source),
    }
}
