//! A built component as a plugin of the testkit, so that scenarios run against what is shipped, in any language.
//!
//! ```text
//!  testkit ──► Component ──► the real runtime: sandbox, limits, grants ──► the component
//!     ▲                                                                        │
//!     └────── answered and written down (serving) ◄── what it asks (Wires) ◄───┘
//! ```

mod hooks;
mod http;
mod serving;
mod snapshot;
mod streams;
mod wires;
pub(super) mod words;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::rc::Rc;
use std::sync::Arc;

use stateward_runtime::{
    Act, Answer, App as RuntimeApp, Call, CallError, Finding as RuntimeFinding, Granted, Grants,
    Limits, Metered, NeedsConsent, Plugin as Loaded, Probed, Snapshot, Usage,
};
use stateward_sdk::{App, Hook, Host, Manifest, Reach, View};

use super::exchange::Exchange;
use super::run::input::Input;
use serving::Server;
use wires::{Terms, Wires};

/// A built component.
pub(crate) struct Component {
    granted: Granted,
    manifest: Manifest,
    hooks: Vec<Hook>,
    terms: Arc<Terms>,
    /// Keys of `state` that were written so far: a snapshot holds them all.
    keys: RefCell<BTreeSet<String>>,
    costs: RefCell<Costs>,
    watch: Rc<Watch>,
    /// Its calls, where they are written down.
    record: Option<RefCell<Vec<Input>>>,
}

/// Lets simulated members see who changes them.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    is_probing: Cell<bool>,
    changes: RefCell<BTreeSet<String>>,
}

impl Watch {
    /// A member was changed so.
    pub(crate) fn changed(&self, how: impl FnOnce() -> String) {
        if self.is_probing.get() {
            self.changes.borrow_mut().insert(how());
        }
    }
}

/// What the calls of a component cost, and what it did that it must not.
#[derive(Debug, Clone, Default)]
pub(crate) struct Costs {
    /// The most that one call of each hook has used.
    pub(crate) most: BTreeMap<&'static str, Usage>,
    /// Calls that the sandbox ended: the hook, the reason, and what it says.
    pub(crate) ended: BTreeSet<(&'static str, &'static str, String)>,
    /// Answers of `validate` that it does not stand by.
    pub(crate) unsteady: BTreeSet<String>,
    /// What `validate` did not let pass.
    pub(crate) refused: BTreeSet<String>,
    /// Act hooks that failed for good, with their words.
    pub(crate) fatal: BTreeSet<String>,
    /// What a probe changed in members.
    pub(crate) probed_away: BTreeSet<String>,
}

impl Costs {
    fn note(&mut self, hook: &'static str, usage: Usage) {
        let most = self.most.entry(hook).or_default();
        most.host_calls = most.host_calls.max(usage.host_calls);
        most.memory_peak = most.memory_peak.max(usage.memory_peak);
        most.bytes = most.bytes.max(usage.bytes);
        most.wall = most.wall.max(usage.wall);
        most.cpu = most.cpu.max(usage.cpu);
    }

    pub(crate) fn add(&mut self, other: Costs) {
        for (hook, usage) in other.most {
            self.note(hook, usage);
        }
        self.ended.extend(other.ended);
        self.unsteady.extend(other.unsteady);
        self.refused.extend(other.refused);
        self.fatal.extend(other.fatal);
        self.probed_away.extend(other.probed_away);
    }
}

impl Component {
    /// Grants it what it asks for.
    pub(crate) fn of(plugin: &Loaded) -> Result<Component, NeedsConsent> {
        let manifest = plugin.manifest();
        let text = serde_json::to_string(manifest).unwrap_or_default();
        let hooks = Hook::ALL.into_iter().filter(|hook| {
            let mut known = plugin.hooks().iter();
            known.any(|known| known.name() == hook.name())
        });
        let http = manifest.asks.http.iter().map(|ask| ask.port.clone());
        let container = manifest.asks.exec.first().map(|ask| ask.container.clone());
        let terms = Terms {
            http: http.collect(),
            container,
        };
        Ok(Component {
            granted: plugin.grant(Grants::all_asked(&manifest.asks), Limits::default())?,
            // What this host loads, the SDK of the same version can read.
            manifest: Manifest::from_json(&text)
                .unwrap_or_else(|_| Manifest::new(&manifest.name, &manifest.version)),
            hooks: hooks.collect(),
            terms: Arc::new(terms),
            keys: RefCell::default(),
            costs: RefCell::default(),
            watch: Rc::default(),
            record: None,
        })
    }

