//! One instance that is made for nothing but to compare the types of every hook with the contract.

use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, ComponentNamedList, Instance, Lift, Lower};

use crate::calling::{self, Setting};
use crate::contract::{
    App, Call, Cause, Claim, Extra, Fault, Finding, Member, MoveCause, Report, Step,
};
use crate::hook::{Hook, Kind};
use crate::plugin::Loaded;
use crate::sandbox::Sandbox;

/// Whether every exported hook takes and gives what the contract says; otherwise which does not, and what is wrong with it.
pub(super) async fn every_hook_has_its_type(
    loaded: &Loaded,
    setting: Setting,
) -> Result<(), String> {
    type Acted = (Result<Step, Fault>,);

    let _running = loaded.host.ticker.run();
    let mut store = calling::store(loaded, setting);
    let instance = loaded
        .linked
        .of(Kind::Act)
        .instantiate_async(&mut store)
        .await
        .map_err(|err| format!("it could not be instantiated: {err:#}"))?;
    for (hook, function) in &loaded.hooks {
        let fits = match hook {
            Hook::Describe => fits::<(), (String,)>,
            Hook::Validate => fits::<(Option<App>, App), (Vec<Finding>,)>,
            Hook::MemberConfig => fits::<(App, Member), (Extra,)>,
            Hook::Probe => fits::<(App, Member), (Result<Report, Fault>,)>,
            Hook::PreScale => fits::<(Call, App), Acted>,
            Hook::PostReady => fits::<(Call, App, Member), Acted>,
            Hook::PreDelete => fits::<(Call, App, Member, Cause), Acted>,
            Hook::MoveRole => fits::<(Call, App, Claim, MoveCause, Option<u32>), Acted>,
        };
        fits(&instance, &mut store, function).map_err(|err| format!("{hook}: {err:#}"))?;
    }
    Ok(())
}

fn fits<P, R>(
    instance: &Instance,
    store: &mut Store<Sandbox>,
    function: &ComponentExportIndex,
) -> wasmtime::Result<()>
where
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift,
{
    instance.get_typed_func::<P, R>(store, function).map(|_| ())
}
