//! Kubernetes events: every warning, and what plugins and the operator have to say of an app.

use k8s_openapi::api::core::v1::Event;

use super::{Facts, Said, Subject, bad, plain};

/// Told already by what becomes of the pods and claims.
const TOLD_ELSEWHERE: [&str; 4] = ["SuccessfulCreate", "SuccessfulDelete", "Failed", "BackOff"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Events {
    said: Option<Said>,
}

impl Facts for Events {
    type Object = Event;

    fn subject(event: &Event) -> Subject {
        let object = &event.involved_object;
        Subject {
            namespace: object.namespace.clone().unwrap_or_default(),
            kind: match object.kind.as_deref() {
                Some("Pod") => "pod",
                Some("PersistentVolumeClaim") => "claim",
                Some("StatefulApp") => "app",
                Some("StatefulSet") => "set",
                Some("Plugin") => "plugin",
                Some("Node") => "node",
                _ => "object",
            },
            name: object.name.clone().unwrap_or_default(),
        }
    }

    fn of(event: &Event) -> Events {
        let reason = event.reason.as_deref().unwrap_or_default();
        let message = event.message.as_deref().unwrap_or_default();
        let text = format!("{reason}: {message}");
        let is_of_an_app = event.involved_object.kind.as_deref() == Some("StatefulApp");
        let said = match event.type_.as_deref() {
            _ if TOLD_ELSEWHERE.contains(&reason) => None,
            // A member that is starting is not ready at first.
            _ if message.starts_with("Readiness probe failed") => None,
            // So is a claim that is made for a new member unbound at first.
            Some("Warning") if reason == "FailedScheduling" => Some(plain(text)),
            Some("Warning") => Some(bad(text)),
            _ if is_of_an_app => Some(plain(text)),
            _ => None,
        };
        Events { said }
    }

    /// An event that is counted up is the same one again.
    fn changes(&self, before: Option<&Events>) -> Vec<Said> {
        match before {
            Some(before) if before == self => Vec::new(),
            _ => self.said.clone().into_iter().collect(),
        }
    }

    fn gone(&self) -> Option<Said> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, type_: &str, reason: &str) -> Events {
        let mut event = Event {
            type_: Some(type_.into()),
            reason: Some(reason.into()),
            message: Some("what happened".into()),
            ..Event::default()
        };
        event.involved_object.kind = Some(kind.into());
        Events::of(&event)
    }

    #[test]
    fn warnings_are_told_once() {
        let warning = event("Pod", "Warning", "FailedMount");
        assert_eq!(warning.changes(None), [bad("FailedMount: what happened")]);
        assert!(warning.changes(Some(&warning)).is_empty());
    }

    #[test]
    fn what_is_normal_is_told_of_apps_alone() {
        assert!(event("Pod", "Normal", "Started").changes(None).is_empty());
        assert!(
            event("StatefulApp", "Normal", "SuccessfulCreate")
                .changes(None)
                .is_empty()
        );
        assert_eq!(
            event("StatefulApp", "Normal", "PrimaryMoved").changes(None),
            [plain("PrimaryMoved: what happened")]
        );
    }
}
