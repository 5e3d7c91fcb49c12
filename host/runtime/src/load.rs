//! From bytes to a plugin.
//!
//! Each step is there because a component slipped through the others: names alone miss changed records, linking alone misses exports, and a bare
//! instance misses types that only exports use. So names, linking for all kinds, and a typed trial of every hook.

mod names;
mod trial;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use wasmtime::component::{Component, ComponentExportIndex};

use crate::calling::{self, Setting};
use crate::contract::Snapshot;
use crate::digest::Digest;
use crate::errors::LoadError;
use crate::grants::Grants;
use crate::hook::Hook;
use crate::limits::Limits;
use crate::manifest::Manifest;
use crate::plugin::{Loaded, Plugin};
use crate::quiet::Quiet;
use crate::runtime::Host;
use crate::sandbox::Terms;
use crate::usage::Loading;
use names::Names;
use trial::Failed;

/// Reads bytes as the first steps of loading do.
#[cfg(test)]
pub(crate) fn fuzz_names(bytes: &[u8]) {
    if let Ok(names) = Names::read(bytes) {
        let _ = names.check();
    }
    let _ = names::validate(bytes);
}

/// See [`Runtime::load`](crate::Runtime::load).
pub(crate) async fn load(
    host: &Arc<Host>,
    bytes: Bytes,
    expected: Option<&Digest>,
) -> Result<Plugin, LoadError> {
    let begin = Instant::now();
    let size = bytes.len();
    let limit = host.options.max_component_bytes;
    if bytes.len() > limit {
        return Err(LoadError::TooLarge {
            bytes: bytes.len(),
            limit,
        });
    }
    let found = Digest::of(&bytes);
    if let Some(expected) = expected.filter(|expected| **expected != found) {
        return Err(LoadError::DigestMismatch {
            expected: *expected,
            found,
        });
    }
    let names = Names::read(&bytes)?;
    let hooks = names.check()?;
    let (component, compiled) = compiled(host, found, bytes).await?;
    let linked = host
        .linkers
        .link(&component)
        .map_err(|err| names.mismatch(format!("{err:#}")))?;
    let loaded = Loaded {
        host: Arc::clone(host),
        digest: found,
        linked,
        hooks: functions(&component, &hooks)?,
        imports: names.imports.clone(),
        exports: names.exports.clone(),
    };
    trial::every_hook_has_its_type(&loaded, setting())
        .await
        .map_err(|failed| match failed {
            Failed::ToStart(why) => LoadError::DescribeFailed(why),
            Failed::ToFit(why) => names.mismatch(why),
        })?;
    let described = calling::call::<(), (String,)>(&loaded, setting(), ()).await;
    let ((manifest,), _) =
        described.map_err(|ended| LoadError::DescribeFailed(ended.why.to_string()))?;
    let loading = Loading {
        bytes: size,
        took: begin.elapsed(),
        compiled,
    };
    Plugin::new(loaded, Manifest::parse(&manifest)?, loading)
}

/// See [`Runtime::load_again`](crate::Runtime::load_again).
pub(crate) async fn load_again(host: &Arc<Host>, digest: &Digest) -> Result<Plugin, LoadError> {
    let (reader, digest) = (Arc::clone(host), *digest);
    let read = spawn_blocking(move || {
        let most = reader.options.max_component_bytes;
        reader.cache.as_ref()?.kept(&digest, most)
    });
    let bytes = read.await.ok().flatten();
    let bytes = bytes.ok_or(LoadError::NotKept { digest })?;
    let loaded = load(host, bytes.into(), Some(&digest)).await;
    match (loaded, &host.cache) {
        (Err(LoadError::DigestMismatch { .. }), Some(cache)) => {
            cache.drop_kept(&digest);
            Err(LoadError::NotKept { digest })
        }
        (loaded, _) => loaded,
    }
}

/// The setting of `describe`: nothing is granted, nothing is there to see.
fn setting() -> Setting {
    Setting {
        hook: Hook::Describe,
        terms: Arc::new(Terms {
            grants: Grants::default(),
            limits: Limits::default(),
            roles: Vec::new(),
            metrics: Vec::new(),
            counting: false,
        }),
        snapshot: Snapshot::default(),
        effects: Arc::new(Quiet::new("(loading)")),
        seed: String::new(),
    }
}

/// The compiled component, from the cache or from the compiler, and whether it was compiled now. Compiling runs beside the executor; a compilation that takes too long goes on to its
/// end, but nobody waits for it.
async fn compiled(
    host: &Arc<Host>,
    digest: Digest,
    bytes: Bytes,
) -> Result<(Component, bool), LoadError> {
    let limit = host.options.compile_timeout;
    let host = Arc::clone(host);
    let compile = spawn_blocking(move || {
        if let Some(cache) = &host.cache
            && let Some(component) = cache.get(&digest, &host.engine)
        {
            cache.keep(&digest, &bytes);
            return Ok((component, false));
        }
        names::validate(&bytes)?;
        let component = Component::new(&host.engine, &bytes)
            .map_err(|err| LoadError::CompileFailed(format!("{err:#}")))?;
        if let Some(cache) = &host.cache {
            cache.put(&digest, &component);
            cache.keep(&digest, &bytes);
        }
        Ok((component, true))
    });
    match timeout(limit, compile).await {
        Ok(Ok(compiled)) => compiled,
        Ok(Err(_)) => Err(LoadError::CompileFailed(
            "the compiler gave up on it".to_owned(),
        )),
        Err(_) => Err(LoadError::CompileTimeout { limit }),
    }
}

/// Where the functions of the hooks are in the component.
fn functions(
    component: &Component,
    hooks: &BTreeMap<Hook, String>,
) -> Result<BTreeMap<Hook, ComponentExportIndex>, LoadError> {
    let mut functions = BTreeMap::new();
    for (hook, export) in hooks {
        let function = component
            .get_export_index(None, export.as_str())
            .and_then(|interface| component.get_export_index(Some(&interface), hook.function()))
            .ok_or_else(|| {
                let function = hook.function();
                LoadError::ContractMismatch(format!("{export} has no function {function}"))
            })?;
        functions.insert(*hook, function);
    }
    Ok(functions)
}
