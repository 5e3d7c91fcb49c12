//! A simulated cluster: it does the steps of plans as Kubernetes and the operator would, and what happens by itself happens when it is told to.
//!
//! | what | by |
//! |---|---|
//! | the API: names are unique, deletes need the UID, a deleted pod terminates first | [`Model::apply`] |
//! | the operator: writes the status, remembers invocations, forgets them when it restarts | [`Model::record`], [`Model::restart_host`] |
//! | nodes: pods start, fail, restart, end | [`Model::start`], [`Model::fail`], [`Model::finish`] … |
//! | the plugin: answers the calls that are in flight | [`Model::answer`] |
//! | the user | [`Model::edit`], [`Model::delete_pod`] |

mod api;
mod nodes;
mod plugin;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::journal::Invocation;
use crate::plan::Plan;
use crate::spec::Spec;
use crate::status::Status;
use crate::world::{Answers, App, Budgets, Plugin, Verdict, World};

pub use api::Refusal;

/// A world, a clock that only moves when told, and what the plugin's decide hooks would say.
#[derive(Clone, Debug)]
pub struct Model {
    pub world: World,
    pub now: Timestamp,
    /// What `validate` says.
    pub verdict: Verdict,
    /// What `member-config` says, for every ordinal.
    pub config: BTreeMap<String, String>,
    /// UIDs given out so far.
    uids: u64,
}

impl Model {
    pub fn new(world: World, now: Timestamp) -> Model {
        // What exists may come from another model: no UID is given out twice.
        let pods = world.pods.iter().map(|pod| pod.uid.as_str());
        let claims = world.claims.iter().map(|claim| claim.uid.as_str());
        let revisions = world.revisions.iter().map(|revision| revision.uid.as_str());
        let number = |uid: &str| uid.strip_prefix("model-")?.parse().ok();
        let uids = (pods.chain(claims).chain(revisions))
            .filter_map(number)
            .max()
            .unwrap_or(0);
        Model {
            world,
            now,
            verdict: Verdict::Accepted,
            config: BTreeMap::new(),
            uids,
        }
    }

    /// The app alone: nothing was done for it yet.
    pub fn of(app: App, plugin: Plugin, now: Timestamp) -> Model {
        let world = World {
            app,
            revisions: Vec::new(),
            pods: Vec::new(),
            claims: Vec::new(),
            recorded: Status::default().into(),
            budgets: Budgets::default(),
            plugin,
            answers: Answers::default(),
            journal: BTreeMap::new(),
        };
        Model::new(world, now)
    }

    /// What would be done now.
    pub fn plan(&self) -> Plan {
        crate::plan(&self.world, self.now)
    }

    /// Nothing is left to do, and nothing to write.
    pub fn is_at_rest(&self) -> bool {
        let plan = self.plan();
        plan.steps.is_empty()
            && !plan
                .status
                .is_worth_writing(&self.world.recorded, self.world.app.face)
    }

    /// Writes the plan's status, and drops what the plan says is over.
    pub fn record(&mut self, plan: &Plan) {
        for id in &plan.forget {
            self.world.journal.remove(id);
        }
        self.write(plan.status.clone());
    }

    fn write(&mut self, status: Status) {
        if status.roles != self.world.recorded.roles || status.state != self.world.recorded.state {
            self.world.answers.member_config.clear();
        }
        for known in self.world.journal.values_mut() {
            known.is_recorded = status
                .invocations
                .iter()
                .any(|recorded| is_same(recorded, known));
        }
        self.world.recorded = status.into();
    }

    /// Lets time pass.
    pub fn pass(&mut self, time: SignedDuration) {
        self.now = self.now.saturating_add(time).unwrap_or(self.now);
    }

    /// A user changes the spec.
    pub fn edit(&mut self, change: impl FnOnce(&mut Spec)) {
        let before = self.world.app.spec.clone();
        change(&mut self.world.app.spec);
        if self.world.app.spec != before {
            self.world.app.generation = self.world.app.generation.saturating_add(1);
            self.world.answers = Answers::default();
        }
    }

    /// The host ends and starts again: calls in flight are lost, and what was only in memory.
    pub fn restart_host(&mut self) {
        self.world.answers = Answers::default();
        self.world.journal = self
            .world
            .recorded
            .invocations
            .iter()
            .map(|recorded| {
                let known = Invocation {
                    is_recorded: true,
                    ..recorded.clone()
                };
                (known.id.clone(), known)
            })
            .collect();
    }

    fn next_uid(&mut self) -> String {
        self.uids = self.uids.saturating_add(1);
        format!("model-{}", self.uids)
    }
}

fn is_same(recorded: &Invocation, known: &Invocation) -> bool {
    recorded.id == known.id
        && recorded.phase == known.phase
        && recorded.checkpoint == known.checkpoint
        && recorded.cancelling == known.cancelling
}
