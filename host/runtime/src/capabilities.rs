//! What the host offers to plugins. One file is one interface of the contract: its grant, its effect, its metering.
//!
//! | interface | decide | probe | act | grant |
//! |-----------|--------|-------|-----|-------|
//! | `view`, `log`, `clock`, `state.get` | yes | yes | yes | – |
//! | `tcp`, `http`, `exec`, `config`, `secret`, `events`, `metrics`, `random` | – | yes | yes | all but `random` |
//! | `requests`, `state.put` | – | – | yes | yes |
//!
//! TLS is no interface of its own: `tcp` and `http` use it, under the grants of the slots that it names.
//!
//! A dash is a function that ends the call with [`Stop::Impure`].

mod clock;
mod config;
mod events;
mod exec;
mod http;
mod log;
mod metrics;
mod random;
mod requests;
mod secret;
mod state;
mod tcp;
mod tls;
mod view;

use wasmtime::component::{Linker, LinkerInstance};

use crate::contract::{PACKAGE, VERSION};
use crate::hook::Kind;
use crate::sandbox::{Sandbox, Stop};

/// Interfaces of the contract that a plugin may import.
pub(crate) const INTERFACES: [&str; 14] = [
    "types", "view", "requests", "tcp", "http", "exec", "config", "secret", "state", "log",
    "events", "metrics", "clock", "random",
];

/// Links the capabilities for hooks of one kind.
pub(crate) fn link(linker: &mut Linker<Sandbox>, kind: Kind) -> wasmtime::Result<()> {
    let observes = kind != Kind::Decide;
    let changes = kind == Kind::Act;
    linker.instance(&interface("types"))?;
    view::link(&mut linker.instance(&interface("view"))?)?;
    log::link(&mut linker.instance(&interface("log"))?)?;
    clock::link(&mut linker.instance(&interface("clock"))?)?;
    state::link(&mut linker.instance(&interface("state"))?, changes)?;
    tcp::link(&mut linker.instance(&interface("tcp"))?, observes)?;
    http::link(&mut linker.instance(&interface("http"))?, observes)?;
    exec::link(&mut linker.instance(&interface("exec"))?, observes)?;
    config::link(&mut linker.instance(&interface("config"))?, observes)?;
    secret::link(&mut linker.instance(&interface("secret"))?, observes)?;
    events::link(&mut linker.instance(&interface("events"))?, observes)?;
    metrics::link(&mut linker.instance(&interface("metrics"))?, observes)?;
    random::link(&mut linker.instance(&interface("random"))?, observes)?;
    requests::link(&mut linker.instance(&interface("requests"))?, changes)
}

/// The full name of an interface of the contract.
pub(crate) fn interface(name: &str) -> String {
    format!("{PACKAGE}/{name}@{VERSION}")
}

/// Defines functions that end the call. They take any parameters: that a plugin's fit is checked where they are linked for real.
fn forbid(
    instance: &mut LinkerInstance<'_, Sandbox>,
    interface: &'static str,
    functions: &[&'static str],
) -> wasmtime::Result<()> {
    for function in functions.iter().copied() {
        instance.func_new(function, move |_, _, _, _| {
            Err(Stop::Impure {
                interface: interface.to_owned(),
                function: function.to_owned(),
            }
            .into())
        })?;
    }
    Ok(())
}
