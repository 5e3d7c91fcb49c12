//! Facts of one incarnation of a pod: that it joined, and what `member-config` said. The first stands in the status, where one write tells of many; of large
//! apps, and the second always, on the pod as an annotation.

use std::collections::BTreeMap;

use crate::draft::Draft;
use crate::hooks::{MEMBER_CONFIG, POST_READY};
use crate::identity::{CONFIG_PREFIX, POST_READY_ANNOTATION};
use crate::member::JoinedAs;
use crate::plan::{Question, Step, WhyPatch};
use crate::scene::{Member, Scene};
use crate::status::MOST_JOINED;
use crate::waiting::WaitingFor;
use crate::world::{MemberConfig, Pod};

static NOTHING: BTreeMap<String, String> = BTreeMap::new();

pub(crate) fn keep(scene: &Scene<'_>, draft: &mut Draft) {
    forget_gone(scene, draft);
    let has_config = scene.hooks.may_call(MEMBER_CONFIG);
    let concerned = |member: &&Member<'_>| has_config || !member.is_at_rest;
    for member in scene.wanted().filter(concerned) {
        if !member.is_alive() || !member.is_adopted {
            continue;
        }
        keep_joined(member, draft);
        keep_gate(scene, member, draft);
        if has_config && let Ok(values) = member_config(scene, member.ordinal, draft) {
            let changes = config_changes(member.pod, values);
            if !changes.is_empty() {
                draft
                    .steps
                    .push(patch(member, changes, WhyPatch::MemberConfig));
            }
        }
    }
}

/// Pods that are gone make room for others.
fn forget_gone(scene: &Scene<'_>, draft: &mut Draft) {
    let known = (scene.members.values()).filter(|member| member.is_known_to_join);
    if known.count() < scene.world.recorded.joined.len() {
        let pods = scene.members.values().map(|member| member.pod);
        draft.status.joined.keep(pods);
    }
}

/// `post-ready` is done in memory; a restart of the host must not ask again.
fn keep_joined(member: &Member<'_>, draft: &mut Draft) {
    let pod = member.pod;
    if member.joined != JoinedAs::Unrecorded {
        return;
    }
    let joined = &mut draft.status.joined;
    if joined.len() < MOST_JOINED || member.is_known_to_join {
        joined.add(pod);
        return;
    }
    let annotation = (
        POST_READY_ANNOTATION.to_owned(),
        Some(pod.restarts.to_string()),
    );
    draft.steps.push(patch(
        member,
        BTreeMap::from([annotation]),
        WhyPatch::PostReady,
    ));
}

/// The readiness gate is open while the member has joined. After a restart of a container it is closed until the member has joined again.
fn keep_gate(scene: &Scene<'_>, member: &Member<'_>, draft: &mut Draft) {
    let Some(gate) = member.pod.gate else {
        return;
    };
    // Without the hook nobody else would open it.
    let is_open = member.joined != JoinedAs::No || !scene.hooks.has(POST_READY);
    if is_open != gate.is_open {
        draft.steps.push(Step::SetGate {
            name: member.pod.name.clone(),
            uid: member.pod.uid.clone(),
            is_open,
        });
    }
}

/// What `member-config` said for this ordinal; asks when it did not say anything yet.
pub(crate) fn member_config<'w>(
    scene: &Scene<'w>,
    ordinal: u32,
    draft: &mut Draft,
) -> Result<&'w BTreeMap<String, String>, WaitingFor> {
    if !scene.hooks.has(MEMBER_CONFIG) {
        return Ok(&NOTHING);
    }
    let question = Question::MemberConfig { ordinal };
    let problem = match scene.world.answers.member_config.get(&ordinal) {
        Some(MemberConfig::Values { values }) => return Ok(values),
        Some(MemberConfig::Failed {
            reason,
            message,
            ask_again,
        }) => {
            if *ask_again > scene.now {
                draft.wake(*ask_again);
            } else if scene.hooks.may_call(MEMBER_CONFIG) {
                draft.ask(question);
            }
            Some((reason.clone(), message.clone()))
        }
        None => {
            if !scene.hooks.may_call(MEMBER_CONFIG) {
                return Err(scene.hooks.unavailable());
            }
            draft.ask(question);
            None
        }
    };
    Err(WaitingFor::MemberConfig {
        pod: crate::identity::pod_name(&scene.world.app.name, ordinal),
        problem,
    })
}

fn config_changes(
    pod: &Pod,
    values: &BTreeMap<String, String>,
) -> BTreeMap<String, Option<String>> {
    let mut changes = BTreeMap::new();
    for (key, value) in values {
        let key = format!("{CONFIG_PREFIX}{key}");
        if pod.annotations.get(&key) != Some(value.as_str()) {
            changes.insert(key, Some(value.clone()));
        }
    }
    for key in pod.annotations.keys() {
        if let Some(name) = key.strip_prefix(CONFIG_PREFIX)
            && !values.contains_key(name)
        {
            changes.insert(key.to_owned(), None);
        }
    }
    changes
}

fn patch(
    member: &Member<'_>,
    annotations: BTreeMap<String, Option<String>>,
    why: WhyPatch,
) -> Step {
    Step::PatchPod {
        name: member.pod.name.clone(),
        uid: member.pod.uid.clone(),
        labels: BTreeMap::new(),
        annotations,
        why,
    }
}
