//! Lines for the operator's log.

use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;

use crate::effects::Level;
use crate::sandbox::Sandbox;

pub(super) fn link(log: &mut LinkerInstance<'_, Sandbox>) -> wasmtime::Result<()> {
    log.func_wrap(
        "write",
        |mut cx: StoreContextMut<'_, Sandbox>, (level, text): (Level, String)| {
            let sandbox = cx.data_mut();
            sandbox.meter.enter()?;
            sandbox.write_log(level, &text);
            Ok(())
        },
    )
}

impl Sandbox {
    fn write_log(&mut self, level: Level, text: &str) {
        let line = self.shown(text, self.limits().log_line);
        if level == Level::Error {
            self.last_error = Some(line.clone());
        }
        let limits = self.limits();
        let (max_lines, max_bytes) = (limits.log_lines, limits.log_bytes);
        let lines = self.meter.add_log_line();
        self.logged = self.logged.saturating_add(line.len());
        if lines <= max_lines && self.logged <= max_bytes {
            self.effects.log(level, &line);
        } else if !self.log_is_cut {
            self.log_is_cut = true;
            let end = format!(
                "further lines of this call are dropped: at most {max_lines} lines and {max_bytes} bytes"
            );
            self.effects.log(Level::Warn, &end);
        }
    }
}
