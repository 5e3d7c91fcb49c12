//! Components as arguments of a command.

use stateward_components::built;

/// The file of one: `wrong`, `hostile`, `steered`, `plugin-mysql`.
pub(crate) fn component(name: &str) -> String {
    built(name).to_str().unwrap().to_owned()
}
