//! Decide hooks: pure functions of a snapshot. Their answers are kept by the app, under what they were asked on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stateward_planner::plan::Question;
use stateward_planner::status::{Accepted, Ordinals};
use stateward_runtime::{App, CallError, Finding, Hook, Metered, Snapshot, Usage};

use crate::plugins::Serving;

/// An answer, and what it was asked on.
pub(crate) struct Decided {
    pub question: Question,
    /// Digest of all that the answer may depend on.
    pub asked_on: String,
    pub decision: Decision,
    /// The version that was asked.
    pub serving: Arc<Serving>,
    pub took: Duration,
}

pub(crate) enum Decision {
    Validate(Result<Metered<Vec<Finding>>, CallError>),
    MemberConfig(Result<Metered<BTreeMap<String, String>>, CallError>),
    /// None: what it gave is no permutation of the wanted ordinals.
    UpdateOrder(Result<Metered<Option<Vec<u32>>>, CallError>),
}

impl Decision {
    pub(crate) fn hook(&self) -> Hook {
        match self {
            Decision::Validate(_) => Hook::Validate,
            Decision::MemberConfig(_) => Hook::MemberConfig,
            Decision::UpdateOrder(_) => Hook::UpdateOrder,
        }
    }

    /// What the call used.
    pub(crate) fn usage(&self) -> &Usage {
        match self {
            Decision::Validate(Ok(said)) => &said.usage,
            Decision::MemberConfig(Ok(said)) => &said.usage,
            Decision::UpdateOrder(Ok(said)) => &said.usage,
            Decision::Validate(Err(error))
            | Decision::MemberConfig(Err(error))
            | Decision::UpdateOrder(Err(error)) => &error.usage,
        }
    }

    /// Why there is no answer.
    pub(crate) fn error(&self) -> Option<&CallError> {
        match self {
            Decision::Validate(said) => said.as_ref().err(),
            Decision::MemberConfig(said) => said.as_ref().err(),
            Decision::UpdateOrder(said) => said.as_ref().err(),
        }
    }

    /// For metrics.
    pub(crate) fn result(&self) -> &'static str {
        match self {
            Decision::Validate(Err(error))
            | Decision::MemberConfig(Err(error))
            | Decision::UpdateOrder(Err(error)) => error.reason(),
            Decision::UpdateOrder(Ok(order)) if order.answer.is_none() => "unusable",
            Decision::Validate(Ok(said)) if said.answer.iter().any(|one| one.blocks) => "refused",
            _ => "done",
        }
    }
}

/// Asks. `accepted` is the spec that was accepted last, `wanted` are the ordinals of the present one.
pub(crate) async fn decide(
    serving: Arc<Serving>,
    question: Question,
    asked_on: String,
    accepted: Option<Accepted>,
    wanted: Ordinals,
    snapshot: Snapshot,
) -> Decided {
    let begin = Instant::now();
    let granted = &serving.granted;
    let decision = match question {
        Question::Validate => {
            Decision::Validate(validate(&serving, snapshot, accepted.as_ref()).await)
        }
        Question::MemberConfig { ordinal } => {
            Decision::MemberConfig(granted.member_config(snapshot, ordinal).await)
        }
        Question::UpdateOrder => {
            let said = granted.update_order(snapshot).await;
            Decision::UpdateOrder(said.map(|said| Metered {
                answer: permutation(&wanted, said.answer),
                usage: said.usage,
            }))
        }
    };
    Decided {
        question,
        asked_on,
        decision,
        serving,
        took: begin.elapsed(),
    }
}

/// What the schema of the manifest has against the settings, and `validate` against the spec. No hook sees what the schema refuses.
pub(crate) async fn validate(
    serving: &Serving,
    snapshot: Snapshot,
    accepted: Option<&Accepted>,
) -> Result<Metered<Vec<Finding>>, CallError> {
    let refused = refused_by_schema(serving, &snapshot.app.settings);
    if !refused.is_empty() || !serving.has(Hook::Validate) {
        return Ok(Metered {
            answer: refused,
            usage: Usage::default(),
        });
    }
    let old = accepted.map(|accepted| old(&snapshot.app, accepted));
    serving.granted.validate(snapshot, old).await
}

fn permutation(wanted: &Ordinals, order: Vec<u32>) -> Option<Vec<u32>> {
    let mut sorted = order.clone();
    sorted.sort_unstable();
    sorted.into_iter().eq(wanted.iter()).then_some(order)
}

/// What the schema of the manifest says of these settings.
fn refused_by_schema(serving: &Serving, settings: &str) -> Vec<Finding> {
    // It was written from JSON.
    let settings = serde_json::from_str(settings).unwrap_or_default();
    serving.granted.plugin().check_settings(&settings)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_names_each_wanted_ordinal_once_and_no_reserved_one() {
        let wanted = Ordinals {
            replicas: 3,
            start: 1,
            reserved: [2].into(),
        };
        for order in [vec![1, 3, 4], vec![4, 1, 3]] {
            assert_eq!(permutation(&wanted, order.clone()), Some(order));
        }
        for order in [vec![1, 2, 3], vec![1, 3], vec![1, 3, 3], vec![1, 3, 4, 5]] {
            assert_eq!(permutation(&wanted, order), None);
        }
    }
}
