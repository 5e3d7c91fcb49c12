//! The value that the app's owner bound to a slot. It is read anew for each call and never kept.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::api::{Api, ApiError, Collection};
use crate::crd::SecretKey;
use crate::events::Subject;

/// The value cannot be had. Texts name the slot and the Secret, never a value.
#[derive(Debug, thiserror::Error)]
pub(super) enum SecretError {
    #[error(
        "the plugin wants the secret slot {slot:?}, which the app binds to nothing: add spec.plugin.secrets.{slot} with name and key of a Secret"
    )]
    Unbound { slot: String },
    #[error(
        "Secret {namespace}/{name}, bound to the slot {slot:?}, does not exist: create it with the key {key:?}"
    )]
    Missing {
        slot: String,
        namespace: String,
        name: String,
        key: String,
    },
    #[error("Secret {namespace}/{name}, bound to the slot {slot:?}, has no key {key:?}: add it")]
    NoKey {
        slot: String,
        namespace: String,
        name: String,
        key: String,
    },
    #[error("Secret {namespace}/{name}, bound to the slot {slot:?}, cannot be read: {why}")]
    Unreadable {
        slot: String,
        namespace: String,
        name: String,
        why: String,
    },
}

pub(super) async fn read(
    api: &Api,
    app: &Subject,
    slot: &str,
    bound: Option<&SecretKey>,
) -> Result<Vec<u8>, SecretError> {
    let slot = slot.to_owned();
    let Some(SecretKey { name, key }) = bound.cloned() else {
        return Err(SecretError::Unbound { slot });
    };
    let namespace = app.namespace.clone();
    let secret = match api.get(Collection::Secrets, &namespace, &name).await {
        Ok(secret) => secret,
        Err(ApiError::NotFound { .. }) => {
            return Err(SecretError::Missing {
                slot,
                namespace,
                name,
                key,
            });
        }
        Err(error) => {
            let why = error.to_string();
            return Err(SecretError::Unreadable {
                slot,
                namespace,
                name,
                why,
            });
        }
    };
    let data = secret.get("data").and_then(|data| data.get(&key));
    let Some(text) = data.and_then(Value::as_str) else {
        return Err(SecretError::NoKey {
            slot,
            namespace,
            name,
            key,
        });
    };
    // The error of the decoder would show a part of the value.
    STANDARD.decode(text).map_err(|_| SecretError::Unreadable {
        slot,
        namespace,
        name,
        why: format!("the value of {key:?} is not base64"),
    })
}
