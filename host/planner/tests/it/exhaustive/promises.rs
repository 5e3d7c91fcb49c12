//! What holds in every state, however old the plans are that led there; and where it ends.

use stateward_planner::model::Refusal;
use stateward_planner::plan::{WhyDelete, WhyRelease};
use stateward_planner::spec::UpdateStrategy;
use stateward_planner::world::{Hold, Pod};
use stateward_planner::{Model, Step};

use super::state::State;
use crate::bed::settle;
use crate::oracle::{self, REVISION};

impl State {
    /// Deleted, and nothing holds it any more: whatever is left goes by garbage collection.
    pub(super) fn is_gone(&self) -> bool {
        let app = &self.model.world.app;
        app.deletion.is_some() && app.hold == Hold::None
    }

    /// A rollout means to take a pod; remembered is whether it served then.
    pub(super) fn aim_at(&mut self, step: &Step) {
        if let Step::DeletePod {
            uid,
            why: WhyDelete::Outdated,
            ..
        } = step
            && self.serves(uid)
        {
            self.aimed.insert(uid.clone());
        }
    }

    /// A request comes through, or is refused. A rollout takes who served when it was planned and still does; one that did not serve costs no budget, and
    /// nobody calls the request back if it serves by now.
    pub(super) fn carry_through(&mut self, step: &Step) -> Result<(), Refusal> {
        let is_taking = match step {
            Step::DeletePod { uid, .. } => self.aimed.contains(uid) && self.serves(uid),
            Step::DeleteClaim { name, .. } => panic!("claim {name} is deleted by us"),
            Step::ReleaseApp {
                why: WhyRelease::TornDown,
            } => {
                assert!(self.model.world.pods.is_empty(), "it goes before its pods");
                false
            }
            _ => false,
        };
        self.model.apply(step)?;
        if let Step::DeletePod { ordinal, .. } = step
            && is_taking
        {
            self.taken.insert(*ordinal);
        }
        Ok(())
    }

    /// Who serves again is no longer taken, and what is not in hand is not aimed at.
    pub(super) fn settle_accounts(&mut self) {
        if self.taken.is_empty() && self.aimed.is_empty() {
            return;
        }
        let model = &self.model;
        let is_there = |ordinal: u32| {
            (model.world.pods.iter()).any(|pod| {
                oracle::ordinal(&pod.name) == ordinal && oracle::is_available(model, pod)
            })
        };
        self.taken
            .retain(|ordinal| model.world.app.spec.contains(*ordinal) && !is_there(*ordinal));
        let late = &self.late;
        let is_in_hand = |aimed: &String| {
            (late.iter()).any(|step| matches!(step, Step::DeletePod { uid, .. } if uid == aimed))
                && model.world.pods.iter().any(|pod| pod.uid == *aimed)
        };
        self.aimed.retain(is_in_hand);
    }

    fn serves(&self, uid: &str) -> bool {
        let pod = self.model.world.pods.iter().find(|pod| pod.uid == uid);
        pod.is_some_and(|pod| oracle::is_available(&self.model, pod))
    }
}

pub(super) fn judge(state: &State) {
    let world = &state.model.world;
    let spec = &world.app.spec;
    let mut names: Vec<_> = world.pods.iter().map(|pod| &pod.name).collect();
    names.sort();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "at most one pod per identity");
    let budget = spec.update.budget(spec.replicas) as usize;
    assert!(
        spec.update == UpdateStrategy::Recreate || state.taken.len() <= budget,
        "a rollout took {:?} and may take {budget}",
        state.taken
    );
    let partition = spec.update.partition();
    let first = world.revisions.iter().find(|revision| revision.number == 1);
    let is_changed = |pod: &&Pod| {
        spec.ordinals().slot(oracle::ordinal(&pod.name)) < partition
            && pod.labels.get(REVISION) != first.map(|first| first.name.as_str())
    };
    let changed: Vec<_> = world.pods.iter().filter(is_changed).collect();
    assert!(changed.is_empty(), "below the partition: {changed:?}");
}

/// Once it is left alone it reaches its goal, and then nothing is done or written.
pub(super) fn comes_to_rest(state: &State) {
    if state.is_gone() {
        return;
    }
    let mut model = state.model.clone();
    for id in model.calls() {
        let answer = model.well(&id);
        if model.answer(&id, &answer).is_err() {
            model.world.journal.remove(&id);
        }
    }
    settle(&mut model);
    while finish_claims(&mut model) {
        settle(&mut model);
    }
    assert!(model.is_at_rest());
    assert!(model.calls().is_empty());
    reached(&model);
}

/// Claims in deletion that nobody uses go. True when there were any.
fn finish_claims(model: &mut Model) -> bool {
    let world = &model.world;
    let is_used =
        |name: &String| (world.pods.iter()).any(|pod| pod.claims.values().any(|used| used == name));
    let idle: Vec<_> = (world.claims.iter())
        .filter(|claim| claim.deletion.is_some() && !is_used(&claim.name))
        .map(|claim| claim.name.clone())
        .collect();
    for claim in &idle {
        model.finish_claim(claim);
    }
    !idle.is_empty()
}

fn reached(model: &Model) {
    let world = &model.world;
    let spec = &world.app.spec;
    let mut pods: Vec<_> = world.pods.iter().collect();
    pods.sort_by_key(|pod| oracle::ordinal(&pod.name));
    if world.app.deletion.is_some() {
        assert!(pods.is_empty(), "it is gone and they are not: {pods:?}");
        assert_eq!(world.app.hold, Hold::None);
        return;
    }
    let there: Vec<_> = pods.iter().map(|pod| oracle::ordinal(&pod.name)).collect();
    let wanted: Vec<_> = spec.ordinals().iter().collect();
    assert_eq!(there, wanted);
    for pod in pods {
        assert!(oracle::is_available(model, pod), "{pod:?}");
        let is_free = spec.update == UpdateStrategy::OnDelete
            || spec.ordinals().slot(oracle::ordinal(&pod.name)) < spec.update.partition();
        let is_updated = pod.labels.get(REVISION) == Some(world.recorded.update_revision.as_str());
        assert!(is_free || is_updated, "it stays behind: {pod:?}");
        for claim in pod.claims.values() {
            let is_there = world.claims.iter().any(|known| known.name == *claim);
            assert!(is_there, "without claim {claim}: {pod:?}");
        }
    }
}
