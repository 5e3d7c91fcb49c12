//! Binding a pod to a node: what a scheduler writes.

use serde_json::{Value, json};

use super::Context;
use crate::failure::{Failure, Subject};
use crate::object::{self, text};
use crate::request::Target;
use crate::state::{Answer, State};

pub(crate) fn bind(
    state: &mut State,
    target: &Target,
    context: &Context,
    binding: &Value,
) -> Result<Answer, Failure> {
    let pod = state.find(target)?;
    let kind = target.kind.clone();
    let name = object::name(&pod);
    let node = text(binding, "/target/name");
    if node.is_empty() {
        return Err(Failure::without_reason("target.name: Required value"));
    }
    let subject = Subject {
        resource: "pods/binding".to_owned(),
        ..kind.subject()
    };
    let conflict = |why: &str| Err(Failure::conflict(&subject, name, why));
    if object::is_terminating(&pod) {
        return conflict("pod is being deleted, cannot be assigned to a host");
    }
    match text(&pod, "/spec/nodeName") {
        "" => {}
        taken => return conflict(&format!("pod {name} is already assigned to node {taken:?}")),
    }
    if !context.is_dry_run {
        let mut bound = Value::clone(&pod);
        object::set(&mut bound, &["spec", "nodeName"], node);
        let mut conditions: Vec<Value> = object::list(&bound, "/status/conditions")
            .iter()
            .filter(|condition| text(condition, "/type") != "PodScheduled")
            .cloned()
            .collect();
        conditions.push(json!({
            "type": "PodScheduled",
            "status": "True",
            "lastProbeTime": null,
            "lastTransitionTime": context.timestamp(),
        }));
        object::set(&mut bound, &["status", "conditions"], conditions);
        state.put(&kind.storage, bound);
    }
    Ok(Answer::done())
}
