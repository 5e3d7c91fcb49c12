//! How loading and calling fail. Every error has a stable `reason()` for events, conditions and metrics.

use std::time::Duration;

use crate::digest::Digest;
use crate::hook::Hook;
use crate::usage::Usage;

/// The runtime itself could not start.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The engine refused its settings, or the machine has too little address space.
    #[error(
        "the WebAssembly engine could not start: {0}; lower the number of concurrent calls if address space is short"
    )]
    Engine(String),
    /// The folder of the compile cache cannot be used safely.
    #[error("the compile cache {folder} cannot be used: {why}")]
    Cache {
        /// The folder.
        folder: String,
        /// What is wrong with it.
        why: String,
    },
}

impl RuntimeError {
    /// Stable name for events, conditions and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            RuntimeError::Engine(_) => "EngineFailed",
            RuntimeError::Cache { .. } => "CacheUnusable",
        }
    }
}

/// A component was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// More bytes than are read.
    #[error("the component has {bytes} bytes, at most {limit} are loaded")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Other bytes than expected.
    #[error(
        "the component's digest is {found}, expected {expected}: check the source, or set the digest to the one found if this is the one you mean"
    )]
    DigestMismatch {
        /// What was asked for.
        expected: Digest,
        /// What came.
        found: Digest,
    },
    /// It is to be had from the cache alone, and is not there.
    #[error("no component {digest} is kept in the plugin cache")]
    NotKept {
        /// What was asked for.
        digest: Digest,
    },
    /// The bytes are no valid component.
    #[error("not a valid WebAssembly component: {0}")]
    NotAComponent(String),
    /// It wants things that no plugin gets.
    #[error(
        "the component imports what no plugin gets: {}; only stateward:plugin and the WASI baseline of the standard library may be imported",
        .0.join(", ")
    )]
    ForbiddenImport(Vec<String>),
    /// It was built for a later contract.
    #[error(
        "the plugin needs a newer host than this one (contract {contract}): {}",
        .0.join(", "),
        contract = crate::contract::VERSION
    )]
    NeedsNewerHost(Vec<String>),
    /// It was built for another shape of the contract.
    #[error(
        "the plugin does not fit contract {contract}: {0}; build it with the SDK of this version",
        contract = crate::contract::VERSION
    )]
    ContractMismatch(String),
    /// The compiler took too long.
    #[error("compiling took longer than {limit:?}: the component is too large for this host")]
    CompileTimeout {
        /// The limit.
        limit: Duration,
    },
    /// The compiler refused it.
    #[error("compiling failed: {0}")]
    CompileFailed(String),
    /// `describe` did not answer.
    #[error("the plugin could not describe itself: {0}")]
    DescribeFailed(String),
    /// The manifest is not one.
    #[error("the plugin's manifest is invalid: {0}")]
    ManifestInvalid(String),
}

impl LoadError {
    /// Stable name for events, conditions and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            LoadError::TooLarge { .. } => "TooLarge",
            LoadError::DigestMismatch { .. } => "DigestMismatch",
            LoadError::NotKept { .. } => "NotKept",
            LoadError::NotAComponent(_) => "NotAComponent",
            LoadError::ForbiddenImport(_) => "ForbiddenImport",
            LoadError::NeedsNewerHost(_) => "NeedsNewerHost",
            LoadError::ContractMismatch(_) => "ContractMismatch",
            LoadError::CompileTimeout { .. } => "CompileTimeout",
            LoadError::CompileFailed(_) => "CompileFailed",
            LoadError::DescribeFailed(_) => "DescribeFailed",
            LoadError::ManifestInvalid(_) => "ManifestInvalid",
        }
    }
}

/// A hook call ended without an answer of the hook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("plugin {plugin}, {hook}: {why}")]
pub struct CallError {
    /// Name of the plugin.
    pub plugin: String,
    /// The hook that was called.
    pub hook: Hook,
    /// What ended the call.
    pub why: CallFault,
    /// What it had used until then.
    pub usage: Box<Usage>,
}

impl CallError {
    /// Stable name for events, conditions and metrics.
    pub fn reason(&self) -> &'static str {
        self.why.reason()
    }

    /// Whether the plugin is to blame: such calls count toward its quarantine.
    pub fn blames_plugin(&self) -> bool {
        !matches!(
            self.why,
            CallFault::HookNotImplemented | CallFault::NotInSnapshot(_) | CallFault::HostSaturated
        )
    }
}

/// What ended a hook call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallFault {
    /// It panicked or aborted; with its own words where it left any.
    #[error("panicked: {0}")]
    Panicked(String),
    /// It wanted more memory than its limit.
    #[error(
        "wanted more than its {limit} bytes of memory; raise the memory limit of the Plugin if it needs them"
    )]
    OutOfMemory {
        /// The limit.
        limit: usize,
    },
    /// It recursed too deeply.
    #[error("overflowed its stack")]
    StackOverflow,
    /// It computed for too long.
    #[error("computed for longer than {limit:?}")]
    Timeout {
        /// The limit.
        limit: Duration,
    },
    /// It did not answer in time.
    #[error("did not answer within {limit:?}")]
    Deadline {
        /// The limit.
        limit: Duration,
    },
    /// It called the host too often, or with too much.
    #[error("asked too much of the host: {0}")]
    HostcallLimit(String),
    /// It called what hooks of this kind must not call.
    #[error("called {interface}.{function}, which hooks of its kind must not call")]
    Impure {
        /// The interface.
        interface: String,
        /// The function.
        function: String,
    },
    /// Another trap, or it left through `exit`.
    #[error("trapped: {0}")]
    Trapped(String),
    /// An answer beyond the limits.
    #[error("answered with a {what} of {size}, at most {limit} are taken")]
    OutputTooLarge {
        /// Which part of the answer.
        what: &'static str,
        /// Its size in bytes or entries.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// An answer that would reveal a secret where it cannot be masked.
    #[error("answered with a {what} that contains the value of a secret")]
    SecretInAnswer {
        /// Which part of the answer.
        what: &'static str,
    },
    /// An answer that means nothing.
    #[error("answered with what the host cannot use: {0}")]
    InvalidAnswer(String),
    /// The plugin does not have this hook.
    #[error("the plugin does not implement it")]
    HookNotImplemented,
    /// The caller's snapshot lacks what the call is about.
    #[error("the snapshot has no {0}")]
    NotInSnapshot(String),
    /// More calls at a time than the host has room for.
    #[error("the host has no room for another sandbox")]
    HostSaturated,
}

impl CallFault {
    /// Stable name for events, conditions and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            CallFault::Panicked(_) => "PluginPanicked",
            CallFault::OutOfMemory { .. } => "PluginOutOfMemory",
            CallFault::StackOverflow => "PluginStackOverflow",
            CallFault::Timeout { .. } => "PluginTimeout",
            CallFault::Deadline { .. } => "PluginDeadline",
            CallFault::HostcallLimit(_) => "PluginHostcallLimit",
            CallFault::Impure { .. } => "PluginImpure",
            CallFault::Trapped(_) => "PluginTrapped",
            CallFault::OutputTooLarge { .. } => "PluginOutputTooLarge",
            CallFault::SecretInAnswer { .. } => "PluginLeakedSecret",
            CallFault::InvalidAnswer(_) => "PluginInvalidAnswer",
            CallFault::HookNotImplemented => "HookNotImplemented",
            CallFault::NotInSnapshot(_) => "NotInSnapshot",
            CallFault::HostSaturated => "HostSaturated",
        }
    }
}
