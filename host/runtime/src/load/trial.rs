//! One instance that is made for nothing but to compare the types of every hook with the contract.

use wasmtime::Store;
use wasmtime::component::{ComponentExportIndex, ComponentNamedList, Instance, Lift, Lower};

use crate::calling::{self, Setting};
use crate::contract::{
    App, Call, Cause, Claim, Extra, Fault, Finding, Member, MoveCause, Report, Step,
};
use crate::errors::CallFault;
use crate::hook::{Hook, Kind};
use crate::plugin::Loaded;
use crate::sandbox::Sandbox;

/// How the trial failed.
pub(super) enum Failed {
    /// The component did not even start.
    ToStart(String),
    /// A hook does not take or give what the contract says.
    ToFit(String),
}

/// Whether every exported hook takes and gives what the contract says; otherwise which does not, and what is wrong with it.
pub(super) async fn every_hook_has_its_type(
    loaded: &Loaded,
    setting: Setting,
) -> Result<(), Failed> {
    type Acted = (Result<Step, Fault>,);

    let failed = |why: &CallFault| Failed::ToStart(format!("it did not start: it {why}"));
    let mut entered = calling::enter(loaded, setting)
        .await
        .map_err(|why| failed(&why))?;
    let instance = entered
        .instantiate(loaded, Kind::Act)
        .await
        .map_err(|ended| failed(&ended.why))?;
    let store = &mut entered.store;
    for (hook, function) in &loaded.hooks {
        let fits = match hook {
            Hook::Describe => fits::<(), (String,)>,
            Hook::Validate => fits::<(Option<App>, App), (Vec<Finding>,)>,
            Hook::MemberConfig => fits::<(App, Member), (Extra,)>,
            Hook::UpdateOrder => fits::<(App,), (Vec<u32>,)>,
            Hook::Probe => fits::<(App, Member), (Result<Report, Fault>,)>,
            Hook::PreScale => fits::<(Call, App), Acted>,
            Hook::PostReady => fits::<(Call, App, Member), Acted>,
            Hook::PreDelete => fits::<(Call, App, Member, Cause), Acted>,
            Hook::PostDelete => fits::<(Call, App, u32, String), Acted>,
            Hook::Task => fits::<(Call, App, String, Option<u32>, String), Acted>,
            Hook::MoveRole => fits::<(Call, App, Claim, MoveCause, Option<u32>), Acted>,
        };
        fits(&instance, store, function)
            .map_err(|err| Failed::ToFit(format!("{hook}: {err:#}")))?;
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
