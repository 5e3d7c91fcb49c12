//! Act hooks: one call, and the phase that its answer puts the invocation in.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use stateward_planner::Phase;
use stateward_planner::journal::commit::{Answer, Request};
use stateward_planner::journal::{self, Act, Invocation};
use stateward_runtime::{
    Answer as Said, Call, CallError, Cause, Effects, MoveCause, Outcome, Snapshot,
};

use crate::plugins::Serving;

/// A refusal is asked again after this time, or when something that the hook may look at changes.
const ASK_AGAIN: Duration = Duration::from_secs(60);
/// The longest time between two attempts of a call that fails.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How a call ended.
pub(crate) struct Called {
    pub invocation: Invocation,
    /// The version that was called.
    pub serving: Arc<Serving>,
    pub generation: i64,
    pub result: Result<Said, CallError>,
    pub took: Duration,
}

/// Calls the hook of this invocation once. The invocation carries the number of this attempt and the checkpoint of the last one.
pub(crate) async fn call(
    serving: Arc<Serving>,
    mut invocation: Invocation,
    cancelling: bool,
    deadline: Option<Timestamp>,
    snapshot: Snapshot,
    effects: Arc<dyn Effects>,
) -> Called {
    let begin = Instant::now();
    let generation = i64::try_from(snapshot.app.generation).unwrap_or(0);
    let checkpoint = (invocation.checkpoint.as_ref()).and_then(|text| STANDARD.decode(text).ok());
    let call = Call {
        id: invocation.id.to_string(),
        attempt: invocation.attempts,
        checkpoint,
        cancelling,
        deadline_ms: deadline.and_then(|end| u64::try_from(end.as_millisecond()).ok()),
        extra: Vec::new(),
    };
    let act = act(&invocation.act);
    invocation.digest = Some(serving.facts.digest.clone());
    let result = serving.granted.act(act, call, snapshot, effects).await;
    Called {
        invocation,
        serving,
        generation,
        result,
        took: begin.elapsed(),
    }
}

fn act(act: &Act) -> stateward_runtime::Act {
    use stateward_runtime::Act as Runtime;
    match act {
        Act::PreScale { .. } => Runtime::PreScale,
        Act::PostReady { ordinal, .. } => Runtime::PostReady { ordinal: *ordinal },
        Act::PreDelete { ordinal, cause, .. } => Runtime::PreDelete {
            ordinal: *ordinal,
            cause: match cause {
                journal::Cause::ScaleIn => Cause::ScaleIn,
                journal::Cause::Update => Cause::Update,
                journal::Cause::Replace => Cause::Replace,
                journal::Cause::Evict => Cause::Evict,
                journal::Cause::External => Cause::External,
                journal::Cause::Teardown => Cause::Teardown,
            },
        },
        Act::MoveRole {
            role,
            cause,
            target,
            ..
        } => Runtime::MoveRole {
            role: role.clone(),
            cause: match cause {
                journal::MoveCause::Planned => MoveCause::Planned,
                journal::MoveCause::Leaving => MoveCause::Leaving,
                journal::MoveCause::Update => MoveCause::Update,
                journal::MoveCause::Failed => MoveCause::Failed,
            },
            target: *target,
        },
        Act::PostDelete { ordinal, pod } => Runtime::PostDelete {
            ordinal: *ordinal,
            was: pod.clone(),
        },
        Act::Task {
            name,
            member,
            arguments,
            ..
        } => Runtime::Task {
            name: name.clone(),
            member: *member,
            arguments: arguments.clone(),
        },
    }
}

/// What the answer means for the invocation. `failures` counts failed calls in a row, this one included.
pub(crate) fn phase(called: &Called, failures: u32, now: Timestamp) -> Answer {
    let failing = |reason: &str, message: String| Phase::Failing {
        reason: reason.to_owned(),
        message,
        failures,
        ask_again: later(now, backoff(failures)),
    };
    let said = match &called.result {
        Ok(said) => said,
        Err(error) if called.serving.ignores(error.hook, failures) => {
            tracing::warn!(invocation = %called.invocation.id, %error, "ignored by the Plugin's failure policy");
            return Answer {
                phase: Phase::Done,
                checkpoint: None,
                requests: Vec::new(),
            };
        }
        Err(error) => {
            return Answer {
                phase: failing(error.reason(), error.to_string()),
                checkpoint: None,
                requests: Vec::new(),
            };
        }
    };
    let mut checkpoint = None;
    let phase = match &said.outcome {
        Outcome::Done => Phase::Done,
        Outcome::InProgress(progress) => {
            checkpoint = Some(STANDARD.encode(&progress.checkpoint));
            Phase::InProgress {
                ask_again: later(now, Duration::from_millis(progress.again_after_ms.into())),
                percent: progress.percent,
                message: progress.message.clone(),
            }
        }
        Outcome::Refuse(reason) => Phase::Refused {
            reason: reason.clone(),
            since: now,
            ask_again: later(now, ASK_AGAIN),
        },
        Outcome::Retry(message) => failing("PluginFailed", message.clone()),
        Outcome::Fatal(message) => Phase::Fatal {
            message: message.clone(),
            generation: called.generation,
            digest: called.serving.facts.digest.clone(),
        },
    };
    let requests = said.requests.iter().map(request).collect();
    Answer {
        phase,
        checkpoint,
        requests,
    }
}

fn request(request: &stateward_runtime::Request) -> Request {
    match request {
        stateward_runtime::Request::ClaimRole {
            role,
            pod,
            after_epoch,
        } => Request::Claim {
            role: role.clone(),
            pod: pod.clone(),
            after_epoch: *after_epoch,
        },
        stateward_runtime::Request::ReleaseRole { role, after_epoch } => Request::Release {
            role: role.clone(),
            after_epoch: *after_epoch,
        },
        stateward_runtime::Request::DeletePod { pod, why } => Request::DeletePod {
            pod: pod.clone(),
            why: why.clone(),
        },
        stateward_runtime::Request::DiscardVolumes {
            ordinal,
            claims,
            why,
        } => Request::DiscardVolumes {
            ordinal: *ordinal,
            claims: claims.clone(),
            why: why.clone(),
        },
        stateward_runtime::Request::Quarantine { ordinal, why } => Request::Quarantine {
            ordinal: *ordinal,
            why: why.clone(),
        },
    }
}

/// 1 s, 2 s, 4 s … 60 s, each up to a fifth more, so that many apps do not ask in step.
pub(crate) fn backoff(failures: u32) -> Duration {
    let doubled = 1_u64 << failures.saturating_sub(1).min(6);
    let wait = Duration::from_secs(doubled).min(LONGEST_WAIT);
    wait.mul_f64(1.0 + fastrand::f64() / 5.0)
}

pub(crate) fn later(now: Timestamp, wait: Duration) -> Timestamp {
    let wait = jiff::SignedDuration::try_from(wait).unwrap_or(jiff::SignedDuration::MAX);
    now.saturating_add(wait).unwrap_or(now)
}
