//! The host's clock: the time of the snapshot, and in hooks that observe or act also what has passed since. A hook and its snapshot so live on one clock.

use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;

use crate::hook::Kind;
use crate::sandbox::Sandbox;

pub(super) fn link(clock: &mut LinkerInstance<'_, Sandbox>) -> wasmtime::Result<()> {
    clock.func_wrap("now-ms", |mut cx: StoreContextMut<'_, Sandbox>, (): ()| {
        let sandbox = cx.data_mut();
        sandbox.meter.enter()?;
        let elapsed = match sandbox.kind {
            Kind::Decide => 0,
            Kind::Probe | Kind::Act => sandbox.meter.elapsed().as_millis(),
        };
        let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
        Ok((sandbox.snapshot.app.now_ms.saturating_add(elapsed),))
    })
}
