//! What the operator adds to a planned status: steps that the API refuses, pods that cannot start, secrets that are missing. Plans know nothing of them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use stateward_planner::status::Condition;
use stateward_planner::{Invocation, InvocationId, Owner, Phase, Status, Waiting};

use super::attempts::Attempts;
use crate::api::ApiError;
use crate::events::{Note, Weight};
use crate::watch::{Meta, SlimPod};

/// The reason of a call that the plugin itself ended with `retry`.
const PLUGIN_FAILED: &str = "PluginFailed";
/// So many of those in a row need somebody to look.
const KEEPS_FAILING: u32 = 5;
pub(super) const PLUGIN_LOADING: &str = "PluginLoading";

/// Container states that a user has to do something about.
const STALLING: [&str; 7] = [
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "CrashLoopBackOff",
];

/// One entry for each step that the API refuses.
pub(super) fn refused_steps(status: &mut Status, attempts: &Attempts) {
    for (step, failed) in attempts.failing() {
        // What failed once, for a conflict say, is not worth telling.
        if matches!(failed.error, ApiError::Conflict { .. }) {
            continue;
        }
        let (owner, reason, unblocks) = if failed.error.is_namespace_ending() {
            (
                Owner::Kubernetes,
                "NamespaceTerminating",
                "the namespace goes, and the app with it",
            )
        } else if failed.error.is_quota() {
            (
                Owner::Quota,
                "QuotaExceeded",
                "raise the quota, or free some of it",
            )
        } else {
            (
                Owner::Kubernetes,
                "StepRefused",
                "the API server takes it; it is tried again",
            )
        };
        status.waiting.push(Waiting {
            owner,
            reason: reason.to_owned(),
            subject: step.clone(),
            message: format!("{step} fails: {}", failed.error),
            unblocks: unblocks.to_owned(),
            invocation: None,
            since: failed.since,
        });
    }
}

/// Why nothing goes on without somebody doing something, if there is such a reason that the plan does not know.
pub(super) fn stall(
    pods: &[std::sync::Arc<SlimPod>],
    secrets: &BTreeMap<String, String>,
) -> Option<(String, String)> {
    if let Some(message) = secrets.values().next() {
        return Some(("SecretMissing".to_owned(), message.clone()));
    }
    pods.iter().find_map(|pod| {
        let (reason, text) = pod.obstacle()?;
        let stalls = STALLING.contains(&reason);
        stalls.then(|| (reason.to_owned(), format!("pod {}: {text}", pod.name())))
    })
}

/// A hook that ended without an answer, or keeps failing: its plugin or what it talks to needs somebody.
pub(super) fn failing_hook(
    journal: &BTreeMap<InvocationId, Invocation>,
) -> Option<(String, String)> {
    journal
        .values()
        .find_map(|invocation| match &invocation.phase {
            Phase::Failing {
                reason,
                message,
                failures,
                ..
            } if reason != PLUGIN_FAILED || *failures >= KEEPS_FAILING => {
                Some((reason.clone(), format!("{}: {message}", invocation.id)))
            }
            _ => None,
        })
}

/// The entry of an app whose plugin is still being loaded.
pub(super) fn plugin_loading(plugin: &str, now: Timestamp) -> Waiting {
    Waiting {
        owner: Owner::Plugin,
        reason: PLUGIN_LOADING.to_owned(),
        subject: format!("plugin {plugin}"),
        message: "it is being loaded; the first time it is compiled".to_owned(),
        unblocks: "it is loaded".to_owned(),
        invocation: None,
        since: now,
    }
}

/// What an app's owner should hear of a new entry. Every pod start waits for Kubernetes, every hook runs for a moment, every rollout waits for its
/// partition: the status and `why` tell those.
pub(super) fn note(entry: &Waiting) -> Option<Note> {
    let weight = match (entry.owner, entry.reason.as_str()) {
        (Owner::Quota, _) => Weight::Warning,
        (
            Owner::Plugin,
            "HookRunning" | "HookQueued" | "ValidationPending" | "MemberConfigPending",
        ) => return None,
        (Owner::Plugin, "HookInProgress" | "PluginRefuses" | PLUGIN_LOADING) => Weight::Normal,
        (Owner::Plugin, _) => Weight::Warning,
        // Upstream item 61 has it under this name.
        (Owner::User, "ConflictingController") => Weight::Warning,
        (Owner::Clock, "PodKeepsEnding") => Weight::Warning,
        (Owner::Kubernetes | Owner::User | Owner::Clock, _) => return None,
    };
    let text = format!("{}: {}; {}", entry.subject, entry.message, entry.unblocks);
    Some(Note::new(weight, &entry.reason, text))
}

/// Sets the condition Stalled, unless the plan has set it already. That a plugin says it failed is less than to know why: there, the cause wins.
pub(super) fn set_stalled(
    status: &mut Status,
    recorded: &Status,
    reason: &str,
    message: &str,
    now: Timestamp,
) {
    let of_type = |condition: &&Condition| condition.type_ == "Stalled";
    let is_stalled = |status: &Status| {
        let condition = status.conditions.iter().find(of_type);
        condition
            .filter(|condition| condition.status == "True")
            .cloned()
    };
    if is_stalled(status).is_some_and(|planned| planned.reason != PLUGIN_FAILED) {
        return;
    }
    let since = is_stalled(recorded).and_then(|before| before.last_transition_time);
    status
        .conditions
        .retain(|condition| condition.type_ != "Stalled");
    status.conditions.push(Condition {
        type_: "Stalled".to_owned(),
        status: "True".to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        last_transition_time: since.or(Some(now)),
        observed_generation: Some(status.observed_generation),
    });
}

/// The condition Stalled, when it is true: reason and message.
pub(super) fn stalled(status: &Status) -> Option<(&str, &str)> {
    let condition = (status.conditions.iter())
        .find(|condition| condition.type_ == "Stalled" && condition.status == "True")?;
    Some((&condition.reason, &condition.message))
}
