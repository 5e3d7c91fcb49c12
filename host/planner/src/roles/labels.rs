//! Labels for Services: `role.stateward.dev/<role>: "true"` on the pods that have a role. Of an exclusive role the host's claim counts, of any other what
//! the member itself said.
//!
//! An exclusive role leaves its former holder first: at no time do two pods carry it.

use std::collections::{BTreeMap, BTreeSet};

use crate::draft::Draft;
use crate::identity::ROLE_LABEL_PREFIX;
use crate::plan::{Step, WhyPatch};
use crate::scene::{Member, Scene};
use crate::world::ReadyPlugin;

pub(crate) fn publish(scene: &Scene<'_>, draft: &mut Draft) {
    let Some(plugin) = scene.hooks.ready() else {
        return;
    };
    for member in scene.members.values() {
        if !member.is_adopted || member.is_terminating() {
            continue;
        }
        let has = carried(member);
        let wanted = wanted(scene, plugin, member);
        let mut labels: BTreeMap<String, Option<String>> = BTreeMap::new();
        for role in has.difference(&wanted) {
            labels.insert(format!("{ROLE_LABEL_PREFIX}{role}"), None);
        }
        for role in wanted.difference(&has) {
            if is_free(scene, plugin, member, role) {
                labels.insert(
                    format!("{ROLE_LABEL_PREFIX}{role}"),
                    Some("true".to_owned()),
                );
            }
        }
        if !labels.is_empty() {
            draft.steps.push(Step::PatchPod {
                name: member.pod.name.clone(),
                uid: member.pod.uid.clone(),
                labels,
                annotations: BTreeMap::new(),
                why: WhyPatch::Roles,
            });
        }
    }
}

fn carried(member: &Member<'_>) -> BTreeSet<String> {
    (member.pod.labels.keys())
        .filter_map(|key| key.strip_prefix(ROLE_LABEL_PREFIX))
        .map(str::to_owned)
        .collect()
}

fn wanted(scene: &Scene<'_>, plugin: &ReadyPlugin, member: &Member<'_>) -> BTreeSet<String> {
    let mut wanted = BTreeSet::new();
    let said = (member.pod.seen.as_ref()).and_then(|seen| seen.role.as_deref());
    for role in &plugin.roles {
        let has_it = if role.exclusive {
            let recorded = &scene.world.recorded.roles;
            (recorded.iter().find(|known| known.name == role.name))
                .and_then(|known| known.holder.as_ref())
                .is_some_and(|holder| holder.pod == member.pod.uid)
        } else {
            said == Some(role.name.as_str())
        };
        if has_it {
            wanted.insert(role.name.clone());
        }
    }
    wanted
}

fn is_free(scene: &Scene<'_>, plugin: &ReadyPlugin, member: &Member<'_>, role: &str) -> bool {
    let is_exclusive = (plugin.roles.iter()).any(|known| known.name == role && known.exclusive);
    !is_exclusive
        || (scene.members.values())
            .filter(|other| other.ordinal != member.ordinal && !other.is_terminating())
            .all(|other| !carried(other).contains(role))
}
