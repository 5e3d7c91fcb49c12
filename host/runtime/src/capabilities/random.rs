//! Bytes from the host's secure source.

use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;

use super::forbid;
use crate::sandbox::{Sandbox, Stop};

const MAX_BYTES: usize = 4096;

pub(super) fn link(
    random: &mut LinkerInstance<'_, Sandbox>,
    allowed: bool,
) -> wasmtime::Result<()> {
    if !allowed {
        return forbid(random, "random", &["bytes"]);
    }
    random.func_wrap(
        "bytes",
        |mut cx: StoreContextMut<'_, Sandbox>, (count,): (u32,)| {
            let meter = &mut cx.data_mut().meter;
            meter.enter()?;
            let count = usize::try_from(count)?;
            // Fewer bytes than asked for would make a weak key: rather none.
            if count > MAX_BYTES {
                return Err(Stop::Hostcalls(format!(
                    "random.bytes gives at most {MAX_BYTES} bytes at a time"
                ))
                .into());
            }
            if !meter.has_room(count) {
                return Err(Stop::Hostcalls(format!(
                    "more than {} bytes through host functions",
                    meter.max_bytes()
                ))
                .into());
            }
            meter.add_bytes(count);
            let mut bytes = vec![0; count];
            getrandom::fill(&mut bytes)?;
            Ok((bytes,))
        },
    )
}
