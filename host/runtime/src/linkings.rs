//! The three linkings. Imports belong to a component, not to an export, so what a hook must not do is decided by what the component is linked to when
//! that hook is called.

use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre, Linker};

use crate::baseline;
use crate::capabilities;
use crate::hook::Kind;
use crate::sandbox::Sandbox;

/// One of something for each kind of hook.
pub(crate) struct PerKind<T> {
    decide: T,
    probe: T,
    act: T,
}

impl<T> PerKind<T> {
    pub(crate) fn of(&self, kind: Kind) -> &T {
        match kind {
            Kind::Decide => &self.decide,
            Kind::Probe => &self.probe,
            Kind::Act => &self.act,
        }
    }
}

/// The linkers of an engine.
pub(crate) type Linkers = PerKind<Linker<Sandbox>>;

/// A component, linked and ready to be instantiated.
pub(crate) type Linked = PerKind<InstancePre<Sandbox>>;

/// Makes the linkers; once per engine.
pub(crate) fn linkers(engine: &Engine) -> wasmtime::Result<Linkers> {
    let linker = |kind| {
        let mut linker = Linker::new(engine);
        baseline::link(&mut linker)?;
        capabilities::link(&mut linker, kind)?;
        Ok::<_, wasmtime::Error>(linker)
    };
    Ok(PerKind {
        decide: linker(Kind::Decide)?,
        probe: linker(Kind::Probe)?,
        act: linker(Kind::Act)?,
    })
}

impl Linkers {
    /// Links a component for all kinds of hooks. The act linking is the one that checks all of its imports' types.
    pub(crate) fn link(&self, component: &Component) -> wasmtime::Result<Linked> {
        Ok(PerKind {
            act: self.act.instantiate_pre(component)?,
            probe: self.probe.instantiate_pre(component)?,
            decide: self.decide.instantiate_pre(component)?,
        })
    }
}
