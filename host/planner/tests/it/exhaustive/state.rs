//! A state, and what tells states apart.
//!
//! UIDs are replaced by the name of the pod that has one, the numbers of scales, epochs and moves by how far they are from the present one. The order of the
//! journal stays: who stands first in it goes first.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use stateward_planner::journal::{Act, Invocation};
use stateward_planner::spec::PodManagement;
use stateward_planner::status::{Holder, RoleStatus};
use stateward_planner::world::{Plugin, Pod};
use stateward_planner::{InvocationId, Model, Phase, Step};

use super::Case;
use crate::bed::{model, settle, spec, with_claims};

#[derive(Clone)]
pub(super) struct State {
    pub(super) model: Model,
    /// Planned earlier, and not done yet: requests to the API, each independent of the others.
    pub(super) late: Vec<Step>,
    pub(super) ordinals: u32,
    /// What users, nodes and the plugin may still do to it.
    pub(super) edits: u32,
    pub(super) failures: u32,
    pub(super) losses: u32,
    /// Answers that are not `done`.
    pub(super) troubles: u32,
    /// Pods whose deletion the plugin has allowed.
    pub(super) allowed: BTreeSet<String>,
    /// Whether the app may still be deleted.
    pub(super) ends: bool,
    /// Pods that served when the rollout in hand was planned, which takes them.
    pub(super) aimed: BTreeSet<String>,
    /// Ordinals that served until a rollout took them, and do not serve again.
    pub(super) taken: BTreeSet<u32>,
    /// Under which id the plugin was asked about an ordinal since the last edit.
    pub(super) scaled: BTreeMap<u32, InvocationId>,
}

impl State {
    pub(super) fn first(case: &Case) -> State {
        let mut spec = spec(case.ordinals);
        if case.losses > 0 {
            spec = with_claims(spec);
        }
        spec.pod_management = case.policy;
        spec.update = case.update.clone();
        let mut model = model(spec, case.plugin());
        if case.stands {
            settle(&mut model);
        }
        State {
            model,
            late: Vec::new(),
            ordinals: case.ordinals,
            edits: case.edits,
            failures: case.failures,
            losses: case.losses,
            troubles: case.troubles,
            allowed: BTreeSet::new(),
            ends: case.ends,
            aimed: BTreeSet::new(),
            taken: BTreeSet::new(),
            scaled: BTreeMap::new(),
        }
    }

    pub(super) fn has_plugin(&self) -> bool {
        self.model.world.plugin != Plugin::None
    }

    /// What tells states apart.
    pub(super) fn key(&self) -> String {
        let world = &self.model.world;
        let mut members: Vec<_> = (0..self.ordinals).map(|n| self.member(n)).collect();
        let is_symmetric = self.is_symmetric();
        if is_symmetric {
            members.sort();
        }
        let mut others: Vec<_> = (self.late.iter())
            .filter(|step| step_ordinal(step).is_none())
            .map(aim)
            .collect();
        others.sort();
        let revisions: Vec<_> = world
            .revisions
            .iter()
            .map(|revision| (&revision.name, revision.number))
            .collect();
        let mut key = format!(
            "{is_symmetric} {members:?} {others:?} {revisions:?} {} {} {} {} {} {} {} {}",
            world.app.spec.replicas,
            self.image(),
            world.recorded.current_revision,
            world.answers.comparison.is_some(),
            self.edits,
            self.failures,
            self.losses,
            self.troubles,
        );
        key.push_str(&format!(
            " {} {:?} {} {} {}",
            world.app.spec.update.partition(),
            world.app.hold,
            world.app.deletion.is_some(),
            self.ends,
            self.is_recreating(),
        ));
        if self.has_plugin() {
            key.push_str(&self.told());
            key = self.without_uids(&key);
        }
        key
    }

