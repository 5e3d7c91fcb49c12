//! A container's volume mounts.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use k8s_openapi::api::core::v1::Container;
use thiserror::Error;

use super::Source;
use crate::runtime::Mount;

/// A mount that cannot be made.
#[derive(Debug, Error)]
pub(crate) enum MountError {
    #[error("volumeMount {mount_path:?}: the pod has no volume {volume:?}")]
    NoVolume { mount_path: String, volume: String },
    #[error("volumeMount {mount_path:?}: subPath {sub_path:?} must stay inside of the volume")]
    Outside {
        mount_path: String,
        sub_path: String,
    },
    #[error("volumeMount {mount_path:?}: {path}: {source}")]
    Folder {
        mount_path: String,
        path: PathBuf,
        source: std::io::Error,
    },
}

/// Where each of the container's mounts comes from; `expand` puts variables into a `subPathExpr`.
pub(crate) fn mounts(
    container: &Container,
    volumes: &BTreeMap<String, Source>,
    expand: impl Fn(&str) -> String,
) -> Result<Vec<Mount>, MountError> {
    let mut mounts = Vec::new();
    for mount in container.volume_mounts.iter().flatten() {
        let mount_path = mount.mount_path.clone();
        let volume = volumes
            .get(&mount.name)
            .ok_or_else(|| MountError::NoVolume {
                mount_path: mount_path.clone(),
                volume: mount.name.clone(),
            })?;
        let sub_path = mount
            .sub_path_expr
            .as_deref()
            .map(&expand)
            .or_else(|| mount.sub_path.clone())
            .unwrap_or_default();
        let source = below(&volume.path, &sub_path, &mount_path)?;
        mounts.push(Mount {
            source,
            target: Path::new("/").join(&mount_path),
            read_only: volume.read_only || mount.read_only.unwrap_or_default(),
        });
    }
    Ok(mounts)
}

fn below(volume: &Path, sub_path: &str, mount_path: &str) -> Result<PathBuf, MountError> {
    if sub_path.is_empty() {
        return Ok(volume.to_owned());
    }
    let inside = Path::new(sub_path)
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !inside {
        return Err(MountError::Outside {
            mount_path: mount_path.to_owned(),
            sub_path: sub_path.to_owned(),
        });
    }
    let path = volume.join(sub_path);
    let wrong = |source: std::io::Error| MountError::Folder {
        mount_path: mount_path.to_owned(),
        path: path.clone(),
        source,
    };
    if !path.exists() {
        std::fs::create_dir_all(&path).map_err(wrong)?;
    }
    // The link of a projected file leads to its folder of the moment, which a bind mount needs; a link that a container
    // planted must not lead out of the volume.
    let (real, volume) = (
        path.canonicalize().map_err(wrong)?,
        volume.canonicalize().map_err(wrong)?,
    );
    if !real.starts_with(&volume) {
        return Err(MountError::Outside {
            mount_path: mount_path.to_owned(),
            sub_path: sub_path.to_owned(),
        });
    }
    Ok(real)
}
