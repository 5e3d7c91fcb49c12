//! Loading one plugin: source, digest, load, grant. Every way it can fail becomes a status that says what to do.

use std::sync::Arc;

use serde_json::Value;
use stateward_runtime::{Digest, Grants, LoadError, Plugin, Runtime};

use super::registry::Serving;
use super::source::{self, SourceError};
use crate::api::Api;
use crate::crd::{
    GrantMode, PluginAsk, PluginRole, PluginSpec, PluginState, PluginStatus, PluginTask,
};

/// How loading ended.
pub(super) struct Loaded {
    pub status: PluginStatus,
    pub serving: Option<Arc<Serving>>,
    /// The source may be readable later, without a change of the object.
    pub is_worth_retrying: bool,
}

/// A component, and why it is not the source's, if it is not.
struct Component {
    plugin: Plugin,
    unreadable: Option<SourceError>,
}

pub(super) async fn load(
    api: &Api,
    runtime: &Runtime,
    name: &str,
    generation: i64,
    spec: &Value,
) -> Loaded {
    let mut status = PluginStatus {
        observed_generation: generation,
        ..PluginStatus::default()
    };
    match attempt(api, runtime, name, spec, &mut status).await {
        Ok(serving) => {
            status.state = Some(PluginState::Ready);
            Loaded {
                // It runs from the cache.
                is_worth_retrying: !status.reason.is_empty(),
                status,
                serving: Some(serving),
            }
        }
        Err(refusal) => {
            status.state = Some(refusal.state);
            status.reason = refusal.reason.to_owned();
            status.message = refusal.message;
            Loaded {
                status,
                serving: None,
                is_worth_retrying: refusal.is_worth_retrying,
            }
        }
    }
}

struct Refusal {
    state: PluginState,
    reason: &'static str,
    message: String,
    is_worth_retrying: bool,
}

impl Refusal {
    fn refused(reason: &'static str, message: String) -> Refusal {
        Refusal {
            state: PluginState::Refused,
            reason,
            message,
            is_worth_retrying: false,
        }
    }

    /// The bytes may be others later.
    fn until_the_source_changes(mut self) -> Refusal {
        self.is_worth_retrying = true;
        self
    }
}

async fn attempt(
    api: &Api,
    runtime: &Runtime,
    name: &str,
    spec: &Value,
    status: &mut PluginStatus,
) -> Result<Arc<Serving>, Refusal> {
    let spec: PluginSpec = serde_json::from_value(spec.clone())
        .map_err(|error| Refusal::refused("SpecInvalid", format!("spec: {error}")))?;
    let limits = super::limits::limits(&spec.limits)
        .map_err(|message| Refusal::refused("SpecInvalid", message))?;
    let expected: Option<Digest> =
        match &spec.digest {
            Some(text) => Some(text.parse().map_err(|error| {
                Refusal::refused("SpecInvalid", format!("spec.digest: {error}"))
            })?),
            None => None,
        };
    let Component { plugin, unreadable } = component(api, runtime, &spec, expected, status).await?;
    describe(&plugin, &spec.grants, status);
    let granted = match spec.grant_mode.unwrap_or_default() {
        GrantMode::Enforce => plugin.grant(spec.grants, limits),
        GrantMode::Count => {
            status.missing_grants = missing(&plugin, &spec.grants);
            Ok(plugin.count(spec.grants, limits))
        }
    };
    match granted {
        Ok(granted) => {
            if let Some(error) = unreadable {
                status.reason = error.reason().to_owned();
                status.message = format!(
                    "{error}; it runs from the operator's plugin cache, which keeps exactly the bytes of spec.digest"
                );
            }
            Ok(Arc::new(Serving::new(name, granted, spec.failure_policy)))
        }
        Err(needs) => {
            status.missing_grants = (needs.missing.iter())
                .map(|missing| missing.grant.clone())
                .collect();
            Err(Refusal {
                state: PluginState::NeedsConsent,
                reason: needs.reason(),
                message: needs.to_string(),
                is_worth_retrying: false,
            })
        }
    }
}

/// From the source; where that cannot be read and the bytes are pinned by their digest, from the cache.
async fn component(
    api: &Api,
    runtime: &Runtime,
    spec: &PluginSpec,
    expected: Option<Digest>,
    status: &mut PluginStatus,
) -> Result<Component, Refusal> {
    let bytes = match source::read(api, &spec.source).await {
        Ok(bytes) => bytes,
        Err(error) => {
            let refusal = Refusal::refused(error.reason(), error.to_string());
            if !error.may_pass() {
                return Err(refusal);
            }
            let Some(digest) = expected else {
                return Err(refusal.until_the_source_changes());
            };
            // Why the cache does not help is not what somebody has to mend.
            let Ok(plugin) = runtime.load_again(&digest).await else {
                return Err(refusal.until_the_source_changes());
            };
            status.digest = digest.to_string();
            return Ok(Component {
                plugin,
                unreadable: Some(error),
            });
        }
    };
    status.digest = Digest::of(&bytes).to_string();
    let loaded = runtime.load(bytes, expected.as_ref()).await;
    let plugin = loaded.map_err(|error| {
        let refusal = Refusal::refused(error.reason(), error.to_string());
        match error {
            LoadError::DigestMismatch { .. } | LoadError::CompileTimeout { .. } => {
                refusal.until_the_source_changes()
            }
            _ => refusal,
        }
    })?;
    Ok(Component {
        plugin,
        unreadable: None,
    })
}

fn missing(plugin: &Plugin, grants: &Grants) -> Vec<String> {
    let needs = grants.cover(plugin.manifest()).err();
    let missing = needs.map(|needs| needs.missing).unwrap_or_default();
    missing.into_iter().map(|missing| missing.grant).collect()
}

pub(super) fn describe(plugin: &Plugin, grants: &Grants, status: &mut PluginStatus) {
    let manifest = plugin.manifest();
    let lacks = missing(plugin, grants);
    // What lacks when nothing is granted is all that it asks for.
    let asks = Grants::default().cover(manifest).err();
    status.asks = (asks
        .map(|asks| asks.missing)
        .unwrap_or_default()
        .into_iter())
    .map(|ask| PluginAsk {
        granted: !lacks.contains(&ask.grant),
        grant: ask.grant,
        why: ask.why,
    })
    .collect();
    status.sdk = manifest.sdk.clone().unwrap_or_default();
    status.exports = plugin.exports().to_vec();
    status.settings_schema.clone_from(&manifest.settings);
    status.name.clone_from(&manifest.name);
    status.version.clone_from(&manifest.version);
    status.hooks = (plugin.hooks().iter())
        .map(|hook| hook.name().to_owned())
        .collect();
    status.imports = plugin.imports().to_vec();
    status.roles = (manifest.roles.iter())
        .map(|role| PluginRole {
            name: role.name.clone(),
            exclusive: role.exclusive,
            movable: role.movable,
            grace_seconds: role.grace_seconds,
        })
        .collect();
    status.tasks = (manifest.tasks.iter())
        .map(|task| PluginTask {
            name: task.name.clone(),
            why: task.why.clone(),
            after_scale: task.after_scale,
        })
        .collect();
    status.post_ready_overlaps = manifest.lanes.post_ready_overlaps;
    status.pre_scale_overlaps = manifest.lanes.pre_scale_overlaps;
}
