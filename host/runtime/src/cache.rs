//! Components on disk, compiled and as they came.
//!
//! Compiled code is run without further checks, so only what this host itself wrote is taken: the folder is private, and every file carries a keyed hash
//! over its content, the component's digest and the engine that made it. The key lies in the same folder. Anything that does not fit is deleted and
//! compiled anew. What was not used for [`KEPT`] goes when the folder is opened.
//!
//! The bytes of a component are named by their digest, which is checked whenever they are loaded.

mod artifact;
mod folder;

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::digest::Digest;
use crate::errors::RuntimeError;

/// Length of the keyed hash at the head of each file.
const TAG: usize = 32;

/// How long a component stays that nobody loads.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// A private folder of compiled components.
pub(crate) struct Cache {
    folder: PathBuf,
    key: folder::Key,
    /// Names the engine's version, settings and the machine's features.
    engine: String,
}

impl Cache {
    /// Opens the folder, or makes it.
    pub(crate) fn open(folder: &Path, engine: &Engine) -> Result<Cache, RuntimeError> {
        let key = folder::open(folder).map_err(|err| RuntimeError::Cache {
            folder: folder.display().to_string(),
            why: err.to_string(),
        })?;
        folder::forget(folder, KEPT);
        // Another hasher in another build of this program only means compiling again.
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Cache {
            folder: folder.to_owned(),
            key,
            engine: format!("{:016x}", hasher.finish()),
        })
    }

    /// The compiled component, if it lies there untouched.
    pub(crate) fn get(&self, digest: &Digest, engine: &Engine) -> Option<Component> {
        let path = self.path(digest);
        let file = fs::read(&path).ok()?;
        let component = self
            .authentic(digest, &file)
            .and_then(|artifact| artifact::load(engine, artifact));
        if component.is_some() {
            folder::touch(&path);
        } else {
            tracing::warn!(file = %path.display(), "a cached component is not as this host wrote it; compiling it again");
            // If it cannot be deleted it is overwritten by the next `put`.
            let _ = fs::remove_file(&path);
        }
        component
    }

    /// Keeps a compiled component. A cache that cannot be written costs time and nothing else.
    pub(crate) fn put(&self, digest: &Digest, component: &Component) {
        let written = component
            .serialize()
            .map_err(|err| err.to_string())
            .and_then(|artifact| {
                let mut file = self.mac(digest, &artifact).finalize().into_bytes().to_vec();
                file.extend(artifact);
                folder::write(&self.folder, &self.path(digest), &file)
                    .map_err(|err| err.to_string())
            });
        if let Err(err) = written {
            tracing::warn!(folder = %self.folder.display(), "a compiled component could not be cached: {err}");
        }
    }

    /// Keeps the bytes of a component, or notes that they were used.
    pub(crate) fn keep(&self, digest: &Digest, bytes: &[u8]) {
        let path = self.original(digest);
        if path.exists() {
            folder::touch(&path);
        } else if let Err(err) = folder::write(&self.folder, &path, bytes) {
            tracing::warn!(folder = %self.folder.display(), "a component could not be kept: {err}");
        }
    }

    /// The bytes of a component that was kept; nobody has checked them.
    pub(crate) fn kept(&self, digest: &Digest, most: usize) -> Option<Vec<u8>> {
        let path = self.original(digest);
        let size = fs::metadata(&path).ok()?.len();
        let fits = usize::try_from(size).is_ok_and(|size| size <= most);
        fits.then(|| fs::read(&path).ok()).flatten()
    }

    /// Forgets the bytes of a component: they are not what they were.
    pub(crate) fn drop_kept(&self, digest: &Digest) {
        // Bytes that cannot be deleted are refused again.
        let _ = fs::remove_file(self.original(digest));
    }

    fn original(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{}.wasm", digest.hex()))
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        let name = format!("{}-{}.cwasm", digest.hex(), self.engine);
        self.folder.join(name)
    }

    fn authentic<'a>(&self, digest: &Digest, file: &'a [u8]) -> Option<&'a [u8]> {
        let (tag, artifact) = file.split_at_checked(TAG)?;
        self.mac(digest, artifact).verify_slice(tag).ok()?;
        Some(artifact)
    }

    fn mac(&self, digest: &Digest, artifact: &[u8]) -> Hmac<Sha256> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&self.key.into());
        mac.update(self.engine.as_bytes());
        mac.update(digest.hex().as_bytes());
        mac.update(artifact);
        mac
    }
}
