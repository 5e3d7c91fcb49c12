//! Kubernetes events on the app. Grant: `events`.

use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;

use super::forbid;
use crate::contract::Failure;
use crate::effects::Weight;
use crate::sandbox::Sandbox;

pub(super) fn link(
    events: &mut LinkerInstance<'_, Sandbox>,
    allowed: bool,
) -> wasmtime::Result<()> {
    if !allowed {
        return forbid(events, "events", &["emit"]);
    }
    events.func_wrap(
        "emit",
        |mut cx: StoreContextMut<'_, Sandbox>, (weight, reason, note): (Weight, String, String)| {
            let sandbox = cx.data_mut();
            sandbox.meter.enter()?;
            Ok((sandbox.emit(weight, &reason, &note),))
        },
    )
}

impl Sandbox {
    fn emit(&mut self, weight: Weight, reason: &str, note: &str) -> Result<(), Failure> {
        self.permit(self.grants().events, "an event", "events: true")?;
        if !is_camel_case(reason) {
            return Err(Failure::Other(format!(
                "reason {:?} must be CamelCase with at most 64 letters and digits",
                crate::text::line(reason, 64)
            )));
        }
        // A reason has no room for stars.
        if self.masks.reveal(reason.as_bytes()) {
            return Err(Failure::Denied(
                "the reason contains the value of a secret".to_owned(),
            ));
        }
        let max = self.limits().events;
        if self.events >= max {
            return Err(Failure::Budget(format!("{max} events per call")));
        }
        self.events += 1;
        let note = self.shown(note, self.limits().text);
        self.effects.emit(weight, reason, &note);
        Ok(())
    }
}

fn is_camel_case(reason: &str) -> bool {
    reason.len() <= 64
        && reason.starts_with(|letter: char| letter.is_ascii_uppercase())
        && reason.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