    /// All that there is of one ordinal, without its number.
    fn member(&self, ordinal: u32) -> String {
        let world = &self.model.world;
        let name = format!("web-{ordinal}");
        let pod = (world.pods.iter()).find(|pod| pod.name == name).map(|pod| {
            (
                pod.phase,
                pod.ready_since.is_some(),
                pod.was_ready,
                pod.deletion.is_some(),
                pod.labels.get("controller-revision-hash"),
                self.has_plugin()
                    .then(|| (pod.restarts, marks(pod), world.recorded.joined.has(pod))),
                self.allowed.contains(&pod.uid),
            )
        });
        let late: Vec<_> = (self.late.iter())
            .filter(|step| step_ordinal(step) == Some(ordinal))
            .map(|step| match step {
                Step::CreatePod { revision, .. } => format!("create {revision}"),
                Step::DeletePod { uid, .. } => {
                    let is_there = world.pods.iter().any(|pod| pod.uid == *uid);
                    let is_aimed = self.aimed.contains(uid);
                    format!("delete {is_there} {is_aimed}")
                }
                other => format!("{:?}", std::mem::discriminant(other)),
            })
            .collect();
        let claim = (world.claims.iter())
            .find(|claim| claim.name == format!("data-{name}"))
            .map(|claim| claim.deletion.is_some());
        let failed = (world.recorded.failures.iter())
            .find(|known| known.ordinal == ordinal)
            .map(|known| {
                (
                    known.count,
                    world.pods.iter().any(|pod| pod.uid == known.pod),
                )
            });
        let is_wanted = world.app.spec.contains(ordinal);
        let is_taken = self.taken.contains(&ordinal);
        format!("{is_wanted} {pod:?} {late:?} {claim:?} {failed:?} {is_taken}")
    }

    /// An update by Recreate is told to be under way.
    fn is_recreating(&self) -> bool {
        let conditions = &self.model.world.recorded.conditions;
        (conditions.iter()).any(|known| known.reason == "RecreateInProgress")
    }

    /// Whether members differ in nothing but their number. With Parallel all that a scale asks for is done at once, so number and order count for nothing
    /// but in a rollout, which goes from the highest to the lowest; there is none any more when no edit is left, and all that exists and all that is in hand
    /// is of the revision of the template. A plugin tells ordinals apart, and OrderedReady is an order.
    fn is_symmetric(&self) -> bool {
        let world = &self.model.world;
        if self.edits > 0
            || self.has_plugin()
            || world.app.spec.pod_management != PodManagement::Parallel
        {
            return false;
        }
        let own = "/spec/template/spec/containers/0/image";
        let Some(last) = (world.revisions.iter())
            .find(|revision| {
                revision.data.pointer(own).and_then(Value::as_str) == Some(self.image())
            })
            .map(|revision| &revision.name)
        else {
            return false;
        };
        let current = &world.recorded.current_revision;
        (current.is_empty() || current == last)
            && (world.pods.iter())
                .all(|pod| pod.labels.get("controller-revision-hash") == Some(last))
            && self.late.iter().all(|step| match step {
                Step::CreatePod { revision, .. } => revision == last,
                _ => true,
            })
    }

    /// What edits change in the template.
    pub(super) fn image(&self) -> &str {
        let template = &self.model.world.app.spec.template;
        let image = template.pointer("/spec/containers/0/image");
        image.and_then(Value::as_str).unwrap_or_default()
    }

    /// What was asked of the plugin, and what stands in the status of it.
    fn told(&self) -> String {
        let world = &self.model.world;
        let recorded = &world.recorded;
        let journal: Vec<_> = (world.journal.values())
            .map(|known| (self.invocation(known), known.is_recorded))
            .collect();
        let invocations: Vec<_> = (recorded.invocations.iter())
            .map(|known| self.invocation(known))
            .collect();
        let scale = recorded.scale.clone().map(|mut scale| {
            scale.number = 0;
            scale
        });
        let roles: Vec<_> = recorded.roles.iter().map(role).collect();
        let scaled: Vec<_> = (self.scaled.iter())
            .map(|(ordinal, id)| (ordinal, self.is_of_this_scale(id)))
            .collect();
        format!("{journal:?} {invocations:?} {scale:?} {roles:?} {scaled:?}")
    }

