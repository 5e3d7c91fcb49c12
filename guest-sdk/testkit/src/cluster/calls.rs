//! Act hooks: one call, and what the host makes of its answer.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::SignedDuration;
use stateward_planner::journal::commit::Answer;
use stateward_planner::journal::{self, Act};
use stateward_planner::{InvocationId, Phase};
use stateward_sdk::{
    Call, Cause, Fault, Hook, Joining, Leaving, Left, MoveCause, Moving, Outcome, Scaling, Step,
    Task,
};

use crate::application::Application;
use crate::cluster::Cluster;
use crate::fault::{Kind, Place, die};

/// A refusal is asked again after this time, or when something changes.
const ASK_AGAIN_SECONDS: i64 = 60;

impl<A: Application> Cluster<A> {
    /// Calls the hook once, as its invocation stands, and takes the answer.
    pub(super) fn call(&self, id: &InvocationId, act: &Act) {
        let Some(call) = self.call_of(id) else { return };
        let kind = self.live.borrow_mut().points.next(Place::Call);
        let about = about(act);
        let subject = match kind {
            Some(Kind::StaleSnapshot) => Some(about),
            _ => None,
        };
        {
            let mut scene = self.live.borrow_mut();
            let whom = about.map(|ordinal| format!(" of {}", scene.pod_name(ordinal)));
            let (hook, whom) = (act.hook(), whom.unwrap_or_default());
            let (nth, id) = (call.attempt, &call.id);
            scene.tell(format_args!("{hook}{whom}, call {nth} under {id}"));
            if let Some(kind @ (Kind::StaleSnapshot | Kind::Duplicate)) = kind {
                scene.history.fault(kind);
            }
        }
        let mut step = self.ask(&call, act, subject);
        if kind == Some(Kind::Duplicate) {
            self.live.borrow_mut().queued.clear();
            step = self.ask(&call, act, None);
        }
        let mut scene = self.live.borrow_mut();
        scene.last_members = std::mem::take(&mut scene.shown);
        scene.history.detail(said(&step));
        if kind == Some(Kind::CrashBeforeAnswer) {
            scene.history.fault(Kind::CrashBeforeAnswer);
            drop(scene);
            die();
        }
        scene.take(id, &step);
        if kind == Some(Kind::CrashAfterAnswer) {
            scene.history.fault(Kind::CrashAfterAnswer);
            drop(scene);
            die();
        }
    }

    fn call_of(&self, id: &InvocationId) -> Option<Call> {
        let scene = self.live.borrow();
        let known = scene.model.world.journal.get(id)?;
        let checkpoint = known.checkpoint.as_ref();
        let deadline = scene.model.world.deadline_of(known);
        Some(Call {
            id: id.to_string(),
            attempt: known.attempts,
            checkpoint: checkpoint.and_then(|text| BASE64_STANDARD.decode(text).ok()),
            cancelling: known.cancelling,
            deadline_ms: deadline.and_then(|end| u64::try_from(end.as_millisecond()).ok()),
            ..Call::default()
        })
    }

    fn ask(&self, call: &Call, act: &Act, stale: Option<Option<u32>>) -> Step {
        let app = self.show(stale);
        let call = call.clone();
        let plugin = &self.plugin;
        let answer = match act {
            Act::PreScale { .. } => {
                let scaling = Scaling { call, app };
                self.guarded(Hook::PreScale, |live| plugin.on_pre_scale(&scaling, live))
            }
            Act::PostReady { ordinal, .. } => {
                let member = self.known(*ordinal);
                let joining = Joining { call, app, member };
                self.guarded(Hook::PostReady, |live| plugin.on_post_ready(&joining, live))
            }
            Act::PreDelete { ordinal, cause, .. } => {
                let leaving = Leaving {
                    call,
                    app,
                    member: self.known(*ordinal),
                    why: why(*cause),
                };
                self.guarded(Hook::PreDelete, |live| plugin.on_pre_delete(&leaving, live))
            }
            Act::MoveRole {
                role,
                cause,
                target,
                ..
            } => {
                let Some(held) = app.claim(role).cloned() else {
                    return Err(Fault::Retry(format!("nobody holds the role {role}")));
                };
                let moving = Moving {
                    call,
                    app,
                    held,
                    why: why_moved(*cause),
                    target: *target,
                };
                self.guarded(Hook::MoveRole, |live| plugin.on_move_role(&moving, live))
            }
            Act::PostDelete { ordinal, pod } => {
                let left = Left {
                    call,
                    app,
                    ordinal: *ordinal,
                    was: pod.clone(),
                };
                self.guarded(Hook::PostDelete, |live| plugin.on_post_delete(&left, live))
            }
            Act::Task {
                name,
                member,
                arguments,
                ..
            } => {
                let task = Task {
                    call,
                    app,
                    name: name.clone(),
                    member: *member,
                    arguments: arguments.clone(),
                };
                self.guarded(Hook::Task, |live| plugin.on_task(&task, live))
            }
        };
        let panicked = || Err(Fault::Retry("the call ended in a panic".to_owned()));
        answer.flatten().unwrap_or_else(panicked)
    }
}

