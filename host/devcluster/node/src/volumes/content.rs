//! Volumes whose files come from objects: configMap, secret, downwardAPI, and projected, which joins them.

use std::collections::BTreeMap;
use std::fmt::Debug;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{
    ConfigMap, DownwardAPIVolumeFile, KeyToPath, Pod, Secret, Volume,
};
use kube::core::NamespaceResourceScope;
use kube::{Api, Resource, ResourceExt};
use serde::de::DeserializeOwned;

use super::projection::{Files, ProjectedFile};
use super::{VolumeContext, VolumeError, api_error};
use crate::pods::fields::field;
use crate::pods::resources::resource;

const DEFAULT_MODE: i32 = 0o644;

/// One reference to a config map or a secret.
struct Reference<'a> {
    name: &'a str,
    items: Option<&'a Vec<KeyToPath>>,
    is_optional: bool,
    mode: i32,
}

impl VolumeContext<'_> {
    /// The files of the volume; `None` when it is of another kind.
    pub(super) async fn content(
        &self,
        pod: &Pod,
        volume: &Volume,
    ) -> Result<Option<Files>, VolumeError> {
        if let Some(source) = &volume.config_map {
            let reference = Reference {
                name: &source.name,
                items: source.items.as_ref(),
                is_optional: source.optional.unwrap_or_default(),
                mode: source.default_mode.unwrap_or(DEFAULT_MODE),
            };
            return self.config_map(pod, volume, reference).await.map(Some);
        }
        if let Some(source) = &volume.secret {
            let reference = Reference {
                name: source.secret_name.as_deref().unwrap_or_default(),
                items: source.items.as_ref(),
                is_optional: source.optional.unwrap_or_default(),
                mode: source.default_mode.unwrap_or(DEFAULT_MODE),
            };
            return self.secret(pod, volume, reference).await.map(Some);
        }
        if let Some(source) = &volume.downward_api {
            let mode = source.default_mode.unwrap_or(DEFAULT_MODE);
            return downward(pod, volume, source.items.as_ref(), mode).map(Some);
        }
        match &volume.projected {
            Some(source) => {
                let mode = source.default_mode.unwrap_or(DEFAULT_MODE);
                let mut files = Files::new();
                for part in source.sources.iter().flatten() {
                    if let Some(source) = &part.config_map {
                        let reference = Reference {
                            name: &source.name,
                            items: source.items.as_ref(),
                            is_optional: source.optional.unwrap_or_default(),
                            mode,
                        };
                        files.extend(self.config_map(pod, volume, reference).await?);
                    } else if let Some(source) = &part.secret {
                        let reference = Reference {
                            name: &source.name,
                            items: source.items.as_ref(),
                            is_optional: source.optional.unwrap_or_default(),
                            mode,
                        };
                        files.extend(self.secret(pod, volume, reference).await?);
                    } else if let Some(source) = &part.downward_api {
                        files.extend(downward(pod, volume, source.items.as_ref(), mode)?);
                    } else if let Some(source) = &part.service_account_token {
                        let token = self.token(pod, volume, source, mode).await?;
                        files.insert(source.path.clone(), token);
                    } else {
                        return Ok(None);
                    }
                }
                Ok(Some(files))
            }
            None => Ok(None),
        }
    }

    async fn config_map(
        &self,
        pod: &Pod,
        volume: &Volume,
        reference: Reference<'_>,
    ) -> Result<Files, VolumeError> {
        let object: Option<ConfigMap> = self.fetch(pod, volume, reference.name).await?;
        let data = object.map(|object| {
            let texts = object.data.unwrap_or_default().into_iter();
            let texts = texts.map(|(key, text)| (key, text.into_bytes()));
            texts.chain(bytes(object.binary_data)).collect()
        });
        select(volume, "configmap", reference, data)
    }

    async fn secret(
        &self,
        pod: &Pod,
        volume: &Volume,
        reference: Reference<'_>,
    ) -> Result<Files, VolumeError> {
        let object: Option<Secret> = self.fetch(pod, volume, reference.name).await?;
        let data = object.map(|object| bytes(object.data).collect());
        select(volume, "secret", reference, data)
    }

    /// An object of the pod's namespace, if there is one of the name.
    async fn fetch<K>(
        &self,
        pod: &Pod,
        volume: &Volume,
        name: &str,
    ) -> Result<Option<K>, VolumeError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let namespace = pod.namespace().unwrap_or_default();
        let api: Api<K> = Api::namespaced(self.client.clone(), &namespace);
        api.get_opt(name).await.map_err(api_error(volume))
    }
}

fn bytes(data: Option<BTreeMap<String, ByteString>>) -> impl Iterator<Item = (String, Vec<u8>)> {
    let data = data.unwrap_or_default().into_iter();
    data.map(|(key, ByteString(bytes))| (key, bytes))
}

/// All keys under their own names, or the items that are asked for under theirs.
fn select(
    volume: &Volume,
    kind: &'static str,
    reference: Reference<'_>,
    data: Option<BTreeMap<String, Vec<u8>>>,
) -> Result<Files, VolumeError> {
    let name = reference.name.to_owned();
    let Some(mut data) = data else {
        return if reference.is_optional {
            Ok(Files::new())
        } else {
            Err(VolumeError::SourceMissing {
                volume: volume.name.clone(),
                kind,
                name,
            })
        };
    };
    let file = |bytes, mode: i32| ProjectedFile {
        bytes,
        mode: u32::try_from(mode).unwrap_or(0o644),
    };
    let Some(items) = reference.items.filter(|items| !items.is_empty()) else {
        return Ok(data
            .into_iter()
            .map(|(key, bytes)| (key, file(bytes, reference.mode)))
            .collect());
    };
    let mut files = Files::new();
    for item in items {
        match data.remove(&item.key) {
            Some(bytes) => {
                files.insert(
                    item.path.clone(),
                    file(bytes, item.mode.unwrap_or(reference.mode)),
                );
            }
            None if reference.is_optional => {}
            None => {
                return Err(VolumeError::KeyMissing {
                    volume: volume.name.clone(),
                    kind,
                    name,
                    key: item.key.clone(),
                });
            }
        }
    }
    Ok(files)
}

fn downward(
    pod: &Pod,
    volume: &Volume,
    items: Option<&Vec<DownwardAPIVolumeFile>>,
    mode: i32,
) -> Result<Files, VolumeError> {
    let mut files = Files::new();
    for item in items.into_iter().flatten() {
        let text = match (&item.field_ref, &item.resource_field_ref) {
            (Some(reference), _) => {
                field(pod, &reference.field_path).map_err(|error| error.to_string())
            }
            (None, Some(selector)) => {
                resource(pod, None, selector).map_err(|error| error.to_string())
            }
            (None, None) => Err(format!(
                "{}: neither fieldRef nor resourceFieldRef is given",
                item.path
            )),
        };
        let text = text.map_err(|message| VolumeError::Field {
            volume: volume.name.clone(),
            message,
        })?;
        files.insert(
            item.path.clone(),
            ProjectedFile {
                bytes: text.into_bytes(),
                mode: u32::try_from(item.mode.unwrap_or(mode)).unwrap_or(0o644),
            },
        );
    }
    Ok(files)
}
