//! Values that the app's owner bound to slots from ConfigMaps. Nothing of it is granted yet, so every read is denied.

use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;

use super::forbid;
use crate::contract::Failure;
use crate::sandbox::Sandbox;

pub(super) fn link(
    config: &mut LinkerInstance<'_, Sandbox>,
    allowed: bool,
) -> wasmtime::Result<()> {
    if !allowed {
        return forbid(config, "config", &["read"]);
    }
    config.func_wrap(
        "read",
        |mut cx: StoreContextMut<'_, Sandbox>, (slot,): (String,)| {
            cx.data_mut().meter.enter()?;
            let slot = crate::text::line(&slot, 64);
            let denied = Failure::Denied(format!(
                "config slot {slot:?} needs the grant config.slots: [{slot:?}]"
            ));
            Ok((Err::<Vec<u8>, _>(denied),))
        },
    )
}
