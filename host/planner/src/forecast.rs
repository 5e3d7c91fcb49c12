//! What will happen: the plan, played to its end on the [`Model`] with everything going well. Pods become ready, hooks answer `done`, claims appear, roles
//! move to the lowest other ordinal.

mod narration;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::journal::Phase;
use crate::model::Model;
use crate::plan::{Plan, Step};
use crate::waiting::Waiting;
use crate::world::{PodPhase, World};
use narration::Narrator;

/// Rounds after which a forecast gives up, and steps after which it has told enough.
const MOST_ROUNDS: u32 = 20_000;
const MOST_STEPS: usize = 20_000;

/// The steps toward the goal in their order, and how they end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Forecast {
    pub steps: Vec<Forecasted>,
    pub end: End,
}

/// One step, for people and for scripts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Forecasted {
    /// Stable, kebab-case: `create-pod`, `delete-pod`, `pre-scale`, `move-role`, `wait` …
    pub action: String,
    /// What it is about: `pod web-3`, `claim data-web-3`, `role primary`.
    pub subject: String,
    /// The whole step, ready to be read: `create pod web-3 (revision web-6f8d)`.
    pub text: String,
}

/// How a forecast ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "end")]
pub enum End {
    /// The goal is reached and nothing is left to do.
    AtGoal,
    /// Nothing more happens by itself; this is what it waits for.
    Waits { waiting: Vec<Waiting> },
    /// Not at rest after this many rounds.
    TooLong { rounds: u32 },
}

/// Plays the world to its end.
pub fn forecast(world: &World, now: Timestamp) -> Forecast {
    let mut narrator = Narrator::of(world);
    let mut model = Model::new(world.clone(), now);
    make_well(&mut model);
    for _ in 0..MOST_ROUNDS {
        if narrator.told.len() > MOST_STEPS {
            break;
        }
        let plan = model.plan();
        let before = model.world.recorded.clone();
        model.record(&plan);
        if plan.status_is_urgent && model.world.recorded != before {
            continue;
        }
        let has_done = play(&mut model, &plan, &mut narrator);
        if has_done || progress(&mut model, &mut narrator) {
            continue;
        }
        if let Some(time) = plan.wake_at.filter(|time| *time > model.now) {
            narrator.pause(model.now, time);
            model.now = time;
            continue;
        }
        let waiting = plan.status.waiting;
        return Forecast {
            steps: narrator.told,
            end: if waiting.is_empty() {
                End::AtGoal
            } else {
                End::Waits { waiting }
            },
        };
    }
    Forecast {
        steps: narrator.told,
        end: End::TooLong {
            rounds: MOST_ROUNDS,
        },
    }
}

/// Calls in flight come back, and what was refused or failed is asked again now.
fn make_well(model: &mut Model) {
    let now = model.now;
    for known in model.world.journal.values_mut() {
        match &mut known.phase {
            Phase::InProgress { ask_again, .. }
            | Phase::Refused { ask_again, .. }
            | Phase::Failing { ask_again, .. } => *ask_again = now,
            Phase::Calling | Phase::Done | Phase::Fatal { .. } => {}
        }
    }
    answer_all(model);
}

fn answer_all(model: &mut Model) {
    for id in model.calls() {
        let answer = model.well(&id);
        // All goes well: what the model answers fits the world that it answers in.
        let _ = model.answer(&id, &answer);
    }
}

/// Does the steps of one plan. False when there were none that changed anything.
fn play(model: &mut Model, plan: &Plan, narrator: &mut Narrator) -> bool {
    let mut has_done = false;
    for step in &plan.steps {
        narrator.step(&model.world, step);
        has_done |= model.apply(step).is_ok();
        if matches!(step, Step::Call { .. }) {
            answer_all(model);
        }
    }
    has_done
}

/// What happens by itself: what terminates is gone, what starts is ready. False when nothing does.
fn progress(model: &mut Model, narrator: &mut Narrator) -> bool {
    let ended: Vec<_> = model
        .world
        .pods
        .iter()
        .filter(|pod| pod.deletion.is_some())
        .map(|pod| pod.name.clone())
        .collect();
    for pod in &ended {
        narrator.wait_for_end("pod", pod);
        model.finish(pod);
    }
    let pods: BTreeSet<_> = model
        .world
        .pods
        .iter()
        .map(|pod| pod.uid.as_str())
        .collect();
    let claims: Vec<_> = model
        .world
        .claims
        .iter()
        .filter(|claim| {
            let is_orphaned = claim
                .owners
                .iter()
                .any(|owner| owner.kind == "Pod" && !pods.contains(owner.uid.as_str()));
            claim.deletion.is_some() || is_orphaned
        })
        .map(|claim| claim.name.clone())
        .collect();
    for claim in &claims {
        narrator.wait_for_end("claim", claim);
        model.finish_claim(claim);
    }
    let starting: Vec<_> = model
        .world
        .pods
        .iter()
        .filter(|pod| !crate::availability::is_ready(pod))
        .filter(|pod| !matches!(pod.phase, PodPhase::Failed | PodPhase::Succeeded))
        .filter(|pod| narrator.is_member(&pod.name))
        .map(|pod| pod.name.clone())
        .collect();
    for pod in &starting {
        narrator.wait_for_start(&model.world, pod);
        model.start(pod);
    }
    !(ended.is_empty() && claims.is_empty() && starting.is_empty())
}
