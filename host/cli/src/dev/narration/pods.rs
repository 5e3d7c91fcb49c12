//! The life of a pod.

use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Pod};

use super::{Facts, Said, Subject, bad, good, plain};

/// Reasons of a start that goes its normal way.
const ON_THE_WAY: [&str; 2] = ["ContainerCreating", "PodInitializing"];

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pods {
    phase: String,
    address: Option<String>,
    is_ready: bool,
    is_terminating: bool,
    restarts: i32,
    /// Why a container does not run, reason and message.
    hindrance: Option<(String, String)>,
}

impl Facts for Pods {
    type Object = Pod;

    fn subject(pod: &Pod) -> Subject {
        Subject::of("pod", pod)
    }

    fn of(pod: &Pod) -> Pods {
        let status = pod.status.clone().unwrap_or_default();
        let containers = status.container_statuses.unwrap_or_default();
        let conditions = status.conditions.unwrap_or_default();
        Pods {
            phase: status.phase.unwrap_or_default(),
            address: status.pod_ip,
            is_ready: (conditions.iter()).any(|one| one.type_ == "Ready" && one.status == "True"),
            is_terminating: pod.metadata.deletion_timestamp.is_some(),
            restarts: containers
                .iter()
                .map(|container| container.restart_count)
                .sum(),
            hindrance: (containers.iter())
                .chain(status.init_container_statuses.iter().flatten())
                .find_map(hindrance),
        }
    }

    fn changes(&self, before: Option<&Pods>) -> Vec<Said> {
        let Some(before) = before else {
            return vec![plain("is created")];
        };
        let mut said = Vec::new();
        if self.is_terminating && !before.is_terminating {
            said.push(plain("is terminating"));
        }
        if let Some((reason, message)) = &self.hindrance
            && before
                .hindrance
                .as_ref()
                .is_none_or(|(_, told)| told != message)
        {
            said.push(bad(format!("does not run: {reason} {message}").trim_end()));
        }
        if self.restarts > before.restarts {
            said.push(bad(format!(
                "restarted a container, {} times now",
                self.restarts
            )));
        }
        if self.phase != before.phase {
            said.extend(self.phase_said());
        }
        if self.is_ready && !before.is_ready {
            said.push(good("is ready"));
        }
        if before.is_ready && !self.is_ready && !self.is_terminating {
            said.push(bad("is not ready any more"));
        }
        said
    }
}

impl Pods {
    fn phase_said(&self) -> Option<Said> {
        match self.phase.as_str() {
            "Running" => Some(plain(match &self.address {
                Some(address) => format!("runs at {address}"),
                None => "runs".to_owned(),
            })),
            // Ending is what a terminating pod does.
            "Succeeded" | "Failed" if self.is_terminating => None,
            "Succeeded" => Some(plain("has ended")),
            "Failed" => Some(bad("has failed")),
            _ => None,
        }
    }
}

fn hindrance(container: &ContainerStatus) -> Option<(String, String)> {
    let ContainerState { waiting, .. } = container.state.as_ref()?;
    let waiting = waiting.as_ref()?;
    let reason = waiting.reason.clone()?;
    (!ON_THE_WAY.contains(&reason.as_str()))
        .then(|| (reason, waiting.message.clone().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(now: &Pods, before: Option<&Pods>) -> Vec<String> {
        now.changes(before)
            .into_iter()
            .map(|said| said.text)
            .collect()
    }

    #[test]
    fn a_pod_s_life_is_told_in_its_steps() {
        let created = Pods {
            phase: "Pending".into(),
            ..Pods::default()
        };
        let running = Pods {
            phase: "Running".into(),
            address: Some("127.77.0.1".into()),
            ..created.clone()
        };
        let ready = Pods {
            is_ready: true,
            ..running.clone()
        };
        let ending = Pods {
            is_terminating: true,
            ..ready.clone()
        };
        let ended = Pods {
            is_ready: false,
            ..ending.clone()
        };
        assert_eq!(texts(&created, None), ["is created"]);
        assert_eq!(texts(&running, Some(&created)), ["runs at 127.77.0.1"]);
        assert_eq!(texts(&ready, Some(&running)), ["is ready"]);
        assert_eq!(texts(&ending, Some(&ready)), ["is terminating"]);
        assert!(texts(&ended, Some(&ending)).is_empty());
    }

    #[test]
    fn a_container_that_cannot_start_is_told_once() {
        let created = Pods::default();
        let stuck = Pods {
            hindrance: Some(("ErrImagePull".into(), "no recipe".into())),
            ..Pods::default()
        };
        assert_eq!(
            texts(&stuck, Some(&created)),
            ["does not run: ErrImagePull no recipe"]
        );
        let backing_off = Pods {
            hindrance: Some(("ImagePullBackOff".into(), "no recipe".into())),
            ..Pods::default()
        };
        assert!(texts(&backing_off, Some(&stuck)).is_empty());
    }
}
