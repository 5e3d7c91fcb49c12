//! Damage to the labels that carry a pod's identity, and its repair (item 41), ready or not (better than item 42). The revision label is believed (item 43).

use std::collections::BTreeMap;

use super::{POD_INDEX_LABEL, POD_NAME_LABEL};
use crate::draft::Draft;
use crate::plan::{Step, WhyPatch};
use crate::scene::Scene;
use crate::world::{Pod, PodFacts};

pub(crate) fn mend(scene: &Scene<'_>, draft: &mut Draft) {
    for member in scene.restless().filter(|member| member.is_wanted) {
        let labels = repairs(member.pod, member.ordinal);
        if !labels.is_empty() && member.is_alive() && member.is_adopted {
            draft.steps.push(Step::PatchPod {
                name: member.pod.name.clone(),
                uid: member.pod.uid.clone(),
                labels,
                annotations: BTreeMap::new(),
                why: WhyPatch::Identity,
            });
        }
    }
}

/// Whether its labels say who it is.
pub(crate) fn is_carried(pod: &PodFacts) -> bool {
    pod.labels.get(POD_NAME_LABEL) == Some(pod.name.as_str())
}

/// The labels to set on the pod, none when it carries its identity.
fn repairs(pod: &Pod, ordinal: u32) -> BTreeMap<String, Option<String>> {
    if is_carried(pod) {
        return BTreeMap::new();
    }
    BTreeMap::from([
        (POD_NAME_LABEL.to_owned(), Some(pod.name.clone())),
        (POD_INDEX_LABEL.to_owned(), Some(ordinal.to_string())),
    ])
}
