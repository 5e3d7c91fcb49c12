//! `plugin.deadlines`: how long an invocation may take, and what happens then. Only the user may make such an exception.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::SpecError;
use super::fields::{count, field, object, text, unknown};

/// Hooks whose invocations may have a deadline.
const HOOKS: [&str; 6] = [
    "pre-scale",
    "post-ready",
    "pre-delete",
    "post-delete",
    "move-role",
    "task",
];

/// How long an invocation may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deadline {
    /// From its first call.
    pub seconds: u32,
    pub policy: DeadlinePolicy,
}

/// What happens when an invocation took too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeadlinePolicy {
    /// It is waited for all the same; the plugin knows the time.
    Wait,
    /// Its purpose counts as reached. Never for a member that leaves for good.
    Proceed,
    /// Its purpose is given up until the spec changes.
    Abort,
}

impl Deadline {
    pub(crate) fn time(self) -> SignedDuration {
        SignedDuration::from_secs(self.seconds.into())
    }
}

pub(super) fn parse(plugin: Option<&Value>) -> Result<BTreeMap<String, Deadline>, SpecError> {
    const PATH: &str = "plugin.deadlines";
    let mut deadlines = BTreeMap::new();
    let Some(given) = plugin.and_then(|plugin| field(plugin, "deadlines")) else {
        return Ok(deadlines);
    };
    let given = object(given, PATH)?;
    for (hook, deadline) in given.as_object().into_iter().flatten() {
        if !HOOKS.contains(&hook.as_str()) {
            return Err(unknown(PATH, hook, &HOOKS.join(", ")));
        }
        let path = format!("{PATH}.{hook}");
        let deadline = object(deadline, &path)?;
        let seconds = count(field(deadline, "seconds"), &format!("{path}.seconds"), 0)?;
        if seconds == 0 {
            return Err(SpecError::invalid(
                format!("{path}.seconds"),
                "is missing or 0".to_owned(),
                "use a whole number of seconds, 1 or more",
            ));
        }
        let policy = match field(deadline, "policy") {
            None => DeadlinePolicy::Wait,
            Some(policy) => match text(policy, &format!("{path}.policy"))? {
                "Wait" => DeadlinePolicy::Wait,
                "Proceed" => DeadlinePolicy::Proceed,
                "Abort" => DeadlinePolicy::Abort,
                other => {
                    let path = format!("{path}.policy");
                    return Err(unknown(&path, other, "Wait, Proceed or Abort"));
                }
            },
        };
        deadlines.insert(hook.clone(), Deadline { seconds, policy });
    }
    Ok(deadlines)
}