    fn scale_number(&self) -> u64 {
        let scale = self.model.world.recorded.scale.as_ref();
        scale.map_or(0, |scale| scale.number)
    }

    fn is_of_this_scale(&self, id: &InvocationId) -> bool {
        let prefix = format!("pre-scale/{}/", self.scale_number());
        id.0.starts_with(&prefix)
    }

    fn invocation(&self, known: &Invocation) -> String {
        let mut act = known.act.clone();
        match &mut act {
            Act::PreScale { scale, .. } => *scale = self.scale_number().wrapping_sub(*scale),
            Act::MoveRole {
                role,
                epoch,
                number,
                ..
            } => {
                let recorded = &self.model.world.recorded.roles;
                if let Some(record) = recorded.iter().find(|known| known.name == *role) {
                    *epoch = record.epoch.wrapping_sub(*epoch);
                    *number = record.moves.wrapping_sub(*number);
                }
            }
            _ => {}
        }
        let phase = match known.phase {
            Phase::Calling => "calling",
            Phase::InProgress { .. } => "in progress",
            Phase::Done => "done",
            Phase::Refused { .. } => "refused",
            Phase::Failing { .. } => "failing",
            Phase::Fatal { .. } => "fatal",
        };
        let has_checkpoint = known.checkpoint.is_some();
        format!("{act:?} {phase} {has_checkpoint} {}", known.cancelling)
    }

    /// The UID of a living pod becomes its name, that of another how many others were named before it.
    fn without_uids(&self, text: &str) -> String {
        let mut gone: Vec<&str> = Vec::new();
        let mut parts = text.split("model-");
        let mut result = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(part.len());
            let (number, rest) = part.split_at(end);
            let is_it = |pod: &&Pod| pod.uid.strip_prefix("model-") == Some(number);
            match self.model.world.pods.iter().find(is_it) {
                Some(pod) => result.push_str(&pod.name),
                None => {
                    let place = gone.iter().position(|known| *known == number);
                    let place = place.unwrap_or_else(|| {
                        gone.push(number);
                        gone.len() - 1
                    });
                    result.push_str(&format!("gone {place}"));
                }
            }
            result.push_str(rest);
        }
        result
    }
}

/// What the host wrote on it on behalf of the plugin.
fn marks(pod: &Pod) -> String {
    let ours = |(key, _): &(&str, &str)| key.contains("stateward.dev");
    let marks: Vec<_> = (pod.annotations.iter().chain(pod.labels.iter()))
        .filter(ours)
        .collect();
    format!("{marks:?}")
}

fn role(record: &RoleStatus) -> (bool, Option<&Holder>, String) {
    let moving = record.moving.as_ref().map(|moving| {
        (
            record.epoch - moving.epoch,
            record.moves - moving.number,
            moving.cause,
            moving.target,
        )
    });
    (
        record.epoch > 0,
        record.holder.as_ref(),
        format!("{moving:?}"),
    )
}

/// What a step is about that concerns no single ordinal, or patches what is there.
fn aim(step: &Step) -> String {
    let kind = std::mem::discriminant(step);
    match step {
        Step::CreateRevision { name, .. }
        | Step::RenumberRevision { name, .. }
        | Step::DeleteRevision { name, .. }
        | Step::OwnClaim { name, .. } => format!("{kind:?} {name}"),
        Step::PatchPod {
            name,
            uid,
            labels,
            annotations,
            ..
        } => format!("patch {name} {uid} {labels:?} {annotations:?}"),
        _ => format!("{kind:?}"),
    }
}

fn step_ordinal(step: &Step) -> Option<u32> {
    match step {
        Step::CreatePod { ordinal, .. }
        | Step::CreateClaims { ordinal, .. }
        | Step::DeletePod { ordinal, .. } => Some(*ordinal),
        _ => None,
    }
}
