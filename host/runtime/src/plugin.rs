//! A loaded plugin, and one that was granted what it asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use wasmtime::component::ComponentExportIndex;

use crate::calling::{self, Ended, Setting};
use crate::contract::{
    Act, Answer, App, Call, Extra, Fault, Finding, Member, Outcome, Probed, Report, Snapshot, Step,
};
use crate::digest::Digest;
use crate::effects::Effects;
use crate::errors::{CallError, CallFault, LoadError};
use crate::grants::{Grants, NeedsConsent};
use crate::hook::Hook;
use crate::limits::Limits;
use crate::linkings::Linked;
use crate::manifest::Manifest;
use crate::quiet::Quiet;
use crate::runtime::Host;
use crate::sandbox::{Sandbox, Terms};
use crate::settings::SettingsSchema;
use crate::usage::{Loading, Metered};

/// A loaded plugin, not granted anything yet. Cheap to clone.
#[derive(Clone)]
pub struct Plugin(Arc<Described>);

/// A component that was compiled, linked and tried.
pub(crate) struct Loaded {
    pub(crate) host: Arc<Host>,
    pub(crate) digest: Digest,
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
    pub(crate) linked: Linked,
    /// The function of each hook that it exports.
    pub(crate) hooks: BTreeMap<Hook, ComponentExportIndex>,
}

struct Described {
    loaded: Loaded,
    manifest: Manifest,
    hooks: BTreeSet<Hook>,
    settings: Option<SettingsSchema>,
    loading: Loading,
}

/// A plugin whose asks were compared with its grants: its hooks can be called. Cheap to clone.
#[derive(Clone)]
pub struct Granted {
    plugin: Plugin,
    terms: Arc<Terms>,
    quiet: Arc<dyn Effects>,
}

impl Plugin {
    pub(crate) fn new(
        loaded: Loaded,
        manifest: Manifest,
        loading: Loading,
    ) -> Result<Plugin, LoadError> {
        let hooks = loaded.hooks.keys().copied();
        let settings = manifest.settings.as_ref().map(SettingsSchema::parse);
        Ok(Plugin(Arc::new(Described {
            hooks: hooks.filter(|hook| *hook != Hook::Describe).collect(),
            settings: settings.transpose().map_err(LoadError::ManifestInvalid)?,
            loaded,
            manifest,
            loading,
        })))
    }

    /// What loading it took.
    pub fn loading(&self) -> &Loading {
        &self.0.loading
    }

    /// Whether its manifest brings a schema of the settings.
    pub fn has_settings_schema(&self) -> bool {
        self.0.settings.is_some()
    }

    /// What is wrong with `spec.plugin.settings` by the schema of the manifest. Nothing, where it brings none. Settings that are not given are `{}`.
    pub fn check_settings(&self, settings: &serde_json::Value) -> Vec<Finding> {
        let schema = self.0.settings.as_ref();
        schema.map_or_else(Vec::new, |schema| schema.check(settings))
    }

    /// sha256 of its bytes.
    pub fn digest(&self) -> &Digest {
        &self.0.loaded.digest
    }

    /// What it says about itself.
    pub fn manifest(&self) -> &Manifest {
        &self.0.manifest
    }

    /// The hooks that it implements, without `describe`, which every plugin has.
    pub fn hooks(&self) -> &BTreeSet<Hook> {
        &self.0.hooks
    }

    /// Names of the interfaces that it imports.
    pub fn imports(&self) -> &[String] {
        &self.0.loaded.imports
    }

    /// Names of the interfaces that it exports.
    pub fn exports(&self) -> &[String] {
        &self.0.loaded.exports
    }

    /// Compares what it asks for with what it is given. A grant that it did not ask for is no mistake: the grant is what counts.
    pub fn grant(&self, grants: Grants, limits: Limits) -> Result<Granted, NeedsConsent> {
        grants.cover(self.manifest())?;
        Ok(self.on(grants, limits, false))
    }

    /// Lets it do what it was not granted too, and tells of each such thing ([`Effects::refused`]): what enforcing the grants would refuse. Volumes are
    /// discarded only when that is granted.
    pub fn count(&self, grants: Grants, limits: Limits) -> Granted {
        self.on(grants, limits, true)
    }

