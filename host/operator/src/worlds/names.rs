//! Which objects may belong to an app, told by name, owner and labels.

use kube::api::ObjectMeta;
use serde_json::Value;
use stateward_planner::Texts;
use stateward_planner::spec::Selector;

use crate::watch::{Meta, RawPod};

/// A number as it stands at the end of a pod's name: no sign, no leading zero.
pub(crate) fn is_ordinal(text: &str) -> bool {
    let digits = !text.is_empty() && text.len() <= 10 && text.bytes().all(|b| b.is_ascii_digit());
    digits && (text == "0" || !text.starts_with('0'))
}

pub(crate) fn ends_in_ordinal(name: &str) -> bool {
    name.rsplit_once('-')
        .is_some_and(|(parent, ordinal)| !parent.is_empty() && is_ordinal(ordinal))
}

/// The ordinal in a pod's name.
pub(crate) fn ordinal_of(app: &str, pod: &str) -> Option<u32> {
    let ordinal = pod.strip_prefix(app)?.strip_prefix('-')?;
    is_ordinal(ordinal).then(|| ordinal.parse().ok()).flatten()
}

/// Whether an app of ours may own this pod, or adopt it.
pub(crate) fn may_be_a_member(pod: &RawPod) -> bool {
    ends_in_ordinal(pod.name()) && is_ours_or_nobodys(&pod.metadata)
}

/// Controlled by an app of either face, or by nobody.
pub(crate) fn is_ours_or_nobodys(metadata: &ObjectMeta) -> bool {
    let owners = metadata.owner_references.as_deref().unwrap_or_default();
    match owners.iter().find(|owner| owner.controller == Some(true)) {
        Some(owner) => {
            let kind = (owner.api_version.as_str(), owner.kind.as_str());
            kind == ("apps/v1", "StatefulSet")
                || kind.1 == "StatefulApp" && kind.0.starts_with("stateward.dev/")
        }
        None => true,
    }
}

/// Whether the selector of this spec means an object with these labels. An empty or unreadable selector means none.
pub(crate) fn selects(spec: &Value, labels: &Texts) -> bool {
    let Some(Ok(selector)) = spec
        .get("selector")
        .map(|selector| serde_json::from_value::<Selector>(selector.clone()))
    else {
        return false;
    };
    !selector.is_empty() && selector.matches(labels)
}
