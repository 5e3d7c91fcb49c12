//! Up to four ordinals, every order of events: at most one pod per identity, created and deleted in order, claims kept, and rest in the end.
//!
//! A state is a world without UIDs and times, and the steps that a slow host still has in hand, planned on a picture that is old by now. From each state
//! every event is tried, until nothing new comes: the host plans and acts, keeps its plan in hand, does it late, or dies when half of it is done; pods start,
//! fail, are deleted and end; claims are lost; users scale and edit.

use std::collections::{BTreeSet, VecDeque};
use std::time::Instant;

use stateward_planner::spec::PodManagement;
use stateward_planner::world::{Plugin, PodPhase};
use stateward_planner::{Model, Step};

use crate::bed::{image, model, settle, spec, with_claims};
use crate::oracle;

#[derive(Clone)]
struct State {
    model: Model,
    /// Planned earlier, and not done yet.
    late: Vec<Step>,
    /// What users and nodes may still do to it.
    ordinals: u32,
    edits: u32,
    failures: u32,
    losses: u32,
}

/// How much may happen.
#[derive(Clone, Copy, Debug)]
struct Case {
    policy: PodManagement,
    ordinals: u32,
    edits: u32,
    failures: u32,
    /// Claims that somebody deletes. Without any, members have none.
    losses: u32,
}

impl State {
    /// What tells states apart.
    fn key(&self) -> String {
        let world = &self.model.world;
        let mut pods: Vec<_> = world
            .pods
            .iter()
            .map(|pod| {
                (
                    &pod.name,
                    pod.phase,
                    pod.ready_since.is_some(),
                    pod.deletion.is_some(),
                    pod.labels.get("controller-revision-hash"),
                    self.late
                        .iter()
                        .any(|step| matches!(step, Step::DeletePod { uid, .. } if *uid == pod.uid)),
                )
            })
            .collect();
        pods.sort_by_key(|pod| pod.0);
        let late: Vec<_> = self
            .late
            .iter()
            .map(|step| match step {
                Step::CreatePod {
                    ordinal, revision, ..
                } => format!("create {ordinal} {revision}"),
                Step::DeletePod { name, .. } => format!("delete {name}"),
                other => format!("{:?}", std::mem::discriminant(other)),
            })
            .collect();
        let revisions: Vec<_> = world
            .revisions
            .iter()
            .map(|revision| (&revision.name, revision.number))
            .collect();
        let mut claims: Vec<_> = world
            .claims
            .iter()
            .map(|claim| (&claim.name, claim.deletion.is_some()))
            .collect();
        claims.sort();
        format!(
            "{pods:?} {late:?} {revisions:?} {claims:?} {} {} {} {} {} {}",
            world.app.spec.replicas,
            world.app.spec.template,
            world.recorded.current_revision,
            self.edits,
            self.failures,
            self.losses
        )
    }

