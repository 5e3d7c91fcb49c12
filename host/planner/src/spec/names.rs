//! Whether what is named after the app fits Kubernetes' limits. Upstream accepts names whose pods the API then rejects (its issue 64023); here it
//! is said at once, and a StatefulApp may have such a name: the names of its revisions are cut.

use super::{Spec, SpecError};
use crate::world::Face;

/// Length of a label value, of a host name, and so of a pod's name.
const LABEL: usize = 63;
/// Length of an object's name.
const NAME: usize = 253;
/// `-` and the hash of a revision.
const REVISION_SUFFIX: usize = 1 + crate::revisions::HASH_LENGTH;

pub(crate) fn is_dns_label(name: &str) -> bool {
    name.len() <= LABEL
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.is_empty()
}

pub(super) fn is_dns_subdomain(name: &str) -> bool {
    name.len() <= NAME && name.split('.').all(is_dns_label)
}

impl Spec {
    /// Whether pods, labels and claims made from this name fit Kubernetes' limits.
    pub fn check_name(&self, face: Face, name: &str) -> Result<(), SpecError> {
        let wrong = |problem: String, help: &str| {
            Err(SpecError::Name {
                name: name.to_owned(),
                problem,
                help: help.to_owned(),
            })
        };
        if !is_dns_label(name) {
            return wrong(
                "is no DNS label".to_owned(),
                "use at most 63 lower-case letters, digits and dashes, with a letter or digit at both ends",
            );
        }
        if face == Face::StatefulSet && name.len() + REVISION_SUFFIX > LABEL {
            let most = LABEL - REVISION_SUFFIX;
            return wrong(
                format!(
                    "is {} characters long, and the revision in the labels of its pods would not fit",
                    name.len()
                ),
                &format!("use at most {most} characters"),
            );
        }
        let last = self.ordinals().end().saturating_sub(1).max(self.start);
        let pod = format!("{name}-{last}");
        if pod.len() > LABEL {
            return wrong(
                format!(
                    "makes {pod} the name of a pod, longer than the {LABEL} characters of a host name"
                ),
                "use a shorter name",
            );
        }
        for claim in self.claim_names() {
            let claim = format!("{claim}-{pod}");
            if claim.len() > NAME {
                return wrong(
                    format!("makes {claim} the name of a claim, longer than {NAME} characters"),
                    "use a shorter name, here or for the claim template",
                );
            }
        }
        Ok(())
    }

    /// Names of the claim templates.
    pub fn claim_names(&self) -> impl Iterator<Item = &str> {
        self.claim_templates
            .iter()
            .filter_map(|template| template.pointer("/metadata/name")?.as_str())
    }
}
