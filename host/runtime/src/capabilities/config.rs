//! Values that the app's owner bound to slots from ConfigMaps. Grant: `config`, by slot.

use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;

use super::forbid;
use crate::contract::Failure;
use crate::grants::config_grant;
use crate::sandbox::Sandbox;

pub(super) fn link(
    config: &mut LinkerInstance<'_, Sandbox>,
    allowed: bool,
) -> wasmtime::Result<()> {
    if !allowed {
        return forbid(config, "config", &["read"]);
    }
    config.func_wrap_async(
        "read",
        |mut cx: StoreContextMut<'_, Sandbox>, (slot,): (String,)| {
            Box::new(async move {
                let sandbox = cx.data_mut();
                sandbox.meter.enter()?;
                let value = sandbox.read_config(&slot).await;
                sandbox.meter.resume();
                Ok((value,))
            })
        },
    )
}

impl Sandbox {
    async fn read_config(&mut self, slot: &str) -> Result<Vec<u8>, Failure> {
        let allowed = self.grants().allows_config(slot);
        let shown = crate::text::line(slot, 64);
        self.permit(
            allowed,
            &format!("config slot {shown:?}"),
            &config_grant(&shown),
        )?;
        let value = self.effects.config(slot).await?;
        if !self.meter.has_room(value.len()) {
            return Err(self.bytes_are_used_up());
        }
        self.meter.add_bytes(value.len());
        Ok(value)
    }
}