    fn on(&self, grants: Grants, limits: Limits, counting: bool) -> Granted {
        let manifest = self.manifest();
        Granted {
            quiet: Arc::new(Quiet::new(&manifest.name)),
            terms: Arc::new(Terms {
                grants,
                limits,
                roles: manifest.roles.clone(),
                metrics: manifest.metrics.clone(),
                counting,
            }),
            plugin: self.clone(),
        }
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let manifest = self.manifest();
        write!(
            f,
            "plugin {} {} ({})",
            manifest.name,
            manifest.version,
            self.digest()
        )
    }
}

impl fmt::Debug for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} with {:?}", self.plugin, self.terms)
    }
}

impl Granted {
    /// The plugin.
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// What it was given.
    pub fn grants(&self) -> &Grants {
        &self.terms.grants
    }

    /// Whether grants are only counted.
    pub fn is_counting(&self) -> bool {
        self.terms.counting
    }

    /// What one call of it may use.
    pub fn limits(&self) -> &Limits {
        &self.terms.limits
    }

    /// Whether the plugin implements this hook.
    pub fn has(&self, hook: Hook) -> bool {
        self.plugin.hooks().contains(&hook)
    }

    /// Is this spec one that the plugin can serve? `old` is what was accepted last; the new one is the snapshot's.
    pub async fn validate(
        &self,
        snapshot: Snapshot,
        old: Option<App>,
    ) -> Result<Metered<Vec<Finding>>, CallError> {
        let hook = Hook::Validate;
        let app = Arc::clone(&snapshot.app);
        let setting = self.decide(hook, snapshot);
        let (findings, mut sandbox) = self.call::<_, Vec<Finding>>(setting, (old, app)).await?;
        self.metered(hook, &mut sandbox, |sandbox| {
            sandbox.checked_findings(findings)
        })
    }

    /// Key/values for the pod of this member.
    pub async fn member_config(
        &self,
        snapshot: Snapshot,
        ordinal: u32,
    ) -> Result<Metered<BTreeMap<String, String>>, CallError> {
        let hook = Hook::MemberConfig;
        let member = self.member(hook, &snapshot, ordinal)?;
        let app = Arc::clone(&snapshot.app);
        let setting = self.decide(hook, snapshot);
        let (config, mut sandbox) = self.call::<_, Extra>(setting, (app, member)).await?;
        self.metered(hook, &mut sandbox, |sandbox| sandbox.checked_config(config))
    }

    /// In which order are the members to be updated? What it answers is checked by nobody here.
    pub async fn update_order(&self, snapshot: Snapshot) -> Result<Metered<Vec<u32>>, CallError> {
        let hook = Hook::UpdateOrder;
        let app = Arc::clone(&snapshot.app);
        let setting = self.decide(hook, snapshot);
        let (order, mut sandbox) = self.call::<_, Vec<u32>>(setting, (app,)).await?;
        self.metered(hook, &mut sandbox, |sandbox| sandbox.checked_order(order))
    }

    /// What is this member's role and health?
    pub async fn probe(
        &self,
        snapshot: Snapshot,
        ordinal: u32,
        effects: Arc<dyn Effects>,
    ) -> Result<Probed, CallError> {
        let hook = Hook::Probe;
        let member = self.member(hook, &snapshot, ordinal)?;
        let app = Arc::clone(&snapshot.app);
        let setting = Setting {
            hook,
            terms: Arc::clone(&self.terms),
            snapshot,
            effects,
            seed: format!("probe {ordinal}"),
        };
        let (report, mut sandbox) = self
            .call::<_, Result<Report, Fault>>(setting, (app, member))
            .await?;
        let checked = self.metered(hook, &mut sandbox, |sandbox| sandbox.checked_report(report))?;
        Ok(Probed {
            result: checked.answer,
            usage: checked.usage,
        })
    }