    fn successors(&self) -> Vec<State> {
        let mut next = Vec::new();
        let mut add = |change: &dyn Fn(&mut State)| {
            let mut state = self.clone();
            change(&mut state);
            next.push(state);
        };

        // The host does a fresh plan, or keeps it in hand.
        let plan = self.model.plan();
        oracle::judge(&self.model, &plan);
        add(&|state| {
            for step in &plan.steps {
                state
                    .model
                    .apply(step)
                    .expect("a fresh step is not refused");
            }
            state.model.record(&plan);
        });
        if self.late.is_empty() && !plan.steps.is_empty() {
            add(&|state| state.late.clone_from(&plan.steps));
        }
        if !self.late.is_empty() {
            // It may be refused by now; it must not hit anything else.
            add(&|state| {
                for step in std::mem::take(&mut state.late) {
                    let _ = state.model.apply(&step);
                }
            });
        }
        if self.late.len() > 1 {
            // The host dies half way.
            add(&|state| {
                let late = std::mem::take(&mut state.late);
                for step in late.iter().take(late.len() / 2) {
                    let _ = state.model.apply(step);
                }
                state.model.restart_host();
            });
        }
        for claim in &self.model.world.claims {
            let name = claim.name.as_str();
            // As long as a pod uses it, it stays.
            let is_used = (self.model.world.pods.iter())
                .any(|pod| pod.claims.values().any(|used| used == name));
            if claim.deletion.is_some() && is_used {
                continue;
            }
            if claim.deletion.is_some() {
                add(&|state| state.model.finish_claim(name));
            } else if self.losses > 0 {
                add(&|state| {
                    state.model.delete_claim(name);
                    state.losses -= 1;
                });
            }
        }

        for pod in &self.model.world.pods {
            let name = pod.name.as_str();
            if pod.deletion.is_some() {
                add(&|state| state.model.finish(name));
                continue;
            }
            if pod.phase == PodPhase::Pending {
                add(&|state| state.model.start(name));
            }
            if self.failures > 0 {
                let failures: [fn(&mut Model, &str); 2] = [Model::fail, Model::delete_pod];
                for failure in failures {
                    add(&|state| {
                        failure(&mut state.model, name);
                        state.failures -= 1;
                    });
                }
            }
        }
        if self.edits > 0 {
            for replicas in [0, self.ordinals - 1, self.ordinals] {
                add(&|state| {
                    state.model.edit(|spec| spec.replicas = replicas);
                    state.edits -= 1;
                });
            }
            add(&|state| {
                state.model.edit(|spec| image(spec, "web:v2"));
                state.edits -= 1;
            });
        }
        next
    }
}

fn explore(case: Case) -> (usize, usize) {
    let mut spec = spec(case.ordinals);
    if case.losses > 0 {
        spec = with_claims(spec);
    }
    spec.pod_management = case.policy;
    let first = State {
        model: model(spec, Plugin::None),
        late: Vec::new(),
        ordinals: case.ordinals,
        edits: case.edits,
        failures: case.failures,
        losses: case.losses,
    };
    let mut seen = BTreeSet::from([first.key()]);
    let mut queue = VecDeque::from([first]);
    let mut moves = 0;
    while let Some(state) = queue.pop_front() {
        let mut names: Vec<_> = state.model.world.pods.iter().map(|pod| &pod.name).collect();
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "at most one pod per identity");
        for next in state.successors() {
            moves += 1;
            if seen.insert(next.key()) {
                queue.push_back(next);
            }
        }
        // From everywhere it comes to rest, once it is left alone; a sample is enough where every state near it is explored too.
        if seen.len() % 64 == 0 {
            let mut model = state.model.clone();
            settle(&mut model);
            assert!(model.is_at_rest());
        }
    }
    (seen.len(), moves)
}

fn show(case: Case) {
    let begin = Instant::now();
    let (states, moves) = explore(case);
    let took = begin.elapsed();
    println!("{case:?}: {states} states, {moves} moves in {took:.1?}");
    assert!(states > 500);
}

const ORDERED: Case = Case {
    policy: PodManagement::OrderedReady,
    ordinals: 3,
    edits: 1,
    failures: 1,
    losses: 0,
};

const PARALLEL: Case = Case {
    policy: PodManagement::Parallel,
    failures: 0,
    ..ORDERED
};

#[test]
fn ordered_in_every_order() {
    show(ORDERED);
}

#[test]
fn parallel_in_every_order() {
    show(PARALLEL);
}

#[test]
fn ordered_with_a_claim_lost_in_every_order() {
    show(Case {
        ordinals: 2,
        failures: 0,
        losses: 1,
        ..ORDERED
    });
}

#[test]
fn four_ordered_in_every_order() {
    show(Case {
        ordinals: 4,
        failures: 0,
        ..ORDERED
    });
}

#[test]
fn three_ordered_with_a_claim_lost_in_every_order() {
    show(Case {
        failures: 0,
        losses: 1,
        ..ORDERED
    });
}

#[test]
#[ignore = "minutes in a release build; for a campaign"]
fn deeper_in_every_order() {
    for policy in [PodManagement::OrderedReady, PodManagement::Parallel] {
        let deeper = Case { policy, ..ORDERED };
        show(Case { edits: 2, ..deeper });
        show(Case {
            ordinals: 4,
            failures: 0,
            ..deeper
        });
        show(Case {
            losses: 1,
            failures: 0,
            ..deeper
        });
    }
}
