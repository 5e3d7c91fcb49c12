//! A loaded plugin, and one that was granted what it asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::contract::{Act, Answer, App, Call, Finding, Probed, Snapshot};
use crate::digest::Digest;
use crate::effects::Effects;
use crate::errors::{CallError, CallFault};
use crate::grants::{Grants, NeedsConsent};
use crate::hook::Hook;
use crate::limits::Limits;
use crate::manifest::Manifest;

/// A loaded plugin, not granted anything yet. Cheap to clone.
#[derive(Clone)]
pub struct Plugin(Arc<Loaded>);

struct Loaded {
    digest: Digest,
    manifest: Manifest,
    hooks: BTreeSet<Hook>,
    imports: Vec<String>,
    exports: Vec<String>,
}

/// A plugin whose asks were compared with its grants: its hooks can be called. Cheap to clone.
#[derive(Clone)]
pub struct Granted {
    plugin: Plugin,
}

impl Plugin {
    /// sha256 of its bytes.
    pub fn digest(&self) -> &Digest {
        &self.0.digest
    }

    /// What it says about itself.
    pub fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    /// The hooks that it implements.
    pub fn hooks(&self) -> &BTreeSet<Hook> {
        &self.0.hooks
    }

    /// Names of the interfaces that it imports.
    pub fn imports(&self) -> &[String] {
        &self.0.imports
    }

    /// Names of the interfaces that it exports.
    pub fn exports(&self) -> &[String] {
        &self.0.exports
    }

    /// Compares what it asks for with what it is given.
    pub fn grant(&self, grants: Grants, _limits: Limits) -> Result<Granted, NeedsConsent> {
        grants.cover(self.manifest())?;
        Ok(Granted {
            plugin: self.clone(),
        })
    }
}

impl Granted {
    /// The plugin.
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    fn lacks(&self, hook: Hook) -> CallError {
        CallError {
            plugin: self.plugin.manifest().name.clone(),
            hook,
            why: CallFault::HookNotImplemented,
        }
    }

    /// Is this spec one that the plugin can serve? `old` is what was accepted last; the new one is the snapshot's.
    pub async fn validate(
        &self,
        _snapshot: Snapshot,
        _old: Option<App>,
    ) -> Result<Vec<Finding>, CallError> {
        Err(self.lacks(Hook::Validate))
    }

    /// Key/values for the pod of this member.
    pub async fn member_config(
        &self,
        _snapshot: Snapshot,
        _ordinal: u32,
    ) -> Result<BTreeMap<String, String>, CallError> {
        Err(self.lacks(Hook::MemberConfig))
    }

    /// What is this member's role and health?
    pub async fn probe(
        &self,
        _snapshot: Snapshot,
        _ordinal: u32,
        _effects: Arc<dyn Effects>,
    ) -> Result<Probed, CallError> {
        Err(self.lacks(Hook::Probe))
    }

    /// Calls an act hook once.
    pub async fn act(
        &self,
        _act: Act,
        _call: Call,
        _snapshot: Snapshot,
        _effects: Arc<dyn Effects>,
    ) -> Result<Answer, CallError> {
        Err(self.lacks(Hook::PreScale))
    }
}
