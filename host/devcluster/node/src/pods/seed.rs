//! Pods that ran before this agent started: their processes went with the old agent, as after a reboot of a node.

use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Pod};

use super::lifecycle::Outcome;
use super::record::{Ended, Record, Role, State};

/// What a kubelet says of a container that it no longer finds.
const LOST_REASON: &str = "ContainerStatusUnknown";
const LOST_CODE: i32 = 137;

/// How the pod ended in an earlier life of this agent, if it did.
pub(super) fn outcome(pod: &Pod) -> Option<Outcome> {
    match pod
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref())
    {
        Some("Succeeded") => Some(Outcome::Succeeded),
        Some("Failed") => Some(Outcome::Failed),
        _ => None,
    }
}

/// Takes over what the last agent told of the pod's containers.
pub(super) fn take_over(pod: &Pod, containers: &mut [Record]) {
    let Some(status) = &pod.status else { return };
    let statuses = status
        .init_container_statuses
        .iter()
        .flatten()
        .chain(status.container_statuses.iter().flatten());
    for told in statuses {
        if let Some(container) = containers
            .iter_mut()
            .find(|container| container.name == told.name)
        {
            take_over_one(container, told);
        }
    }
}

fn take_over_one(container: &mut Record, told: &ContainerStatus) {
    container.restarts = told.restart_count;
    container.last = told.last_state.as_ref().and_then(ended);
    let state = told.state.clone().unwrap_or_default();
    if let Some(running) = state.running {
        container.state = State::Ended(Ended {
            code: LOST_CODE,
            reason: LOST_REASON,
            message: Some(
                "The container could not be located when the node agent started".to_owned(),
            ),
            id: told.container_id.clone().map(bare),
            started_at: running.started_at.map(|time| time.0),
            finished_at: None,
        });
    } else if let Some(ended) = ended(&state) {
        container.state = State::Ended(ended);
    } else if let (Some(last), Role::Main | Role::Sidecar) = (container.last.take(), container.role)
    {
        // It was waiting for its next start.
        container.state = State::Ended(last);
    }
}

fn ended(state: &ContainerState) -> Option<Ended> {
    let terminated = state.terminated.as_ref()?;
    Some(Ended {
        code: terminated.exit_code,
        reason: match terminated.reason.as_deref() {
            Some("Completed") => "Completed",
            Some(LOST_REASON) => LOST_REASON,
            _ => "Error",
        },
        message: terminated.message.clone(),
        id: terminated.container_id.clone().map(bare),
        started_at: terminated.started_at.as_ref().map(|time| time.0),
        finished_at: terminated.finished_at.as_ref().map(|time| time.0),
    })
}

/// The id without the runtime's name.
fn bare(id: String) -> String {
    match id.split_once("://") {
        Some((_, id)) => id.to_owned(),
        None => id,
    }
}
