//! One hook call: a fresh store, one instance, one function, and whatever happens the store is dropped.

mod answers;
mod verdict;

use std::sync::Arc;

use tokio::sync::SemaphorePermit;
use tokio::time::timeout;
use wasmtime::component::{ComponentNamedList, Instance, Lift, Lower};
use wasmtime::{Store, UpdateDeadline};

use crate::contract::Snapshot;
use crate::effects::Effects;
use crate::errors::CallFault;
use crate::hook::{Hook, Kind};
use crate::plugin::Loaded;
use crate::sandbox::{Sandbox, Terms};
use crate::ticker::Running;
use crate::usage::Usage;

/// Bytes that a plugin may hand over in one host call, or as its answer.
const MAX_TRANSFER: usize = 2 << 20;

/// Handles that a store keeps for a guest. The host's own table is full before.
const MAX_STORE_HANDLES: usize = 1000;

/// Everything that surrounds a call but its parameters.
pub(crate) struct Setting {
    pub(crate) hook: Hook,
    pub(crate) terms: Arc<Terms>,
    pub(crate) snapshot: Snapshot,
    pub(crate) effects: Arc<dyn Effects>,
    /// Names the call; equal calls get equal hash seeds.
    pub(crate) seed: String,
}

/// A call that ended without an answer, and what it had used until then.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) why: CallFault,
    pub(crate) usage: Usage,
}

impl From<CallFault> for Ended {
    /// It never began.
    fn from(why: CallFault) -> Ended {
        Ended {
            why,
            usage: Usage::default(),
        }
    }
}

/// A store for one call, and the room it takes in the engine. The store goes first.
pub(crate) struct Entered<'a> {
    pub(crate) store: Store<Sandbox>,
    _running: Running,
    _permit: SemaphorePermit<'a>,
}

/// Calls the hook once. The sandbox comes back with the answer: it holds requests, secrets and what was used.
pub(crate) async fn call<P, R>(
    loaded: &Loaded,
    setting: Setting,
    params: P,
) -> Result<(R, Sandbox), Ended>
where
    P: ComponentNamedList + Lower + Send + Sync,
    R: ComponentNamedList + Lift + Send + Sync + 'static,
{
    let hook = setting.hook;
    let function = loaded
        .hooks
        .get(&hook)
        .ok_or(CallFault::HookNotImplemented)?;
    let mut entered = enter(loaded, setting).await?;
    let instance = entered.instantiate(loaded, hook.kind()).await?;
    let answer = entered
        .within_limits(async |store| {
            let function = instance.get_typed_func::<P, R>(&mut *store, function)?;
            function.call_async(store, params).await
        })
        .await?;
    let mut sandbox = entered.store.into_data();
    // The last stretch of computing counts as well, but an answer that is there is taken.
    let _ = sandbox.meter.charge();
    Ok((answer, sandbox))
}

/// Waits for room, then makes a store with all of its limits. The time of the call runs from here.
pub(crate) async fn enter(loaded: &Loaded, setting: Setting) -> Result<Entered<'_>, CallFault> {
    let host = &loaded.host;
    let permit = host
        .permits
        .acquire()
        .await
        .map_err(|_| CallFault::HostSaturated)?;
    let running = host.ticker.run();
    let sandbox = Sandbox::new(
        setting.hook.kind(),
        setting.terms,
        setting.snapshot,
        setting.effects,
        setting.seed,
    );
    let mut store = Store::new(&host.engine, sandbox);
    store.limiter(|sandbox| &mut sandbox.memory);
    store.set_hostcall_fuel(MAX_TRANSFER);
    store.set_max_component_handles(MAX_STORE_HANDLES);
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(|mut cx| {
        cx.data_mut().meter.charge()?;
        Ok(UpdateDeadline::Yield(1))
    });
    Ok(Entered {
        store,
        _running: running,
        _permit: permit,
    })
}

impl Entered<'_> {
    pub(crate) async fn instantiate(
        &mut self,
        loaded: &Loaded,
        kind: Kind,
    ) -> Result<Instance, Ended> {
        let linked = loaded.linked.of(kind);
        self.within_limits(async |store| linked.instantiate_async(store).await)
            .await
    }

    /// Runs the guest until the call's time is over. After an error nothing more can be done with the store.
    async fn within_limits<T>(
        &mut self,
        run: impl AsyncFnOnce(&mut Store<Sandbox>) -> wasmtime::Result<T>,
    ) -> Result<T, Ended> {
        let left = self.store.data().meter.left();
        let why = match timeout(left, run(&mut self.store)).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(err)) => verdict::of(&err, self.store.data()),
            Err(_) => CallFault::Deadline {
                limit: self.store.data().limits().wall,
            },
        };
        let sandbox = self.store.data_mut();
        // It is over already; what counts is that the last stretch of computing is charged.
        let _ = sandbox.meter.charge();
        Err(Ended {
            why,
            usage: sandbox.usage(),
        })
    }
}
