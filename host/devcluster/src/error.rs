//! What can go wrong around the cluster; refusals of single requests are [`crate::failure::Failure`]s.

use std::path::{Path, PathBuf};

/// Why the embedded cluster cannot be opened or served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// Another process has the file open.
    #[error("{path} is in use by another process; stop it or choose another folder")]
    InUse {
        /// The store's file.
        path: PathBuf,
    },
    /// The folder cannot be used.
    #[error("cannot use {path}: {source}; check that it can be written")]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The store's file cannot be read.
    #[error(
        "cannot read the cluster in {path}: {source}; remove the file to start with an empty cluster"
    )]
    Store {
        /// The store's file.
        path: PathBuf,
        /// What the store said.
        source: Box<redb::Error>,
    },
    /// One object in the file is not JSON.
    #[error(
        "the object {row} in {path} cannot be read: {source}; remove the file to start with an empty cluster"
    )]
    Row {
        /// The store's file.
        path: PathBuf,
        /// Resource, namespace and name.
        row: String,
        /// What the decoder said.
        source: serde_json::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another port or 0 for any")]
    Listen {
        /// The address asked for.
        address: std::net::SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The certificates cannot be made or loaded.
    #[error("cannot use the certificates in {path}: {message}; remove them to have new ones made")]
    Certificates {
        /// The folder of the certificates.
        path: PathBuf,
        /// What was wrong.
        message: String,
    },
}

impl ClusterError {
    pub(crate) fn folder(path: &Path, source: std::io::Error) -> Self {
        Self::Folder {
            path: path.to_owned(),
            source,
        }
    }

    /// A stable word for events, metrics and exit messages.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "ClusterInUse",
            Self::Folder { .. } => "ClusterFolderUnusable",
            Self::Store { .. } | Self::Row { .. } => "ClusterStoreUnreadable",
            Self::Listen { .. } => "ClusterAddressInUse",
            Self::Certificates { .. } => "ClusterCertificatesUnusable",
        }
    }
}
