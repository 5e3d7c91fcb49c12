//! Versions that are served no more and that invocations began on before the operator was started anew: taken from the plugin cache by their digest.

use std::sync::{Arc, Mutex, PoisonError};

use stateward_runtime::{Digest, LoadError, Plugin, Runtime};
use tokio::sync::OnceCell;

use super::registry::Serving;
use crate::latest::Latest;

/// Versions that stay loaded.
const MOST: usize = 8;

/// A version, loaded by whoever asks first.
type Version = Arc<OnceCell<Result<Plugin, LoadError>>>;

/// Loads earlier versions, each once.
pub(crate) struct Earlier {
    runtime: Runtime,
    loaded: Mutex<Latest<String, Version, MOST>>,
}

/// Why an invocation cannot end on the version that began it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Lost {
    #[error("{digest} is no digest")]
    NoDigest { digest: String },
    #[error("{0}")]
    Load(LoadError),
    #[error("it is another plugin, {name}")]
    Another { name: String },
    #[error("it asks for more than is granted now")]
    NeedsConsent,
}

impl Earlier {
    pub(crate) fn new(runtime: Runtime) -> Earlier {
        Earlier {
            runtime,
            loaded: Mutex::default(),
        }
    }

    /// The version of this digest, under the terms of the present one.
    pub(crate) async fn find(&self, digest: &str, present: &Serving) -> Result<Arc<Serving>, Lost> {
        let parsed: Digest = digest.parse().map_err(|_| Lost::NoDigest {
            digest: digest.to_owned(),
        })?;
        let version = self.version(digest);
        let load = || self.runtime.load_again(&parsed);
        let plugin = version.get_or_init(load).await.clone();
        let plugin = plugin.map_err(Lost::Load)?;
        // The digest stands in the app's status: whoever writes there must not choose among all plugins.
        let name = &plugin.manifest().name;
        if *name != present.granted.plugin().manifest().name {
            return Err(Lost::Another { name: name.clone() });
        }
        let serving = present.with_its_terms(&plugin);
        serving.map(Arc::new).ok_or(Lost::NeedsConsent)
    }

    fn version(&self, digest: &str) -> Version {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = loaded.get(digest) {
            return known.clone();
        }
        let version = Version::default();
        loaded.insert(digest.to_owned(), version.clone());
        version
    }
}
