//! Calls of a plugin's act hooks: begun, in flight, answered or lost with the host, in every order with all else.
//!
//! Time stands still, and whatever was told to ask again may be asked at once: so it is asked again sooner or later than anything else.

use stateward_planner::journal::commit::Answer;
use stateward_planner::world::{Plugin, PodPhase};
use stateward_planner::{Act, InvocationId, Model, Phase, Step};

use super::state::State;

/// Answers, and the death of the host.
pub(super) fn by_plugin(state: &State, next: &mut Vec<State>) {
    judge(&state.model);
    let now = state.model.now;
    for id in state.model.calls() {
        state.add(next, |state| {
            let answer = state.model.well(&id);
            answered(state, &id, &answer);
        });
        if state.troubles == 0 {
            continue;
        }
        let troubles = [
            Phase::InProgress {
                ask_again: now,
                percent: None,
                message: String::new(),
            },
            Phase::Refused {
                reason: "not now".to_owned(),
                since: now,
                ask_again: now,
            },
        ];
        for phase in troubles {
            let is_begun = matches!(phase, Phase::InProgress { .. });
            let answer = Answer {
                phase,
                checkpoint: is_begun.then(|| "Y2s=".to_owned()),
                requests: Vec::new(),
            };
            state.add(next, |state| {
                state.troubles -= 1;
                answered(state, &id, &answer);
            });
        }
    }
    // What it has in hand comes through all the same: the API has it already.
    state.add(next, |state| state.model.restart_host());
}

fn answered(state: &mut State, id: &InvocationId, answer: &Answer) {
    let known = state.model.world.journal[id].clone();
    let before = state.model.world.recorded.roles.clone();
    if state.model.answer(id, answer).is_err() {
        // The pod that it claimed a role for is gone meanwhile: the call counts as failed.
        let failed = Answer {
            phase: Phase::Failing {
                reason: "RoleClaimedForUnknownPod".to_owned(),
                message: String::new(),
                failures: 1,
                ask_again: state.model.now,
            },
            checkpoint: None,
            requests: Vec::new(),
        };
        state
            .model
            .answer(id, &failed)
            .expect("it asks for nothing");
        return;
    }
    if let Act::PreDelete { pod, .. } = &known.act
        && answer.phase == Phase::Done
        && !known.cancelling
    {
        state.allowed.insert(pod.clone());
    }
    // Who holds a role goes last. When it moves, the next plan takes another pod than the request in hand does, which nobody calls back: it is not held
    // against the budget.
    if state.model.world.recorded.roles != before {
        state.aimed.clear();
    }
}

/// Calls in flight, whatever the planner takes for a lane.
fn judge(model: &Model) {
    let Plugin::Ready(plugin) = &model.world.plugin else {
        return;
    };
    let calls = model.calls();
    let hook = |id: &&InvocationId, hook: &str| id.0.split('/').next() == Some(hook);
    let joins = calls.iter().filter(|id| hook(id, "post-ready")).count();
    let moves = calls.iter().filter(|id| hook(id, "move-role")).count();
    let steps = calls.iter().filter(|id| hook(id, "pre-scale")).count();
    let joins_alone = if plugin.post_ready_overlaps { 0 } else { joins };
    let others = calls.len() - joins - steps;
    let side_by_side = if plugin.pre_scale_overlaps {
        steps.min(1)
    } else {
        steps
    };
    assert!(
        others + joins_alone + side_by_side <= 1,
        "one exclusive call at a time: {calls:?}"
    );
    assert!(moves == 0 || joins == 0, "a join beside a move: {calls:?}");
}

/// Before a step of a fresh plan is done: a purpose has one id, and an id one purpose.
pub(super) fn note(state: &mut State, step: &Step) {
    let Step::Call { id, act, .. } = step else {
        return judge_late(state, step);
    };
    assert_eq!(act.id(), *id);
    if let Some(known) = state.model.world.journal.get(id) {
        assert_eq!(known.act, *act, "{id} was begun for something else");
    }
    if let Act::PreScale { ordinal, .. } = act {
        // What is undone has the id of an earlier edit.
        let is_undone = matches!(
            step,
            Step::Call {
                cancelling: true,
                ..
            }
        );
        if !is_undone {
            let known = state.scaled.entry(*ordinal).or_insert_with(|| id.clone());
            assert_eq!(known, id, "one step of a scale under two ids");
        }
    }
}

/// However late a deletion comes through: the plugin has allowed it.
pub(super) fn judge_late(state: &State, step: &Step) {
    let (Step::DeletePod { uid, .. }, Plugin::Ready(plugin)) = (step, &state.model.world.plugin)
    else {
        return;
    };
    let Some(pod) = state.model.world.pods.iter().find(|pod| pod.uid == *uid) else {
        return;
    };
    let is_ended = matches!(pod.phase, PodPhase::Failed | PodPhase::Succeeded);
    assert!(
        !plugin.hooks.contains("pre-delete") || is_ended || state.allowed.contains(uid),
        "{} is deleted and the plugin never allowed it",
        pod.name
    );
}
