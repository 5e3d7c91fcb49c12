//! The one place where compiled code is taken from bytes.

#![allow(
    unsafe_code,
    reason = "wasmtime cannot check that bytes are code of its own compiler; the caller did"
)]

use wasmtime::Engine;
use wasmtime::component::Component;

/// Takes compiled code whose keyed hash was checked: it is what this host serialized before, under the same engine settings.
pub(super) fn load(engine: &Engine, artifact: &[u8]) -> Option<Component> {
    // SAFETY: `Cache::authentic` has checked, with a key that only this user can read, that these bytes are what `Component::serialize` gave this
    // host for this component and this engine. They are in memory already, so nobody can change them in between.
    unsafe { Component::deserialize(engine, artifact) }.ok()
}