impl<A: Application> super::scene::Scene<A> {
    /// What the answer means for the invocation, as the operator reads it.
    fn take(&mut self, id: &InvocationId, step: &Step) {
        let now = self.model.now;
        let later = |seconds: i64| {
            let wait = SignedDuration::from_secs(seconds);
            now.saturating_add(wait).unwrap_or(now)
        };
        let known = self.model.world.journal.get(id);
        let failures = match known.map(|known| &known.phase) {
            Some(Phase::Failing { failures, .. }) => failures.saturating_add(1),
            // The phase of a call in flight hides how often it failed; its attempts bound that.
            _ => known.map_or(1, |known| known.attempts),
        };
        let failing = |reason: &str, message: &str| Phase::Failing {
            reason: reason.to_owned(),
            message: message.to_owned(),
            failures,
            ask_again: later(1_i64 << failures.saturating_sub(1).min(6)),
        };
        let mut answer = Answer {
            phase: Phase::Done,
            checkpoint: None,
            requests: std::mem::take(&mut self.queued),
        };
        match step {
            Ok(Outcome::Done) => {}
            Ok(Outcome::InProgress(progress)) => {
                let wait = SignedDuration::try_from(progress.again_after);
                answer.checkpoint = Some(BASE64_STANDARD.encode(&progress.checkpoint));
                answer.phase = Phase::InProgress {
                    ask_again: now
                        .saturating_add(wait.unwrap_or(SignedDuration::MAX))
                        .unwrap_or(now),
                    percent: progress.percent,
                    message: progress.message.clone(),
                };
            }
            Ok(Outcome::Refuse(reason)) => {
                answer.phase = Phase::Refused {
                    reason: reason.clone(),
                    since: now,
                    ask_again: later(ASK_AGAIN_SECONDS),
                };
            }
            Err(Fault::Retry(message)) => {
                answer.requests.clear();
                answer.phase = failing("PluginFailed", message);
            }
            Err(Fault::Fatal(message)) => {
                answer.requests.clear();
                answer.phase = Phase::Fatal {
                    message: message.clone(),
                    generation: self.model.world.app.generation,
                    digest: "sha256:under-test".to_owned(),
                };
            }
        }
        if let Err(conflict) = self.model.answer(id, &answer) {
            self.history.detail(format_args!("not written: {conflict}"));
            let failed = Answer {
                phase: failing(conflict.reason(), &conflict.to_string()),
                checkpoint: None,
                requests: Vec::new(),
            };
            self.model.answer(id, &failed).ok();
        }
    }
}

fn about(act: &Act) -> Option<u32> {
    match act {
        Act::PostReady { ordinal, .. }
        | Act::PreDelete { ordinal, .. }
        | Act::PostDelete { ordinal, .. } => Some(*ordinal),
        Act::Task { member, .. } => *member,
        _ => None,
    }
}

fn said(step: &Step) -> String {
    match step {
        Ok(Outcome::Done) => "answers done".to_owned(),
        Ok(Outcome::InProgress(progress)) => {
            let seconds = progress.again_after.as_secs_f32();
            format!("answers again in {seconds} s: {}", progress.message)
        }
        Ok(Outcome::Refuse(why)) => format!("refuses: {why}"),
        Err(Fault::Retry(why)) => format!("fails: {why}"),
        Err(Fault::Fatal(why)) => format!("fails for good: {why}"),
    }
}

fn why(cause: journal::Cause) -> Cause {
    match cause {
        journal::Cause::ScaleIn => Cause::ScaleIn,
        journal::Cause::Update => Cause::Update,
        journal::Cause::Replace => Cause::Replace,
        journal::Cause::Evict => Cause::Evict,
        journal::Cause::External => Cause::External,
        journal::Cause::Teardown => Cause::Teardown,
    }
}

fn why_moved(cause: journal::MoveCause) -> MoveCause {
    match cause {
        journal::MoveCause::Planned => MoveCause::Planned,
        journal::MoveCause::Leaving => MoveCause::Leaving,
        journal::MoveCause::Update => MoveCause::Update,
        journal::MoveCause::Failed => MoveCause::Failed,
    }
}
