//! Evicting a pod: a deletion that disruption budgets may refuse.

use serde_json::{Value, json};

use super::Context;
use super::delete::{self, DeleteOptions};
use crate::failure::Failure;
use crate::object::{self, number, text};
use crate::request::Target;
use crate::selectors::labels::LabelSelector;
use crate::state::{Answer, State};

pub(crate) const BUDGETS: &str = "poddisruptionbudgets.policy";

pub(crate) fn evict(
    state: &mut State,
    target: &Target,
    context: &Context,
    body: &Value,
) -> Result<Answer, Failure> {
    let pod = state.find(target)?;
    let mut context = context.clone();
    let options = body.get("deleteOptions").unwrap_or(&Value::Null);
    let options = DeleteOptions::parse(options, &mut context)?;
    let is_over = matches!(
        text(&pod, "/status/phase"),
        "Succeeded" | "Failed" | "Pending"
    ) || object::is_terminating(&pod);
    if !is_over {
        check_budgets(state, &pod, &context)?;
    }
    delete::delete(state, target, &context, &options)?;
    Ok(Answer::plain(
        201,
        json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "code": 201,
        }),
    ))
}

fn check_budgets(state: &mut State, pod: &Value, context: &Context) -> Result<(), Failure> {
    let budgets: Vec<_> = state
        .store
        .list(BUDGETS, Some(object::namespace(pod)))
        .filter(|(_, budget)| selects(budget, pod))
        .map(|(_, budget)| budget.clone())
        .collect();
    match budgets.as_slice() {
        [] => Ok(()),
        [budget] => {
            let name = object::name(budget);
            let allowed = number(budget, "/status/disruptionsAllowed").unwrap_or(0);
            let needed = number(budget, "/status/desiredHealthy").unwrap_or(0);
            let healthy = number(budget, "/status/currentHealthy").unwrap_or(0);
            if allowed <= 0 {
                return Err(Failure::disruption_budget(
                    "Cannot evict pod as it would violate the pod's disruption budget.",
                    &format!(
                        "The disruption budget {name} needs {needed} healthy pods and has {healthy} currently"
                    ),
                ));
            }
            if !context.is_dry_run {
                let mut spent = Value::clone(budget);
                object::set(&mut spent, &["status", "disruptionsAllowed"], allowed - 1);
                state.put(BUDGETS, spent);
            }
            Ok(())
        }
        _ => Err(Failure::internal(
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
        )),
    }
}

/// A budget with an empty selector selects every pod of its namespace; one without a selector none.
pub(crate) fn selects(budget: &Value, pod: &Value) -> bool {
    budget.pointer("/spec/selector").is_some_and(|selector| {
        LabelSelector::of_object(selector).matches(object::map(pod, "/metadata/labels"))
    })
}
