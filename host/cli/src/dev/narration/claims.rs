//! Claims for storage.

use k8s_openapi::api::core::v1::PersistentVolumeClaim;

use super::{Facts, Said, Subject, bad, plain};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Claims {
    phase: String,
    volume: Option<String>,
    is_terminating: bool,
}

impl Facts for Claims {
    type Object = PersistentVolumeClaim;

    fn subject(claim: &PersistentVolumeClaim) -> Subject {
        Subject::of("claim", claim)
    }

    fn of(claim: &PersistentVolumeClaim) -> Claims {
        let status = claim.status.as_ref();
        Claims {
            phase: status
                .and_then(|status| status.phase.clone())
                .unwrap_or_default(),
            volume: claim
                .spec
                .as_ref()
                .and_then(|spec| spec.volume_name.clone()),
            is_terminating: claim.metadata.deletion_timestamp.is_some(),
        }
    }

    fn changes(&self, before: Option<&Claims>) -> Vec<Said> {
        let mut said = Vec::new();
        if before.is_none() {
            said.push(plain("is created"));
        }
        let nothing = Claims::default();
        let before = before.unwrap_or(&nothing);
        if self.phase != before.phase {
            match (self.phase.as_str(), &self.volume) {
                ("Bound", Some(volume)) => said.push(plain(format!("is bound to {volume}"))),
                ("Lost", _) => said.push(bad("has lost its volume")),
                _ => {}
            }
        }
        if self.is_terminating && !before.is_terminating {
            said.push(plain("is terminating"));
        }
        said
    }
}
