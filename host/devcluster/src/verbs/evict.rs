//! Evicting a pod: a deletion that disruption budgets may refuse.

use serde_json::Value;

use super::Context;
use super::delete::{self, DeleteOptions};
use crate::disruption::{BUDGETS, is_healthy, selects};
use crate::failure::Failure;
use crate::object::{self, number, text};
use crate::request::Target;
use crate::state::{Answer, State};

pub(crate) fn evict(
    state: &mut State,
    target: &Target,
    context: &Context,
    body: &Value,
) -> Result<Answer, Failure> {
    let pod = state.find(target)?;
    let name = object::name(body);
    if !name.is_empty() && name != object::name(&pod) {
        return Err(Failure::bad_request(
            "name in URL does not match name in Eviction object",
        ));
    }
    let mut context = context.clone();
    let options = body.get("deleteOptions").unwrap_or(&Value::Null);
    let options = DeleteOptions::parse(options, &mut context)?;
    let is_over = matches!(
        text(&pod, "/status/phase"),
        "Succeeded" | "Failed" | "Pending"
    ) || object::is_terminating(&pod);
    if !is_over {
        check_budgets(state, &pod)?;
    }
    delete::delete(state, target, &context, &options)?;
    Ok(Answer::done())
}

fn check_budgets(state: &State, pod: &Value) -> Result<(), Failure> {
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
            let count = |field: &str| number(budget, &format!("/status/{field}")).unwrap_or(0);
            let (needed, healthy) = (count("desiredHealthy"), count("currentHealthy"));
            let may_always_go = !is_healthy(pod)
                && (text(budget, "/spec/unhealthyPodEvictionPolicy") == "AlwaysAllow"
                    || (needed > 0 && healthy >= needed));
            if count("disruptionsAllowed") <= 0 && !may_always_go {
                return Err(Failure::disruption_budget(
                    "Cannot evict pod as it would violate the pod's disruption budget.",
                    &format!(
                        "The disruption budget {name} needs {needed} healthy pods and has {healthy} currently"
                    ),
                ));
            }
            Ok(())
        }
        _ => Err(Failure::internal(
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
        )),
    }
}
