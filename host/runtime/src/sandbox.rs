//! What one call has, and what it has used: the data of its store, which is made for the call and dropped with it.

mod masks;
mod memory;
mod meter;
mod output;

use std::collections::BTreeMap;
use std::sync::Arc;

use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use crate::contract::{Entry, Request, Snapshot};
use crate::digest::Digest;
use crate::effects::Effects;
use crate::grants::Grants;
use crate::hook::Kind;
use crate::limits::Limits;
use crate::manifest::Role;
use crate::usage::Usage;

pub(crate) use masks::Masks;
pub(crate) use memory::Memory;
pub(crate) use meter::{Meter, Stop};
pub(crate) use output::Output;

/// Handles to resources, in sum with those of WASI. Far above the connections that a call may have open.
const MAX_HANDLES: usize = 500;

/// What a plugin was granted and may use; the same for all of its calls.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) grants: Grants,
    pub(crate) limits: Limits,
    pub(crate) roles: Vec<Role>,
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
    wasi: WasiCtx,
}

impl Sandbox {
    /// A sandbox for one call. `seed` names the call: the same call gets the same insecure randomness (hash seeds).
    pub(crate) fn new(
        kind: Kind,
        terms: Arc<Terms>,
        snapshot: Snapshot,
        effects: Arc<dyn Effects>,
        seed: &str,
    ) -> Sandbox {
        let output = Output::default();
        let wasi = WasiCtxBuilder::new()
            .stdout(output.clone())
            .stderr(output.clone())
            .insecure_random_seed(Digest::of(seed.as_bytes()).short())
            .allow_tcp(false)
            .allow_udp(false)
            .build();
        let mut table = ResourceTable::new();
        table.set_max_capacity(MAX_HANDLES);
        Sandbox {
            kind,
            meter: Meter::new(&terms.limits),
            memory: Memory::new(terms.limits.memory),
            terms,
            snapshot,
            effects,
            masks: Masks::default(),
            requests: Vec::new(),
            written: BTreeMap::new(),
            events: 0,
            logged: 0,
            log_is_cut: false,
            open_connections: 0,
            table,
            output,
            last_error: None,
            wasi,
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.terms.limits
    }

    pub(crate) fn grants(&self) -> &Grants {
        &self.terms.grants
    }

    /// Text for people: secrets masked first, so that a cut cannot leave half of one.
    pub(crate) fn shown(&self, text: &str, max: usize) -> String {
        crate::text::line(&self.masks.mask(text), max)
    }

    pub(crate) fn usage(&self) -> Usage {
        Usage {
            memory_peak: self.memory.peak(),
            ..self.meter.usage()
        }
    }
}

impl WasiView for Sandbox {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}
