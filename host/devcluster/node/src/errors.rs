//! Why a node or its controllers cannot run at all. What goes wrong with one pod is said on that pod instead.

use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

/// A failure that ends [`crate::run`] or [`crate::run_controllers`].
#[derive(Debug, Error)]
pub enum NodeError {
    /// The state folder cannot be used.
    #[error(
        "node folder {path} cannot be used: {source}; choose a folder that this user may write"
    )]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An address cannot be listened on.
    #[error(
        "cannot listen on {address}: {source}; choose another address, or start with the rights to use it"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The API server refused or was not reached while the node registered.
    #[error(
        "{what}: {source}; check that the API server runs and that the credentials may write this object"
    )]
    Api {
        /// What was being done.
        what: String,
        /// What the client said.
        source: Box<kube::Error>,
    },
    /// A recipe file of the user is not readable as recipes.
    #[error(transparent)]
    Recipes(#[from] crate::recipes::RecipeError),
    /// The machine gives no random bytes.
    #[error("no random bytes for the node's token: {0}; /dev/urandom must be readable")]
    Random(std::io::Error),
}

impl NodeError {
    /// A stable word for events, metrics and conditions.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "FolderUnusable",
            Self::Listen { .. } => "CannotListen",
            Self::Api { .. } => "ApiUnavailable",
            Self::Recipes(error) => error.reason(),
            Self::Random(_) => "NoRandomness",
        }
    }

    pub(crate) fn api(what: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let what = what.into();
        move |source| Self::Api {
            what,
            source: Box::new(source),
        }
    }
}
