//! Secret values by slot. Grant: `secrets`, by slot. What was read is masked from then on.

use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;

use super::forbid;
use crate::contract::Failure;
use crate::grants::slot_grant;
use crate::sandbox::Sandbox;

pub(super) fn link(
    secret: &mut LinkerInstance<'_, Sandbox>,
    allowed: bool,
) -> wasmtime::Result<()> {
    if !allowed {
        return forbid(secret, "secret", &["read"]);
    }
    secret.func_wrap_async(
        "read",
        |mut cx: StoreContextMut<'_, Sandbox>, (slot,): (String,)| {
            Box::new(async move {
                let sandbox = cx.data_mut();
                sandbox.meter.enter()?;
                let value = sandbox.read_secret(&slot).await;
                sandbox.meter.resume();
                Ok((value,))
            })
        },
    )
}

impl Sandbox {
    async fn read_secret(&mut self, slot: &str) -> Result<Vec<u8>, Failure> {
        let allowed = self.grants().allows_slot(slot);
        let shown = crate::text::line(slot, 64);
        self.permit(
            allowed,
            &format!("secret slot {shown:?}"),
            &slot_grant(&shown),
        )?;
        let value = self.effects.secret(slot).await?;
        if !self.meter.has_room(value.len()) {
            return Err(self.bytes_are_used_up());
        }
        self.meter.add_bytes(value.len());
        self.masks.add(&value);
        self.saw_secrets = true;
        Ok(value)
    }

    /// The answer to whatever wants more bytes than the call has left.
    pub(super) fn bytes_are_used_up(&self) -> Failure {
        Failure::Budget(format!(
            "{} bytes through the host per call",
            self.limits().hostcall_bytes
        ))
    }
}