    /// Writes its calls down.
    pub(crate) fn recording(self) -> Component {
        Component {
            record: Some(RefCell::default()),
            ..self
        }
    }

    /// Its calls so far, where they are written down.
    pub(crate) fn calls(&self) -> Vec<Input> {
        let record = self.record.as_ref();
        record.map_or_else(Vec::new, |record| record.borrow().clone())
    }

    /// For members that are to see who changes them.
    pub(crate) fn watch(&self) -> Rc<Watch> {
        Rc::clone(&self.watch)
    }

    /// What its calls have cost so far.
    pub(crate) fn costs(&self) -> Costs {
        let mut costs = self.costs.borrow().clone();
        costs.probed_away = self.watch.changes.borrow().clone();
        costs
    }

    /// Calls an act hook once; the answer, and what it asked for meanwhile.
    pub(crate) fn act(
        &self,
        act: Act,
        call: Call,
        snapshot: Snapshot,
        host: &dyn Host,
    ) -> (Result<Answer, CallError>, Vec<Exchange>) {
        let hook = act.hook().name();
        let (answer, exchanges) = self.run(host, Some(host), |wires| {
            self.granted.act(act, call, snapshot, wires)
        });
        match &answer {
            Ok(answer) => self.costs.borrow_mut().note(hook, answer.usage),
            Err(error) => self.ended(error),
        }
        (answer, exchanges)
    }

    /// Probes a member once; what it reports, and what it asked for meanwhile.
    pub(crate) fn probe(
        &self,
        ordinal: u32,
        snapshot: Snapshot,
        reach: &dyn Reach,
    ) -> (Result<Probed, CallError>, Vec<Exchange>) {
        self.watch.is_probing.set(true);
        let (answer, exchanges) = self.run(reach, None, |wires| {
            self.granted.probe(snapshot, ordinal, wires)
        });
        self.watch.is_probing.set(false);
        match &answer {
            Ok(probed) => self.costs.borrow_mut().note("probe", probed.usage),
            Err(error) => self.ended(error),
        }
        (answer, exchanges)
    }

    /// Asks `validate` once.
    pub(crate) fn validate(
        &self,
        snapshot: Snapshot,
        old: Option<RuntimeApp>,
    ) -> Result<Metered<Vec<RuntimeFinding>>, CallError> {
        self.decided("validate", self.granted.validate(snapshot, old))
    }

    /// Asks `member-config` once.
    pub(crate) fn member_config(
        &self,
        snapshot: Snapshot,
        ordinal: u32,
    ) -> Result<Metered<BTreeMap<String, String>>, CallError> {
        let asked = self.granted.member_config(snapshot, ordinal);
        self.decided("member-config", asked)
    }

    /// Asks `update-order` once.
    pub(crate) fn update_order(&self, snapshot: Snapshot) -> Result<Metered<Vec<u32>>, CallError> {
        self.decided("update-order", self.granted.update_order(snapshot))
    }

    fn decided<T>(
        &self,
        hook: &'static str,
        ask: impl Future<Output = Result<Metered<T>, CallError>>,
    ) -> Result<Metered<T>, CallError> {
        let answer = here(wires::alone(ask));
        match &answer {
            Ok(answer) => self.costs.borrow_mut().note(hook, answer.usage),
            Err(error) => self.ended(error),
        }
        answer
    }

    fn ended(&self, error: &CallError) {
        let hook = error.hook.name();
        let fault = (hook, error.reason(), error.to_string());
        let mut costs = self.costs.borrow_mut();
        costs.note(hook, *error.usage);
        costs.ended.insert(fault);
    }

    fn snapshot(&self, app: &App, view: &dyn View) -> Snapshot {
        snapshot::of(app, view, &self.keys.borrow())
    }

    /// Runs a call on this thread, and serves what it asks for meanwhile.
    fn run<T, F>(
        &self,
        reach: &dyn Reach,
        host: Option<&dyn Host>,
        begin: impl FnOnce(Arc<Wires>) -> F,
    ) -> (Result<T, CallError>, Vec<Exchange>)
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let (wires, asks) = Wires::new(Arc::clone(&self.terms));
        let server = Server {
            reach,
            host,
            record: Rc::default(),
            written: RefCell::default(),
        };
        let ended = wires::drive(begin(wires), asks, |asked| server.serve(asked));
        self.keys.borrow_mut().extend(server.written.take());
        (here(ended), server.record.take())
    }
}

/// A thread that cannot wait ends the scenario.
fn here<T>(ended: Result<T, String>) -> T {
    ended.unwrap_or_else(|why| resume_unwind(Box::new(why)))
}
