//! Getting a component's bytes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::Value;

use crate::api::{Api, ApiError, Collection};
use crate::crd::{ConfigMapSource, Source};

/// More bytes than any component that is loaded has.
const MOST: u64 = 32 << 20;

/// The bytes cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    #[error(
        "spec.source.oci {place:?}: plugins are not read from registries yet; put the component into a ConfigMap or a file"
    )]
    NotYet { place: String },
    #[error("spec.source must name exactly one of file and configMap")]
    NotOne,
    #[error("the file {file} cannot be read: {why}; build it, or correct spec.source.file")]
    File { file: String, why: String },
    #[error("ConfigMap {namespace}/{name}: {why}; correct spec.source.configMap")]
    ConfigMap {
        namespace: String,
        name: String,
        why: String,
    },
}

impl SourceError {
    /// Whether the source may be readable later, as it is written.
    pub(super) fn may_pass(&self) -> bool {
        matches!(
            self,
            SourceError::File { .. } | SourceError::ConfigMap { .. }
        )
    }

    pub(super) fn reason(&self) -> &'static str {
        match self {
            SourceError::NotYet { .. } => "SourceNotSupported",
            SourceError::NotOne => "SourceInvalid",
            SourceError::File { .. } | SourceError::ConfigMap { .. } => "SourceUnreadable",
        }
    }
}

pub(super) async fn read(api: &Api, source: &Source) -> Result<Bytes, SourceError> {
    match (&source.file, &source.config_map, &source.oci) {
        (Some(file), None, None) => read_file(file).await,
        (None, Some(place), None) => read_config_map(api, place).await,
        (None, None, Some(place)) => Err(SourceError::NotYet {
            place: place.clone(),
        }),
        _ => Err(SourceError::NotOne),
    }
}

async fn read_file(file: &str) -> Result<Bytes, SourceError> {
    let failed = |why: String| SourceError::File {
        file: file.to_owned(),
        why,
    };
    let about = tokio::fs::metadata(file).await;
    let about = about.map_err(|error| failed(error.to_string()))?;
    if !about.is_file() {
        return Err(failed("it is no regular file".to_owned()));
    }
    if about.len() > MOST {
        return Err(failed(format!(
            "it has {} bytes, at most {MOST} are read",
            about.len()
        )));
    }
    let bytes = tokio::fs::read(file).await;
    bytes
        .map(Bytes::from)
        .map_err(|error| failed(error.to_string()))
}

async fn read_config_map(api: &Api, place: &ConfigMapSource) -> Result<Bytes, SourceError> {
    let failed = |why: String| SourceError::ConfigMap {
        namespace: place.namespace.clone(),
        name: place.name.clone(),
        why,
    };
    let found = (api
        .get(Collection::ConfigMaps, &place.namespace, &place.name)
        .await)
        .map_err(|error| match error {
            ApiError::NotFound { .. } => failed("it does not exist".to_owned()),
            other => failed(other.to_string()),
        })?;
    let data = found
        .get("binaryData")
        .and_then(|data| data.get(&place.key));
    let Some(text) = data.and_then(Value::as_str) else {
        return Err(failed(format!("binaryData has no key {}", place.key)));
    };
    let bytes = STANDARD.decode(text);
    bytes
        .map(Bytes::from)
        .map_err(|error| failed(format!("key {}: {error}", place.key)))
}