    /// Calls an act hook once.
    pub async fn act(
        &self,
        act: Act,
        call: Call,
        snapshot: Snapshot,
        effects: Arc<dyn Effects>,
    ) -> Result<Answer, CallError> {
        let hook = act.hook();
        let setting = Setting {
            hook,
            terms: Arc::clone(&self.terms),
            snapshot: snapshot.clone(),
            effects,
            seed: call.id.clone(),
        };
        let app = Arc::clone(&snapshot.app);
        let (answer, mut sandbox): (Result<Step, Fault>, Sandbox) = match act {
            Act::PreScale => self.call(setting, (call, app)).await?,
            Act::PostReady { ordinal } => {
                let member = self.member(hook, &snapshot, ordinal)?;
                self.call(setting, (call, app, member)).await?
            }
            Act::PreDelete { ordinal, cause } => {
                let member = self.member(hook, &snapshot, ordinal)?;
                self.call(setting, (call, app, member, cause)).await?
            }
            Act::MoveRole {
                role,
                cause,
                target,
            } => {
                let held = snapshot.claim(&role).cloned().ok_or_else(|| {
                    let missing = format!("claim of the role {role}");
                    self.error(hook, CallFault::NotInSnapshot(missing))
                })?;
                self.call(setting, (call, app, held, cause, target)).await?
            }
            Act::PostDelete { ordinal, was } => {
                self.call(setting, (call, app, ordinal, was)).await?
            }
            Act::Task {
                name,
                member,
                arguments,
            } => {
                self.call(setting, (call, app, name, member, arguments))
                    .await?
            }
        };
        let Metered {
            answer: outcome,
            usage,
        } = self.metered(hook, &mut sandbox, |sandbox| {
            sandbox.checked_outcome(answer)
        })?;
        let requests = match outcome {
            // Requests are part of what is committed; a failure commits nothing.
            Outcome::Retry(_) | Outcome::Fatal(_) => Vec::new(),
            Outcome::Done | Outcome::InProgress(_) | Outcome::Refuse(_) => sandbox.requests,
        };
        Ok(Answer {
            outcome,
            requests,
            usage,
        })
    }

    fn decide(&self, hook: Hook, snapshot: Snapshot) -> Setting {
        Setting {
            hook,
            terms: Arc::clone(&self.terms),
            snapshot,
            effects: Arc::clone(&self.quiet),
            // A pure function knows no attempts.
            seed: String::new(),
        }
    }

    async fn call<P, R>(&self, setting: Setting, params: P) -> Result<(R, Sandbox), CallError>
    where
        P: wasmtime::component::ComponentNamedList + wasmtime::component::Lower + Send + Sync,
        R: wasmtime::component::ComponentType + wasmtime::component::Lift + Send + Sync + 'static,
    {
        let hook = setting.hook;
        let called = calling::call::<P, (R,)>(&self.plugin.0.loaded, setting, params).await;
        let ((answer,), sandbox) = called.map_err(|ended| self.error(hook, ended))?;
        Ok((answer, sandbox))
    }

    fn member(
        &self,
        hook: Hook,
        snapshot: &Snapshot,
        ordinal: u32,
    ) -> Result<Arc<Member>, CallError> {
        snapshot.member(ordinal).cloned().ok_or_else(|| {
            self.error(
                hook,
                CallFault::NotInSnapshot(format!("member of ordinal {ordinal}")),
            )
        })
    }

    /// An answer with what it cost, or an answer that is not taken and what it cost nonetheless.
    fn metered<T>(
        &self,
        hook: Hook,
        sandbox: &mut Sandbox,
        check: impl FnOnce(&mut Sandbox) -> Result<T, CallFault>,
    ) -> Result<Metered<T>, CallError> {
        let checked = check(sandbox);
        let usage = sandbox.usage();
        match checked {
            Ok(answer) => Ok(Metered { answer, usage }),
            Err(why) => Err(self.error(hook, Ended { why, usage })),
        }
    }

    fn error(&self, hook: Hook, ended: impl Into<Ended>) -> CallError {
        let Ended { why, usage } = ended.into();
        CallError {
            plugin: self.plugin.manifest().name.clone(),
            hook,
            why,
            usage: Box::new(usage),
        }
    }
}
