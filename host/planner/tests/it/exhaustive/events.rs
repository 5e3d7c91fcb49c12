//! What may happen next: by the host, nodes, users.

use stateward_planner::spec::UpdateStrategy;
use stateward_planner::world::{Plugin, PodPhase};
use stateward_planner::{Model, Plan, Step};

use super::lanes;
use super::state::State;
use crate::bed::image;
use crate::oracle;

impl State {
    /// Every state that may follow.
    pub(super) fn successors(&self) -> Vec<State> {
        let mut next = Vec::new();
        if self.is_gone() {
            return next;
        }
        self.by_host(&mut next);
        self.by_claims(&mut next);
        self.by_pods(&mut next);
        self.by_users(&mut next);
        if self.has_plugin() {
            lanes::by_plugin(self, &mut next);
        }
        next
    }

    pub(super) fn add(&self, next: &mut Vec<State>, change: impl FnOnce(&mut State)) {
        let mut state = self.clone();
        change(&mut state);
        state.settle_accounts();
        next.push(state);
    }

    fn by_host(&self, next: &mut Vec<State>) {
        // It does a fresh plan, or keeps it in hand.
        let plan = self.model.plan();
        oracle::judge(&self.model, &plan);
        self.add(next, |state| state.carry_out(&plan));
        let requests = || plan.steps.iter().filter(|step| is_request(step)).cloned();
        if self.late.is_empty() && requests().next().is_some() && !self.writes_first(&plan) {
            self.add(next, |state| {
                for step in requests() {
                    state.aim_at(&step);
                    state.late.push(step);
                }
            });
        }
        // What it has in hand comes through, one by one. It may be refused by now; it must not hit anything else.
        for index in 0..self.late.len() {
            self.add(next, |state| {
                let step = state.late.remove(index);
                lanes::judge_late(state, &step);
                let _refused = state.carry_through(&step);
            });
        }
        if !self.late.is_empty() {
            // It dies, with the rest undone.
            self.add(next, |state| {
                state.late.clear();
                state.model.restart_host();
            });
        }
    }

    /// With a plugin, what later steps depend on is written before anything else is done.
    fn writes_first(&self, plan: &Plan) -> bool {
        self.model.world.plugin != Plugin::None && plan.status_is_urgent
    }

    fn carry_out(&mut self, plan: &Plan) {
        if !self.writes_first(plan) {
            for step in &plan.steps {
                lanes::note(self, step);
                self.aim_at(step);
                (self.carry_through(step)).expect("a fresh step is not refused");
            }
        }
        self.model.record(plan);
    }

    fn by_claims(&self, next: &mut Vec<State>) {
        for claim in &self.model.world.claims {
            let name = claim.name.as_str();
            // As long as a pod uses it, it stays.
            let is_used = (self.model.world.pods.iter())
                .any(|pod| pod.claims.values().any(|used| used == name));
            if claim.deletion.is_some() && !is_used {
                self.add(next, |state| state.model.finish_claim(name));
            } else if claim.deletion.is_none() && self.losses > 0 {
                self.add(next, |state| {
                    state.model.delete_claim(name);
                    state.losses -= 1;
                });
            }
        }
    }

    fn by_pods(&self, next: &mut Vec<State>) {
        for pod in &self.model.world.pods {
            let name = pod.name.as_str();
            if pod.deletion.is_some() {
                self.add(next, |state| state.model.finish(name));
                continue;
            }
            let is_starting = pod.phase == PodPhase::Running && pod.ready_since.is_none();
            // Nodes start nobody without claims.
            let has_claims = (pod.claims.values()).all(|name| {
                self.model
                    .world
                    .claims
                    .iter()
                    .any(|claim| claim.name == *name)
            });
            if has_claims && (pod.phase == PodPhase::Pending || is_starting) {
                self.add(next, |state| state.model.start(name));
            }
            if self.failures > 0 {
                let mut failures: Vec<fn(&mut Model, &str)> = vec![Model::fail, Model::delete_pod];
                if self.has_plugin() && pod.phase == PodPhase::Running {
                    failures.push(Model::restart);
                }
                for failure in failures {
                    self.add(next, |state| {
                        failure(&mut state.model, name);
                        state.failures -= 1;
                    });
                }
            }
        }
    }

    fn by_users(&self, next: &mut Vec<State>) {
        if self.model.world.app.deletion.is_some() {
            return;
        }
        if self.ends {
            self.add(next, |state| {
                state.model.world.app.deletion = Some(state.model.now);
                state.ends = false;
            });
        }
        if self.edits == 0 {
            return;
        }
        // An edit that changes nothing leads nowhere new.
        let spec = &self.model.world.app.spec;
        let sizes = [0, self.ordinals - 1, self.ordinals];
        for replicas in sizes.into_iter().filter(|size| *size != spec.replicas) {
            self.add(next, |state| {
                state.edit(|model| model.edit(|spec| spec.replicas = replicas));
            });
        }
        if spec.update.partition() > 0 {
            self.add(next, |state| {
                state.edit(|model| model.edit(|spec| lower_the_partition(&mut spec.update)));
            });
        }
        if self.image() == "web:v2" {
            return;
        }
        self.add(next, |state| {
            state.edit(|model| model.edit(|spec| image(spec, "web:v2")));
        });
    }

    fn edit(&mut self, change: impl FnOnce(&mut Model)) {
        change(&mut self.model);
        self.edits -= 1;
        self.scaled.clear();
    }
}

fn lower_the_partition(update: &mut UpdateStrategy) {
    if let UpdateStrategy::RollingUpdate { partition, .. } = update {
        *partition -= 1;
    }
}

/// A request to the API, which may be under way for long. Calls are made by the process that remembers them.
fn is_request(step: &Step) -> bool {
    !matches!(
        step,
        Step::Call { .. } | Step::Interrupt { .. } | Step::Decide { .. }
    )
}
