//! Answers of decide hooks, kept under the digest of all that they may depend on. What was asked on something else is asked again.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};
use stateward_planner::Status;
use stateward_planner::plan::Question;
use stateward_planner::world::{self, MemberConfig, UpdateOrder, Verdict};
use stateward_runtime::{CallError, Finding, Hook};

use crate::hooks::{Decided, Decision, backoff, later};

#[derive(Default)]
pub(super) struct Answers {
    validate: Option<(String, Verdict)>,
    configs: BTreeMap<u32, (String, MemberConfig)>,
    order: Option<(String, UpdateOrder)>,
    asking: BTreeSet<(Question, String)>,
    failures: BTreeMap<Question, u32>,
}

/// What answers depend on now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Basis {
    validate: String,
    config: String,
    order: String,
}

impl Basis {
    /// `validate` depends on the spec and the plugin; `member-config` also on who holds roles and on the plugin's state; `update-order` also on how the
    /// members are (`circumstances`).
    pub(super) fn of(
        generation: i64,
        digest: &str,
        recorded: &Status,
        circumstances: &str,
    ) -> Basis {
        let roles: Vec<_> = (recorded.roles.iter())
            .map(|role| json!([role.name, role.holder, role.epoch]))
            .collect();
        let config = json!([generation, digest, roles, recorded.state]).to_string();
        Basis {
            validate: format!("{generation}/{digest}"),
            order: hash(&format!("{config}{circumstances}")),
            config: hash(&config),
        }
    }

    fn for_question(&self, question: &Question) -> &str {
        match question {
            Question::Validate => &self.validate,
            Question::MemberConfig { .. } => &self.config,
            Question::UpdateOrder => &self.order,
        }
    }
}

impl Answers {
    /// The answers that hold now; the others are dropped.
    pub(super) fn current(&mut self, basis: &Basis) -> world::Answers {
        self.validate
            .take_if(|(asked_on, _)| *asked_on != basis.validate);
        self.configs
            .retain(|_, (asked_on, _)| *asked_on == basis.config);
        self.order.take_if(|(asked_on, _)| *asked_on != basis.order);
        world::Answers {
            update_order: self.order.as_ref().map(|(_, order)| order.clone()),
            comparison: None,
            validate: self.validate.as_ref().map(|(_, verdict)| verdict.clone()),
            member_config: (self.configs.iter())
                .map(|(ordinal, (_, config))| (*ordinal, config.clone()))
                .collect(),
        }
    }

    /// The question is to be asked on this basis; none when it is being asked already.
    pub(super) fn ask(&mut self, question: &Question, basis: &Basis) -> Option<String> {
        let asked_on = basis.for_question(question).to_owned();
        let is_new = self.asking.insert((question.clone(), asked_on.clone()));
        is_new.then_some(asked_on)
    }

    /// Takes an answer. Findings that do not block are returned.
    pub(super) fn take(&mut self, decided: Decided, now: Timestamp) -> Vec<Finding> {
        let Decided {
            question,
            asked_on,
            decision,
            serving,
            ..
        } = decided;
        self.asking.remove(&(question.clone(), asked_on.clone()));
        match decision {
            Decision::Validate(Ok(said)) => {
                self.failures.remove(&question);
                let (blocking, warnings): (Vec<_>, Vec<_>) =
                    said.answer.into_iter().partition(|finding| finding.blocks);
                let verdict = if blocking.is_empty() {
                    Verdict::Accepted
                } else {
                    let lines: Vec<_> = blocking.iter().map(Finding::to_string).collect();
                    Verdict::Refused {
                        message: lines.join("; "),
                    }
                };
                self.validate = Some((asked_on, verdict));
                warnings
            }
            Decision::Validate(Err(error)) => {
                let (reason, message, ask_again) = self.failed(&question, &error, now);
                let failures = self.failures.get(&question).copied().unwrap_or(0);
                let verdict = match serving.ignores(Hook::Validate, failures) {
                    true => Verdict::Accepted,
                    false => Verdict::Failed {
                        reason,
                        message,
                        ask_again,
                    },
                };
                self.validate = Some((asked_on, verdict));
                Vec::new()
            }
            Decision::UpdateOrder(answer) => {
                let order = match answer.map(|said| said.answer) {
                    Ok(Some(ordinals)) => UpdateOrder::Ordinals { ordinals },
                    Ok(None) | Err(_) => UpdateOrder::Unusable,
                };
                self.order = Some((asked_on, order));
                Vec::new()
            }
            Decision::MemberConfig(answer) => {
                let Question::MemberConfig { ordinal } = question else {
                    return Vec::new();
                };
                let config = match answer {
                    Ok(said) => {
                        self.failures.remove(&question);
                        MemberConfig::Values {
                            values: said.answer,
                        }
                    }
                    Err(error) => {
                        let (reason, message, ask_again) = self.failed(&question, &error, now);
                        MemberConfig::Failed {
                            reason,
                            message,
                            ask_again,
                        }
                    }
                };
                self.configs.insert(ordinal, (asked_on, config));
                Vec::new()
            }
        }
    }

    fn failed(
        &mut self,
        question: &Question,
        error: &CallError,
        now: Timestamp,
    ) -> (String, String, Timestamp) {
        let failures = self.failures.entry(question.clone()).or_insert(0);
        *failures = failures.saturating_add(1);
        let ask_again = later(now, backoff(*failures));
        (error.reason().to_owned(), error.to_string(), ask_again)
    }
}

pub(super) fn hash(text: &str) -> String {
    (Sha256::digest(text).iter())
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
