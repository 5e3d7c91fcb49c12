//! What users ask for through annotations. A wish stands in the status until it has ended, so that each of its texts has a longest length.

use serde::{Deserialize, Serialize};

use crate::hooks;
use crate::journal::InvocationId;

/// Bytes of a task's arguments in JSON, at most: they stand in the status twice while the task runs.
pub const LONGEST_ARGUMENTS: usize = 1024;
/// Bytes of an id or a name in JSON, at most.
const LONGEST_NAME: usize = 256;

/// Why a wish is not taken up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WishError {
    #[error(
        "the arguments of task {task} take {bytes} bytes in JSON, {LONGEST_ARGUMENTS} are allowed; put what is longer into a ConfigMap or Secret that spec.plugin binds to a slot of the plugin, and name it in the arguments"
    )]
    ArgumentsTooLong { task: String, bytes: usize },
    #[error("its {field} takes {bytes} bytes in JSON, {LONGEST_NAME} are allowed; shorten it")]
    NameTooLong { field: &'static str, bytes: usize },
}

impl WishError {
    /// Stable, CamelCase.
    pub fn reason(&self) -> &'static str {
        match self {
            WishError::ArgumentsTooLong { .. } => "ArgumentsTooLong",
            WishError::NameTooLong { .. } => "NameTooLong",
        }
    }
}

/// What a user asks for, whoever wrote it.
pub trait Wish {
    /// Whether each of its texts fits the status.
    fn check(&self) -> Result<(), WishError>;
}

impl Wish for TaskWish {
    fn check(&self) -> Result<(), WishError> {
        name("id", &self.id)?;
        name("task", &self.task)?;
        match hooks::written(&self.arguments) {
            bytes if bytes > LONGEST_ARGUMENTS => Err(WishError::ArgumentsTooLong {
                task: self.task.clone(),
                bytes,
            }),
            _ => Ok(()),
        }
    }
}

impl Wish for RulingWish {
    // Who and why are cut where they are recorded.
    fn check(&self) -> Result<(), WishError> {
        name("id", &self.id)?;
        name("invocation", &self.invocation.0)
    }
}

impl Wish for Switchover {
    fn check(&self) -> Result<(), WishError> {
        name("id", &self.id)?;
        name("role", &self.role)
    }
}

fn name(field: &'static str, text: &str) -> Result<(), WishError> {
    match hooks::written(text) {
        bytes if bytes > LONGEST_NAME => Err(WishError::NameTooLong { field, bytes }),
        _ => Ok(()),
    }
}

/// What users ask for through annotations, each until it is recorded as taken up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Wishes {
    /// A run of a task. The annotation `stateward.dev/do`.
    pub task: Option<TaskWish>,
    /// A decision about an invocation. The annotation `stateward.dev/invocation`.
    pub ruling: Option<RulingWish>,
}

/// A user's wish to run a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskWish {
    /// Chosen by who asks, so that a wish is fulfilled once.
    pub id: String,
    pub task: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<u32>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub arguments: String,
}

/// A user's decision about an invocation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RulingWish {
    /// Chosen by who asks, so that a decision is taken once.
    pub id: String,
    pub invocation: InvocationId,
    pub verb: Verb,
    /// Who decided, as far as the client knows.
    pub by: String,
    pub reason: String,
}

/// What is decided about an invocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Its purpose counts as reached.
    Skip,
    /// It is called again now.
    Retry,
    /// Its purpose is given up: what was begun is undone.
    Abort,
}

/// A user's wish to move a role. Written as the annotation `stateward.dev/switchover`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Switchover {
    /// Chosen by who asks; recorded in the role's `last_request` when it ended, so that a wish is fulfilled once.
    pub id: String,
    pub role: String,
    pub target: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(arguments: &str) -> TaskWish {
        TaskWish {
            id: "1".to_owned(),
            task: "restore".to_owned(),
            member: None,
            arguments: arguments.to_owned(),
        }
    }

    #[test]
    fn given_arguments_when_they_are_too_long_then_it_says_the_limit_and_what_to_do() {
        assert_eq!(with(&"a".repeat(LONGEST_ARGUMENTS)).check(), Ok(()));
        let error = with(&"a".repeat(LONGEST_ARGUMENTS + 1))
            .check()
            .unwrap_err();
        assert_eq!(error.reason(), "ArgumentsTooLong");
        let text = error.to_string();
        assert!(text.contains("1025 bytes") && text.contains("1024 are allowed"));
        assert!(text.contains("ConfigMap"), "{text}");
        // As they stand in the status.
        assert_eq!(with(&"\"".repeat(LONGEST_ARGUMENTS / 2)).check(), Ok(()));
        assert!(
            with(&"\"".repeat(LONGEST_ARGUMENTS / 2 + 1))
                .check()
                .is_err()
        );
    }

    #[test]
    fn given_an_id_that_would_fill_the_status_then_no_wish_is_taken_up() {
        let long = "1".repeat(LONGEST_NAME + 1);
        let task = TaskWish {
            id: long.clone(),
            ..with("")
        };
        let ruling = RulingWish {
            id: "1".to_owned(),
            invocation: InvocationId(long.clone()),
            verb: Verb::Skip,
            by: String::new(),
            reason: String::new(),
        };
        let switchover = Switchover {
            id: "1".to_owned(),
            role: long,
            target: None,
        };
        let errors = [task.check(), ruling.check(), switchover.check()];
        for (error, field) in errors.into_iter().zip(["id", "invocation", "role"]) {
            let error = error.unwrap_err();
            assert_eq!(error.reason(), "NameTooLong");
            assert!(
                error
                    .to_string()
                    .contains(&format!("its {field} takes 257"))
            );
        }
    }
}
