//! What one call has, and what it has used: the data of its store, which is made for the call and dropped with it.

mod handles;
mod masks;
mod memory;
mod meter;
mod output;

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::contract::{Entry, Failure, Request, Snapshot};
use crate::digest::Digest;
use crate::effects::Effects;
use crate::grants::Grants;
use crate::hook::Kind;
use crate::limits::Limits;
use crate::manifest::{Metric, Role};
use crate::usage::Usage;

pub use masks::Masks;
pub(crate) use memory::Memory;
pub(crate) use meter::{Meter, Stop};
pub(crate) use output::Output;

/// Handles to resources, in sum with those of WASI. Far above the connections that a call may have open.
pub(crate) const MAX_HANDLES: usize = 500;

/// What a plugin was granted and may use; the same for all of its calls.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) grants: Grants,
    pub(crate) limits: Limits,
    pub(crate) roles: Vec<Role>,
    pub(crate) metrics: Vec<Metric>,
    /// What is not granted is counted, and let through.
    pub(crate) counting: bool,
}

/// The data of one store.
pub(crate) struct Sandbox {
    pub(crate) kind: Kind,
    pub(crate) terms: Arc<Terms>,
    pub(crate) snapshot: Snapshot,
    pub(crate) effects: Arc<dyn Effects>,
    pub(crate) meter: Meter,
    pub(crate) memory: Memory,
    pub(crate) masks: Masks,
    /// Whether the plugin itself has read a secret in this call.
    pub(crate) saw_secrets: bool,
    /// Asked for in this call, to be committed with its outcome.
    pub(crate) requests: Vec<Request>,
    /// State that this call wrote; what it reads is the snapshot under it.
    pub(crate) written: BTreeMap<String, Entry>,
    pub(crate) events: u32,
    /// Bytes of log lines.
    pub(crate) logged: usize,
    /// Whether log lines are dropped already, and that was said.
    pub(crate) log_is_cut: bool,
    pub(crate) open_connections: u32,
    pub(crate) table: ResourceTable,
    /// What it wrote to its standard output and error, and its last log line of level error: where a panic leaves its words.
    pub(crate) output: Output,
    pub(crate) last_error: Option<String>,
    /// Names the call: the same call gets the same insecure randomness (hash seeds).
    seed: String,
    /// Made when the guest first asks for it, which most calls never do.
    wasi: Option<Box<WasiCtx>>,
}

impl Sandbox {
    /// A sandbox for one call, which `seed` names.
    pub(crate) fn new(
        kind: Kind,
        terms: Arc<Terms>,
        snapshot: Snapshot,
        effects: Arc<dyn Effects>,
        seed: String,
    ) -> Sandbox {
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HANDLES);
        let mut masks = Masks::default();
        for value in effects.known_secrets() {
            masks.add(&value);
        }
        Sandbox {
            kind,
            meter: Meter::new(&terms.limits),
            memory: Memory::new(terms.limits.memory),
            terms,
            snapshot,
            effects,
            masks,
            saw_secrets: false,
            requests: Vec::new(),
            written: BTreeMap::new(),
            events: 0,
            logged: 0,
            log_is_cut: false,
            open_connections: 0,
            table,
            output: Output::default(),
            last_error: None,
            seed,
            wasi: None,
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.terms.limits
    }

    pub(crate) fn grants(&self) -> &Grants {
        &self.terms.grants
    }

    /// Whether the call may do what needs this grant. A denial names the grant; where grants are only counted, it is told and let through.
    pub(crate) fn permit(&self, allowed: bool, what: &str, grant: &str) -> Result<(), Failure> {
        if allowed {
            return Ok(());
        }
        let grant = self.shown(grant, self.limits().text);
        self.effects.refused(&grant, self.terms.counting);
        if self.terms.counting {
            return Ok(());
        }
        let text = format!("{what} needs the grant {grant}");
        Err(Failure::Denied(self.shown(&text, self.limits().text)))
    }

    /// Text for people: secrets masked first, so that a cut cannot leave half of one.
    pub(crate) fn shown(&self, text: &str, max: usize) -> String {
        crate::text::line(&self.masks.mask(text), max)
    }

    /// What the call used, which is over.
    pub(crate) fn usage(&mut self) -> Usage {
        Usage {
            handles_peak: handles::peak(&mut self.table),
            memory_peak: self.memory.peak(),
            memory_denied: self.memory.was_denied(),
            log_bytes: self.logged,
            events: self.events,
            requests: u32::try_from(self.requests.len()).unwrap_or(u32::MAX),
            ..self.meter.usage()
        }
    }
}

impl WasiView for Sandbox {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let (seed, output) = (&self.seed, &self.output);
        WasiCtxView {
            ctx: self.wasi.get_or_insert_with(|| empty(seed, output)),
            table: &mut self.table,
        }
    }
}

/// A context of nothing but an output and hash seeds.
fn empty(seed: &str, output: &Output) -> Box<WasiCtx> {
    let context = WasiCtxBuilder::new()
        .stdout(output.clone())
        .stderr(output.clone())
        .insecure_random_seed(Digest::of(seed.as_bytes()).short())
        .allow_tcp(false)
        .allow_udp(false)
        .build();
    Box::new(context)
}
