//! Why the operator does not start, or stops.

use std::net::SocketAddr;

/// The operator cannot run.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The plugin runtime did not start.
    #[error(transparent)]
    Runtime(#[from] stateward_runtime::RuntimeError),
    /// An address is taken or not ours.
    #[error(
        "cannot listen on {address} for {purpose}: {source}; choose another address or leave it out"
    )]
    Listen {
        address: SocketAddr,
        purpose: &'static str,
        source: std::io::Error,
    },
    /// No certificate can be made for the admission of StatefulApps.
    #[error(
        "no certificate can be made for {names}: {message}; correct the name that admission is reached by"
    )]
    Certificate { names: String, message: String },
    /// Another controller manages StatefulSets here.
    #[error(
        "another controller manages the StatefulSets of this cluster ({evidence}): run without the StatefulSet face, or turn the built-in controller off"
    )]
    ForeignController { evidence: String },
    /// The API server did not do what was asked.
    #[error("{doing}: {source}")]
    Api {
        doing: String,
        source: crate::api::ApiError,
    },
    /// The app is not there.
    #[error("{kind} {namespace}/{name} does not exist")]
    AppNotFound {
        kind: &'static str,
        namespace: String,
        name: String,
    },
    /// The app's spec cannot be read.
    #[error("{kind} {namespace}/{name}: {message}")]
    InvalidApp {
        kind: &'static str,
        namespace: String,
        name: String,
        message: String,
    },
    /// A definition was not taken into service in time.
    #[error(
        "the definition {name} was not established within 30 s: see kubectl describe crd {name}"
    )]
    NotEstablished { name: String },
}

impl OperatorError {
    /// Stable name for logs and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            OperatorError::Runtime(error) => error.reason(),
            OperatorError::Listen { .. } => "AddressUnusable",
            OperatorError::Certificate { .. } => "CertificateFailed",
            OperatorError::ForeignController { .. } => "ForeignController",
            OperatorError::Api { source, .. } => source.reason(),
            OperatorError::AppNotFound { .. } => "AppNotFound",
            OperatorError::InvalidApp { .. } => "InvalidSpec",
            OperatorError::NotEstablished { .. } => "NotEstablished",
        }
    }
}
