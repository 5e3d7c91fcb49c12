//! Ready, status and restarts of a pod, as `kubectl get pods` words them.

use serde_json::Value;

use super::age;
use crate::object::{self, list, number, text};

/// `1/2`: containers that are ready, sidecars counted.
pub(super) fn ready(pod: &Value) -> String {
    let total = list(pod, "/spec/containers").len() + sidecars(pod).count();
    let ready = list(pod, "/status/containerStatuses")
        .iter()
        .chain(sidecar_statuses(pod))
        .filter(|status| status.get("ready").and_then(Value::as_bool) == Some(true))
        .count();
    format!("{ready}/{total}")
}

/// `0`, or `2 (5m ago)` when the last restart is known.
pub(super) fn restarts(pod: &Value) -> String {
    let statuses = || {
        list(pod, "/status/containerStatuses")
            .iter()
            .chain(sidecar_statuses(pod))
    };
    let count: i64 = statuses()
        .filter_map(|status| number(status, "/restartCount"))
        .sum();
    let last = statuses()
        .map(|status| text(status, "/lastState/terminated/finishedAt"))
        .max()
        .unwrap_or_default();
    match (count, last) {
        (0, _) | (_, "") => count.to_string(),
        (count, last) => format!("{count} ({} ago)", age(last)),
    }
}

fn sidecars(pod: &Value) -> impl Iterator<Item = &str> {
    list(pod, "/spec/initContainers")
        .iter()
        .filter(|container| text(container, "/restartPolicy") == "Always")
        .map(|container| text(container, "/name"))
}

fn sidecar_statuses(pod: &Value) -> impl Iterator<Item = &Value> {
    list(pod, "/status/initContainerStatuses")
        .iter()
        .filter(|status| sidecars(pod).any(|name| name == text(status, "/name")))
}

/// The phase, or what says more than the phase.
pub(super) fn status(pod: &Value) -> String {
    let reason = match text(pod, "/status/reason") {
        "" => text(pod, "/status/phase"),
        reason => reason,
    };
    let mut status = reason.to_owned();
    let is_initializing = match initializing(pod) {
        Some(step) => {
            status = step;
            true
        }
        None => false,
    };
    if !is_initializing && let Some(of_containers) = of_containers(pod, &status) {
        status = of_containers;
    }
    if !object::is_terminating(pod) {
        return status;
    }
    match text(pod, "/status/reason") {
        "NodeLost" => "Unknown".to_owned(),
        _ if matches!(text(pod, "/status/phase"), "Failed" | "Succeeded") => status,
        _ => "Terminating".to_owned(),
    }
}

/// What the first init container that is not done says.
fn initializing(pod: &Value) -> Option<String> {
    let statuses = list(pod, "/status/initContainerStatuses");
    let total = list(pod, "/spec/initContainers").len();
    for (position, status) in statuses.iter().enumerate() {
        let is_sidecar = sidecars(pod).any(|name| name == text(status, "/name"));
        let is_started = status.get("started").and_then(Value::as_bool) == Some(true);
        if number(status, "/state/terminated/exitCode") == Some(0) || (is_sidecar && is_started) {
            continue;
        }
        if status.pointer("/state/terminated").is_some() {
            return Some(format!("Init:{}", terminated(status)));
        }
        return Some(match text(status, "/state/waiting/reason") {
            "" | "PodInitializing" => format!("Init:{position}/{total}"),
            reason => format!("Init:{reason}"),
        });
    }
    None
}

fn of_containers(pod: &Value, phase: &str) -> Option<String> {
    let statuses = list(pod, "/status/containerStatuses");
    let mut shown = None;
    let mut is_any_running = false;
    for status in statuses.iter().rev() {
        let waits = text(status, "/state/waiting/reason");
        if !waits.is_empty() {
            shown = Some(waits.to_owned());
        } else if status.pointer("/state/terminated").is_some() {
            shown = Some(terminated(status));
        } else if status.get("ready").and_then(Value::as_bool) == Some(true) {
            is_any_running = true;
        }
    }
    // A pod of which one container is done and another one runs is running.
    if shown.as_deref() == Some("Completed") && is_any_running {
        return Some("Running".to_owned());
    }
    shown.filter(|shown| shown != phase)
}

fn terminated(status: &Value) -> String {
    match text(status, "/state/terminated/reason") {
        "" => match number(status, "/state/terminated/signal") {
            Some(signal) if signal != 0 => format!("Signal:{signal}"),
            _ => format!(
                "ExitCode:{}",
                number(status, "/state/terminated/exitCode").unwrap_or(0)
            ),
        },
        reason => reason.to_owned(),
    }
}
