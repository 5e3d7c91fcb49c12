//! What happens next in a pod's life: one pure decision over what is known, asked again after every effect.
//!
//! Order of a life: volumes and address, init containers one after the other (sidecars stay), the other containers
//! together; then restarts by policy until the pod is deleted or has ended; then containers stop, the last status is
//! written, the object goes.

use tokio::time::Instant;

use super::record::{Record, Role, State};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RestartPolicy {
    Always,
    OnFailure,
    Never,
}

impl RestartPolicy {
    pub(super) fn of(text: Option<&str>) -> Self {
        match text {
            Some("OnFailure") => Self::OnFailure,
            Some("Never") => Self::Never,
            _ => Self::Always,
        }
    }

    /// Whether a container is started again that ended with this code.
    pub(super) fn restarts(self, role: Role, code: i32) -> bool {
        match (role, self) {
            (Role::Sidecar, _) => true,
            // An init container that has done its work is never run again.
            (Role::Init, Self::Always | Self::OnFailure) | (Role::Main, Self::OnFailure) => {
                code != 0
            }
            (Role::Main, Self::Always) => true,
            (_, Self::Never) => false,
        }
    }
}

/// How a pod has ended for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Succeeded,
    Failed,
}

/// What is known of the pod besides its containers.
pub(crate) struct PodFacts {
    pub(crate) is_deleting: bool,
    pub(crate) restart_policy: RestartPolicy,
    pub(crate) is_prepared: bool,
    /// When the next attempt to prepare is due.
    pub(crate) prepare_at: Option<Instant>,
    /// The node gave this pod up before it ran (or found it ended).
    pub(crate) refused: Option<Outcome>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Make volumes and address.
    Prepare,
    /// Start these containers (indices of records).
    Start(Vec<usize>),
    /// Stop these running containers.
    Stop(Vec<usize>),
    /// Nothing of the pod runs any more and its deletion was asked for: the object goes.
    Remove,
    /// Nothing to do before this moment, or before something happens.
    Wait(Option<Instant>),
}

pub(crate) fn decide(pod: &PodFacts, containers: &[Record], now: Instant) -> Decision {
    if pod.is_deleting {
        return stop_then(containers, Decision::Remove);
    }
    if outcome(pod, containers).is_some() {
        return stop_then(containers, Decision::Wait(None));
    }
    if !pod.is_prepared {
        return match pod.prepare_at {
            Some(at) if at > now => Decision::Wait(Some(at)),
            _ => Decision::Prepare,
        };
    }
    let wanted = wanted(containers);
    let due: Vec<usize> = wanted
        .iter()
        .filter(|at| may_start(containers, **at, pod.restart_policy))
        .copied()
        .collect();
    let ready_now: Vec<usize> = due
        .iter()
        .filter(|at| not_before(containers, **at).is_none_or(|moment| moment <= now))
        .copied()
        .collect();
    if !ready_now.is_empty() {
        return Decision::Start(ready_now);
    }
    Decision::Wait(
        due.iter()
            .filter_map(|at| not_before(containers, *at))
            .min(),
    )
}

/// The containers that should be running or have run by now: those before the first unfinished init container, and it.
fn wanted(containers: &[Record]) -> Vec<usize> {
    let mut wanted = Vec::new();
    for (at, container) in containers.iter().enumerate() {
        match container.role {
            Role::Main => wanted.push(at),
            Role::Init if container.exit_code() == Some(0) => {}
            Role::Sidecar => {
                wanted.push(at);
                let is_started = container
                    .running()
                    .is_some_and(|running| running.is_started);
                if !is_started {
                    return wanted;
                }
            }
            Role::Init => {
                wanted.push(at);
                return wanted;
            }
        }
    }
    wanted
}

fn may_start(containers: &[Record], at: usize, policy: RestartPolicy) -> bool {
    containers
        .get(at)
        .is_some_and(|container| match &container.state {
            State::Waiting { .. } => true,
            State::Ended(ended) => policy.restarts(container.role, ended.code),
            State::Starting | State::Running(_) => false,
        })
}

fn not_before(containers: &[Record], at: usize) -> Option<Instant> {
    containers
        .get(at)
        .and_then(|container| container.not_before)
}

/// Main containers stop first; sidecars serve them until then, and each other: the last one stops first.
fn stop_then(containers: &[Record], then: Decision) -> Decision {
    let alive = |role_is_sidecar: bool| -> Vec<usize> {
        containers
            .iter()
            .enumerate()
            .filter(|(_, container)| (container.role == Role::Sidecar) == role_is_sidecar)
            .filter(|(_, container)| matches!(container.state, State::Running(_) | State::Starting))
            .map(|(at, _)| at)
            .collect()
    };
    let alive = match alive(false) {
        main if main.is_empty() => alive(true).pop().into_iter().collect(),
        main => main,
    };
    if alive.is_empty() {
        return then;
    }
    let to_stop: Vec<usize> = alive
        .into_iter()
        .filter(|at| {
            containers
                .get(*at)
                .is_some_and(|container| !container.is_stopping())
        })
        .collect();
    if to_stop.is_empty() {
        Decision::Wait(None)
    } else {
        Decision::Stop(to_stop)
    }
}

/// How the pod has ended for good, if it has; a pod that is deleted ends when all of its containers have.
pub(crate) fn outcome(pod: &PodFacts, containers: &[Record]) -> Option<Outcome> {
    if pod.refused.is_some() {
        return pod.refused;
    }
    let policy = if pod.is_deleting {
        RestartPolicy::Never
    } else {
        pod.restart_policy
    };
    let is_over = |container: &Record| {
        container
            .exit_code()
            .is_some_and(|code| !policy.restarts(container.role, code))
    };
    let init_failed = containers.iter().any(|container| {
        container.role == Role::Init && is_over(container) && container.exit_code() != Some(0)
    });
    if init_failed {
        return Some(Outcome::Failed);
    }
    let main = || {
        containers
            .iter()
            .filter(|container| container.role == Role::Main)
    };
    if main().all(is_over) {
        let succeeded = main().all(|container| container.exit_code() == Some(0));
        return Some(if succeeded {
            Outcome::Succeeded
        } else {
            Outcome::Failed
        });
    }
    // A pod that is deleted before it ran has nothing left to do either.
    let nothing_ran = || {
        containers
            .iter()
            .all(|container| matches!(container.state, State::Waiting { .. } | State::Ended(_)))
    };
    (pod.is_deleting && nothing_ran()).then_some(Outcome::Failed)
}

#[cfg(test)]
#[path = "lifecycle_tests.rs"]
mod tests;
