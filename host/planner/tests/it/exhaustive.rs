//! Three ordinals, every order of events: at most one pod per identity, created and deleted in order, claims kept, and rest in the end.
//!
//! A state is a world without UIDs and times, and the steps that a slow host still has in hand. From each state every event is tried, until nothing new comes.

use std::collections::{BTreeSet, VecDeque};

use stateward_planner::spec::PodManagement;
use stateward_planner::world::{Plugin, PodPhase};
use stateward_planner::{Model, Step};

use crate::bed::{image, model, settle, spec};
use crate::oracle;

#[derive(Clone)]
struct State {
    model: Model,
    /// Planned earlier, and not done yet.
    late: Vec<Step>,
    /// What users and nodes may still do to it.
    edits: u32,
    failures: u32,
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
        format!(
            "{pods:?} {late:?} {revisions:?} {} {} {} {} {}",
            world.app.spec.replicas,
            world.app.spec.template,
            world.recorded.current_revision,
            self.edits,
            self.failures
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
            for replicas in [0, 2, 3] {
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

fn explore(policy: PodManagement, edits: u32, failures: u32) -> (usize, usize) {
    let mut spec = spec(3);
    spec.pod_management = policy;
    let first = State {
        model: model(spec, Plugin::None),
        late: Vec::new(),
        edits,
        failures,
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

fn show(policy: PodManagement, edits: u32, failures: u32) {
    let (states, moves) = explore(policy, edits, failures);
    println!("{policy:?}, {edits} edits, {failures} failures: {states} states, {moves} moves");
    assert!(states > 500);
}

#[test]
fn ordered_in_every_order() {
    show(PodManagement::OrderedReady, 1, 1);
}

#[test]
fn parallel_in_every_order() {
    show(PodManagement::Parallel, 1, 0);
}

#[test]
#[ignore = "minutes: 240 000 states; for a campaign"]
fn deeper_in_every_order() {
    show(PodManagement::OrderedReady, 2, 1);
    show(PodManagement::Parallel, 2, 1);
}
