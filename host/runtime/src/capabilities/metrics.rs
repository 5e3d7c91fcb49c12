//! Numbers for the operator's metrics. Nothing of it is granted yet, so every number is denied.

use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;

use super::forbid;
use crate::contract::Failure;
use crate::sandbox::Sandbox;

pub(super) fn link(
    metrics: &mut LinkerInstance<'_, Sandbox>,
    allowed: bool,
) -> wasmtime::Result<()> {
    if !allowed {
        return forbid(metrics, "metrics", &["set", "add"]);
    }
    for function in ["set", "add"] {
        metrics.func_wrap(
            function,
            |mut cx: StoreContextMut<'_, Sandbox>, _: (String, Option<u32>, f64)| {
                cx.data_mut().meter.enter()?;
                let denied = Failure::Denied("a metric needs the grant metrics: true".to_owned());
                Ok((Err::<(), _>(denied),))
            },
        )?;
    }
    Ok(())
}
