//! The plugin as a component: the host's calls come in here, the host's functions go out from here.

mod arguments;
mod exchanges;
mod hooks;
mod imports;

use std::marker::PhantomData;
use std::sync::Once;

use crate::bindings::host::stateward::plugin::log;

/// Carries a plugin to the exports that `#[plugin]` writes.
pub struct Exported<P>(PhantomData<P>);

/// A panic ends the call, and with it everything that could be asked; so its message and place go to the log first.
fn report_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let default = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            log::write(log::Level::Error, &panic.to_string());
            default(panic);
        }));
    });
}
