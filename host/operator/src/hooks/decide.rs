//! Decide hooks: pure functions of a snapshot. Their answers are kept by the app, under what they were asked on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stateward_planner::plan::Question;
use stateward_planner::status::Accepted;
use stateward_runtime::{App, CallError, Finding, Hook, Snapshot};

use crate::plugins::Serving;

/// An answer, and what it was asked on.
pub(crate) struct Decided {
    pub question: Question,
    /// Digest of all that the answer may depend on.
    pub asked_on: String,
    pub decision: Decision,
    pub took: Duration,
}

pub(crate) enum Decision {
    Validate(Result<Vec<Finding>, CallError>),
    MemberConfig(Result<BTreeMap<String, String>, CallError>),
    /// None: what it gave is no permutation of the wanted ordinals.
    UpdateOrder(Result<Option<Vec<u32>>, CallError>),
}

impl Decision {
    pub(crate) fn hook(&self) -> Hook {
        match self {
            Decision::Validate(_) => Hook::Validate,
            Decision::MemberConfig(_) => Hook::MemberConfig,
            Decision::UpdateOrder(_) => Hook::UpdateOrder,
        }
    }

    /// For metrics.
    pub(crate) fn result(&self) -> &'static str {
        match self {
            Decision::Validate(Err(error))
            | Decision::MemberConfig(Err(error))
            | Decision::UpdateOrder(Err(error)) => error.reason(),
            Decision::UpdateOrder(Ok(None)) => "unusable",
            Decision::Validate(Ok(findings)) if findings.iter().any(|one| one.blocks) => "refused",
            _ => "done",
        }
    }
}

/// Asks. `accepted` is the spec that was accepted last.
pub(crate) async fn decide(
    serving: Arc<Serving>,
    question: Question,
    asked_on: String,
    accepted: Option<Accepted>,
    snapshot: Snapshot,
) -> Decided {
    let begin = Instant::now();
    let granted = &serving.granted;
    let decision = match question {
        Question::Validate => {
            let old = accepted.map(|accepted| old(&snapshot.app, &accepted));
            Decision::Validate(granted.validate(snapshot, old).await)
        }
        Question::MemberConfig { ordinal } => {
            Decision::MemberConfig(granted.member_config(snapshot, ordinal).await)
        }
        Question::UpdateOrder => {
            let app = snapshot.app.clone();
            let order = granted.update_order(snapshot).await;
            Decision::UpdateOrder(order.map(|order| permutation(&app, order)))
        }
    };
    Decided {
        question,
        asked_on,
        decision,
        took: begin.elapsed(),
    }
}

fn permutation(app: &App, order: Vec<u32>) -> Option<Vec<u32>> {
    let mut sorted = order.clone();
    sorted.sort_unstable();
    let wanted = app.start..app.start.saturating_add(app.target);
    sorted.into_iter().eq(wanted).then_some(order)
}

/// The app as it was accepted last. Of the settings only the present ones are known.
fn old(new: &App, accepted: &Accepted) -> App {
    App {
        generation: u64::try_from(accepted.generation).unwrap_or(0),
        target: accepted.replicas,
        start: accepted.start,
        ..new.clone()
    }
}
