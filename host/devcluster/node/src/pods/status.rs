//! What is told of a pod: pure, over what is known.

use std::net::Ipv4Addr;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{
    ContainerState, ContainerStateRunning, ContainerStateTerminated, ContainerStateWaiting,
    ContainerStatus, HostIP, Pod, PodCondition, PodIP, PodStatus,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::condition;
use super::lifecycle::{Outcome, RestartPolicy};
use super::record::{Ended, Record, Role, State};

/// What a status says besides the containers.
pub(crate) struct StatusFacts<'a> {
    pub(crate) pod: &'a Pod,
    pub(crate) runtime: &'static str,
    pub(crate) node_address: Ipv4Addr,
    pub(crate) address: Option<Ipv4Addr>,
    pub(crate) start_time: Timestamp,
    pub(crate) restart_policy: RestartPolicy,
    pub(crate) is_prepared: bool,
    pub(crate) outcome: Option<Outcome>,
    /// Reason and message of a pod that the node refused.
    pub(crate) refusal: Option<(&'static str, String)>,
    pub(crate) now: Timestamp,
}

/// The status of the pod. A second call with the same facts gives the same value, whatever time it is.
pub(crate) fn status(facts: &StatusFacts<'_>, containers: &[Record]) -> PodStatus {
    let (reason, message) = facts.refusal.clone().unzip();
    let statuses = |is_init: bool| -> Option<Vec<ContainerStatus>> {
        let list: Vec<_> = containers
            .iter()
            .filter(|container| (container.role != Role::Main) == is_init)
            .map(|container| container_status(facts, container, containers))
            .collect();
        (!list.is_empty()).then_some(list)
    };
    PodStatus {
        phase: Some(phase(facts, containers).to_owned()),
        conditions: Some(conditions(facts, containers)),
        container_statuses: statuses(false),
        init_container_statuses: statuses(true),
        host_ip: Some(facts.node_address.to_string()),
        host_ips: Some(vec![HostIP {
            ip: facts.node_address.to_string(),
        }]),
        pod_ip: facts.address.map(|address| address.to_string()),
        pod_ips: facts.address.map(|address| {
            vec![PodIP {
                ip: address.to_string(),
            }]
        }),
        start_time: Some(Time(facts.start_time)),
        qos_class: Some(qos_class(facts.pod).to_owned()),
        observed_generation: facts.pod.metadata.generation,
        reason: reason.map(str::to_owned),
        message,
        ..PodStatus::default()
    }
}

fn phase(facts: &StatusFacts<'_>, containers: &[Record]) -> &'static str {
    match facts.outcome {
        Some(Outcome::Succeeded) => return "Succeeded",
        Some(Outcome::Failed) => return "Failed",
        None => {}
    }
    let never_ran = |container: &Record| {
        container.last.is_none()
            && matches!(container.state, State::Waiting { .. } | State::Starting)
    };
    if !is_initialized(containers)
        || containers
            .iter()
            .any(|container| container.role == Role::Main && never_ran(container))
    {
        "Pending"
    } else {
        "Running"
    }
}

fn is_initialized(containers: &[Record]) -> bool {
    containers.iter().all(|container| match container.role {
        Role::Main => true,
        Role::Init => container.exit_code() == Some(0),
        Role::Sidecar => {
            container
                .running()
                .is_some_and(|running| running.is_started)
                || container.last.is_some()
        }
    })
}

fn conditions(facts: &StatusFacts<'_>, containers: &[Record]) -> Vec<PodCondition> {
    let is_over = facts.outcome.is_some();
    let unready: Vec<&str> = containers
        .iter()
        .filter(|container| container.role != Role::Init && !container.is_ready())
        .map(|container| container.name.as_str())
        .collect();
    let containers_ready = if is_over {
        Err(("PodCompleted", String::new()))
    } else if unready.is_empty() {
        Ok(())
    } else {
        Err((
            "ContainersNotReady",
            format!("containers with unready status: [{}]", unready.join(" ")),
        ))
    };
    let ready = containers_ready.clone().and_then(|()| gates(facts.pod));
    let initialized = if is_initialized(containers) || facts.outcome == Some(Outcome::Succeeded) {
        Ok(())
    } else {
        let incomplete: Vec<&str> = containers
            .iter()
            .filter(|container| container.role == Role::Init && container.exit_code() != Some(0))
            .map(|container| container.name.as_str())
            .collect();
        Err((
            "ContainersNotInitialized",
            format!(
                "containers with incomplete status: [{}]",
                incomplete.join(" ")
            ),
        ))
    };
    let sandbox = if facts.is_prepared {
        Ok(())
    } else {
        Err(("", String::new()))
    };
    [
        ("PodReadyToStartContainers", sandbox),
        ("Initialized", initialized),
        ("Ready", ready),
        ("ContainersReady", containers_ready),
        ("PodScheduled", Ok(())),
    ]
    .into_iter()
    .map(|(type_, verdict)| condition(facts, type_, verdict))
    .collect()
}

type Verdict = Result<(), (&'static str, String)>;

/// Readiness gates: conditions that somebody else sets.
fn gates(pod: &Pod) -> Verdict {
    let gates = pod
        .spec
        .as_ref()
        .and_then(|spec| spec.readiness_gates.as_ref());
    for gate in gates.into_iter().flatten() {
        let found = condition::condition(pod, &gate.condition_type);
        if found.is_none_or(|condition| condition.status != "True") {
            let message = match found {
                None => format!(
                    "corresponding condition of pod readiness gate {:?} does not exist.",
                    gate.condition_type
                ),
                Some(_) => format!(
                    "the status of pod readiness gate {:?} is not \"True\"",
                    gate.condition_type
                ),
            };
            return Err(("ReadinessGatesNotReady", message));
        }
    }
    Ok(())
}

fn condition(facts: &StatusFacts<'_>, type_: &str, verdict: Verdict) -> PodCondition {
    let status = if verdict.is_ok() { "True" } else { "False" };
    let (reason, message) = verdict.err().unzip();
    let since = condition::condition(facts.pod, type_)
        .filter(|condition| condition.status == status)
        .and_then(|condition| condition.last_transition_time.clone());
    PodCondition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: reason
            .filter(|reason| !reason.is_empty())
            .map(str::to_owned),
        message: message.filter(|message| !message.is_empty()),
        last_transition_time: Some(since.unwrap_or(Time(facts.now))),
        observed_generation: facts.pod.metadata.generation,
        ..PodCondition::default()
    }
}

fn container_status(
    facts: &StatusFacts<'_>,
    container: &Record,
    all: &[Record],
) -> ContainerStatus {
    let shown_id = |id: &str| format!("{}://{id}", facts.runtime);
    let (state, last, id) = state_of(facts, container, all);
    ContainerStatus {
        name: container.name.clone(),
        image: container.image.clone(),
        image_id: if id.is_some() {
            shown_id(&container.image)
        } else {
            String::new()
        },
        container_id: id.as_deref().map(shown_id),
        ready: container.is_ready()
            || (container.role == Role::Init && container.exit_code() == Some(0)),
        started: Some(
            container
                .running()
                .is_some_and(|running| running.is_started),
        ),
        restart_count: container.restarts,
        state: Some(state),
        last_state: Some(
            last.map(|ended| terminated(&ended, &shown_id))
                .unwrap_or_default(),
        ),
        ..ContainerStatus::default()
    }
}

fn state_of(
    facts: &StatusFacts<'_>,
    container: &Record,
    all: &[Record],
) -> (ContainerState, Option<Ended>, Option<String>) {
    let last = container.last.clone();
    match &container.state {
        State::Running(running) => {
            let state = ContainerState {
                running: Some(ContainerStateRunning {
                    started_at: Some(Time(running.since)),
                }),
                ..ContainerState::default()
            };
            (state, last, Some(running.id.clone()))
        }
        State::Ended(ended) if facts.outcome.is_none() && waits_to_restart(facts, container) => {
            let wait = format!("back-off restarting failed container={}", container.name);
            (
                waiting("CrashLoopBackOff", Some(wait)),
                Some(ended.clone()),
                ended.id.clone(),
            )
        }
        State::Ended(ended) => {
            let shown_id = |id: &str| format!("{}://{id}", facts.runtime);
            (terminated(ended, &shown_id), last, ended.id.clone())
        }
        State::Waiting { reason, message } => {
            let initializing = container.role == Role::Main && !is_initialized(all);
            let reason = if initializing {
                "PodInitializing"
            } else {
                reason
            };
            let id = last.as_ref().and_then(|last| last.id.clone());
            (waiting(reason, message.clone()), last, id)
        }
        State::Starting => {
            let id = last.as_ref().and_then(|last| last.id.clone());
            (waiting("ContainerCreating", None), last, id)
        }
    }
}

fn waits_to_restart(facts: &StatusFacts<'_>, container: &Record) -> bool {
    let policy = facts.restart_policy;
    container
        .exit_code()
        .is_some_and(|code| policy.restarts(container.role, code))
        && container
            .not_before
            .is_some_and(|at| at > tokio::time::Instant::now())
}

fn waiting(reason: &str, message: Option<String>) -> ContainerState {
    ContainerState {
        waiting: Some(ContainerStateWaiting {
            reason: Some(reason.to_owned()),
            message,
        }),
        ..ContainerState::default()
    }
}

fn terminated(ended: &Ended, shown_id: &dyn Fn(&str) -> String) -> ContainerState {
    ContainerState {
        terminated: Some(ContainerStateTerminated {
            exit_code: ended.code,
            reason: Some(ended.reason.to_owned()),
            message: ended.message.clone(),
            started_at: ended.started_at.map(Time),
            finished_at: ended.finished_at.map(Time),
            container_id: ended.id.as_deref().map(shown_id),
            ..ContainerStateTerminated::default()
        }),
        ..ContainerState::default()
    }
}

/// Guaranteed when every container limits what it requests, best effort when none asks for anything.
fn qos_class(pod: &Pod) -> &'static str {
    let Some(spec) = &pod.spec else {
        return "BestEffort";
    };
    let all = || {
        spec.containers
            .iter()
            .chain(spec.init_containers.iter().flatten())
    };
    let amounts = |container: &k8s_openapi::api::core::v1::Container| {
        let resources = container.resources.clone().unwrap_or_default();
        let (limits, requests) = (
            resources.limits.unwrap_or_default(),
            resources.requests.unwrap_or_default(),
        );
        (limits, requests)
    };
    let asks_nothing = all().all(|container| {
        let (limits, requests) = amounts(container);
        limits.is_empty() && requests.is_empty()
    });
    let is_guaranteed = all().all(|container| {
        let (limits, requests) = amounts(container);
        ["cpu", "memory"].iter().all(|name| {
            limits
                .get(*name)
                .is_some_and(|limit| requests.get(*name).is_none_or(|request| request == limit))
        })
    });
    match (asks_nothing, is_guaranteed) {
        (true, _) => "BestEffort",
        (false, true) => "Guaranteed",
        (false, false) => "Burstable",
    }
}
