//! Memory of one call: limited, and a denial remembered, because a guest that is denied memory aborts just as one that panics.

use wasmtime::ResourceLimiter;

/// Bytes of one table element in the host.
const ELEMENT: usize = size_of::<usize>();

/// Memories and tables of one call.
pub(crate) struct Memory {
    limit: usize,
    used: usize,
    peak: usize,
    denied: bool,
}

impl Memory {
    pub(crate) fn new(limit: usize) -> Memory {
        Memory {
            limit,
            used: 0,
            peak: 0,
            denied: false,
        }
    }

    /// Whether more was wanted than the limit allows.
    pub(crate) fn was_denied(&self) -> bool {
        self.denied
    }

    pub(crate) fn peak(&self) -> usize {
        self.peak
    }

    fn grow(&mut self, current: usize, desired: usize) -> bool {
        let wanted = self.used.saturating_add(desired.saturating_sub(current));
        if wanted > self.limit {
            self.denied = true;
            return false;
        }
        self.used = wanted;
        self.peak = self.peak.max(wanted);
        true
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired))
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        // The pool's slots are smaller than the limit, or the machine is out of memory.
        self.denied = true;
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.grow(
            current.saturating_mul(ELEMENT),
            desired.saturating_mul(ELEMENT),
        ))
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        // The pool's tables have fewer elements than the limit may allow.
        self.denied = true;
        Ok(())
    }
}
