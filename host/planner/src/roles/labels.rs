//! Labels for Services: `role.stateward.dev/<role>: "true"` on the pods that have a role. Of an exclusive role the host's claim counts, of any other what
//! the member itself said.
//!
//! An exclusive role leaves its former holder first: at no time do two pods carry it.

use std::collections::{BTreeMap, BTreeSet};

use crate::digest::Digest;
use crate::draft::Draft;
use crate::identity::ROLE_LABEL_PREFIX;
use crate::plan::{Step, WhyPatch};
use crate::scene::{Member, Scene};
use crate::world::{ReadyPlugin, Role};

pub(crate) fn publish(scene: &Scene<'_>, draft: &mut Draft) {
    let Some(plugin) = scene.hooks.ready() else {
        return;
    };
    let grants = grants(scene, plugin);
    for member in scene.members.values() {
        if !member.is_adopted || member.is_terminating() || is_told(member, &grants) {
            continue;
        }
        let has = carried(member);
        let wanted: BTreeSet<_> = wanted(member, &grants).collect();
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

/// To whom a role is given.
enum Grant {
    /// To the pod of this UID.
    Holder(Digest),
    Nobody,
    /// To whoever says that it has it.
    Sayer,
}

fn grants<'w>(scene: &Scene<'_>, plugin: &'w ReadyPlugin) -> Vec<(&'w str, Grant)> {
    let recorded = &scene.world.recorded.roles;
    let holder = |role: &Role| {
        let known = recorded.iter().find(|known| known.name == role.name)?;
        Some(Digest::of([known.holder.as_ref()?.pod.as_str()]))
    };
    let grant = |role: &'w Role| {
        let grant = match role.exclusive {
            true => holder(role).map_or(Grant::Nobody, Grant::Holder),
            false => Grant::Sayer,
        };
        (role.name.as_str(), grant)
    };
    plugin.roles.iter().map(grant).collect()
}

/// The roles that the member is to carry.
fn wanted<'a>(member: &Member<'_>, grants: &'a [(&str, Grant)]) -> impl Iterator<Item = &'a str> {
    let said = (member.pod.seen.as_ref()).and_then(|seen| seen.role.as_deref());
    let has_it = move |(role, grant): &&(&str, Grant)| match grant {
        Grant::Holder(uid) => *uid == member.bearings.uid,
        Grant::Nobody => false,
        Grant::Sayer => said == Some(role),
    };
    grants.iter().filter(has_it).map(|(role, _)| *role)
}

/// Whether it carries the roles that it is to carry, and no others.
fn is_told(member: &Member<'_>, grants: &[(&str, Grant)]) -> bool {
    let carried = &member.bearings.roles;
    let is_wanted = |role: &String| wanted(member, grants).any(|wanted| wanted == role);
    wanted(member, grants).all(|role| carried.iter().any(|known| known == role))
        && carried.iter().all(is_wanted)
}

fn carried<'w>(member: &Member<'w>) -> BTreeSet<&'w str> {
    member.bearings.roles.iter().map(String::as_str).collect()
}

fn is_free(scene: &Scene<'_>, plugin: &ReadyPlugin, member: &Member<'_>, role: &str) -> bool {
    let is_exclusive = (plugin.roles.iter()).any(|known| known.name == role && known.exclusive);
    !is_exclusive
        || (scene.members.values())
            .filter(|other| other.ordinal != member.ordinal && !other.is_terminating())
            .all(|other| !carried(other).contains(role))
}
