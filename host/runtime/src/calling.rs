//! One hook call: a fresh store, one instance, one function, and whatever happens the store is dropped.

mod answers;
mod verdict;

use std::sync::Arc;

use tokio::time::timeout;
use wasmtime::component::{ComponentNamedList, Lift, Lower};
use wasmtime::{Store, UpdateDeadline};

use crate::contract::Snapshot;
use crate::effects::Effects;
use crate::errors::CallFault;
use crate::hook::Hook;
use crate::plugin::Loaded;
use crate::sandbox::{Sandbox, Terms};

/// Bytes that a plugin may hand over in one host call, or as its answer.
const MAX_TRANSFER: usize = 2 << 20;

/// Handles of all kinds that a call may hold.
const MAX_HANDLES: usize = 1000;

/// Everything that surrounds a call but its parameters.
pub(crate) struct Setting {
    pub(crate) hook: Hook,
    pub(crate) terms: Arc<Terms>,
    pub(crate) snapshot: Snapshot,
    pub(crate) effects: Arc<dyn Effects>,
    /// Names the call; equal calls get equal hash seeds.
    pub(crate) seed: String,
}

/// Calls the hook once. The sandbox comes back with the answer: it holds requests, secrets and what was used.
pub(crate) async fn call<P, R>(
    loaded: &Loaded,
    setting: Setting,
    params: P,
) -> Result<(R, Sandbox), CallFault>
where
    P: ComponentNamedList + Lower + Send + Sync,
    R: ComponentNamedList + Lift + Send + Sync + 'static,
{
    let function = loaded
        .hooks
        .get(&setting.hook)
        .ok_or(CallFault::HookNotImplemented)?;
    let host = &loaded.host;
    let _permit = host
        .permits
        .acquire()
        .await
        .map_err(|_| CallFault::HostSaturated)?;
    let _running = host.ticker.run();
    let mut store = store(loaded, setting);
    let kind = store.data().kind;
    let wall = store.data().limits().wall;
    let attempt = async {
        let instance = loaded.linked.of(kind).instantiate_async(&mut store).await?;
        let function = instance.get_typed_func::<P, R>(&mut store, function)?;
        function.call_async(&mut store, params).await
    };
    match timeout(wall, attempt).await {
        Ok(Ok(answer)) => {
            let mut sandbox = store.into_data();
            // The last stretch of computing counts as well, but an answer that is there is taken.
            let _ = sandbox.meter.charge();
            Ok((answer, sandbox))
        }
        Ok(Err(err)) => Err(verdict::of(&err, store.data())),
        Err(_) => Err(CallFault::Deadline { limit: wall }),
    }
}

/// A store for one call, with all of its limits.
pub(crate) fn store(loaded: &Loaded, setting: Setting) -> Store<Sandbox> {
    let sandbox = Sandbox::new(
        setting.hook.kind(),
        setting.terms,
        setting.snapshot,
        setting.effects,
        &setting.seed,
    );
    let mut store = Store::new(&loaded.host.engine, sandbox);
    store.limiter(|sandbox| &mut sandbox.memory);
    store.set_hostcall_fuel(MAX_TRANSFER);
    store.set_max_component_handles(MAX_HANDLES);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut cx| {
        cx.data_mut().meter.charge()?;
        Ok(UpdateDeadline::Yield(1))
    });
    store
}
