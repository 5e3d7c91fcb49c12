//! How a stream to a member is encrypted. Certificates and keys are named by the slots that hold them; plugins never see them.

use serde::{Deserialize, Serialize};
use wasmtime::component::{ComponentType, Lift, Lower};

use super::app::Extra;

/// How a stream is encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[component(record)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// Whose certificate is accepted.
    pub trust: Trust,
    /// The client's certificate.
    pub identity: Option<Identity>,
    /// Name that the certificate must be for; none: the member's stable DNS name.
    #[component(name = "server-name")]
    pub server_name: Option<String>,
    /// Further key/values.
    #[serde(default)]
    pub extra: Extra,
}

/// Whose certificate is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[component(variant)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// One signed by the certificates in this slot of `config` or of `secret`.
    #[component(name = "slot")]
    Slot(String),
    /// Any: who is at the other end is not proven.
    #[component(name = "unverified")]
    Unverified,
}

/// A client certificate, by slots of `secret`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Identity {
    /// Slot of the certificate, PEM.
    pub certificate: String,
    /// Slot of its key, PEM.
    pub key: String,
}
