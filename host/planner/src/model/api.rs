//! Steps, done as the API server would do them.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Model;
use crate::identity::{CONFIG_PREFIX, pod_name};
use crate::journal::{Act, Invocation, InvocationId, Phase};
use crate::plan::{Question, Step};
use crate::texts::Texts;
use crate::world::{
    Budget, Budgets, Claim, Comparison, Hold, MemberConfig, OwnerReference, Pod, PodFacts,
    PodPhase, Revision, UpdateOrder,
};

/// Why the API server would not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("{name} exists already")]
    AlreadyExists { name: String },
    #[error("{name} does not exist under the UID {uid}")]
    NotThere { name: String, uid: String },
}

impl Model {
    /// Does one step.
    pub fn apply(&mut self, step: &Step) -> Result<(), Refusal> {
        match step {
            Step::CreateRevision { name, body } => self.create_revision(name, body)?,
            Step::RenumberRevision { name, uid, number } => {
                self.revision(name, uid)?.number = *number;
            }
            Step::AdoptRevision { name, uid } => {
                let owner = self.world.app.uid.clone();
                self.revision(name, uid)?.owner = Some(owner);
            }
            Step::DeleteRevision { name, uid } => {
                self.revision(name, uid)?;
                self.world.revisions.retain(|revision| revision.uid != *uid);
            }
            // Here nobody completes templates.
            Step::CompareTemplates { uid, digest, .. } => {
                self.world.answers.comparison = Some(Comparison {
                    revision: uid.clone(),
                    digest: digest.clone(),
                    is_same: false,
                });
            }
            Step::AdoptPod { name, uid } => {
                let body = crate::identity::owner_reference(&self.world.app);
                let owners: Vec<OwnerReference> = read(Some(&body)).into_iter().collect();
                self.pod(name, uid)?.owners.extend(owners);
            }
            Step::ReleasePod { name, uid } => {
                let owner = self.world.app.uid.clone();
                self.pod(name, uid)?
                    .owners
                    .retain(|known| known.uid != owner);
            }
            Step::CreatePod { claims, pod, .. } => {
                self.create_claims(claims)?;
                self.create_pod(pod)?;
            }
            Step::CreateClaims { claims, .. } => self.create_claims(claims)?,
            Step::OwnClaim {
                name,
                uid,
                owner,
                disowned,
            } => {
                let claim = self.claim(name, uid)?;
                claim.owners.retain(|known| !disowned.contains(&known.uid));
                claim.owners.extend(read::<OwnerReference>(owner.as_ref()));
            }
            Step::GrowClaim { name, uid, storage } => {
                let claim = self.claim(name, uid)?;
                claim.requested = Some(storage.clone());
                claim.capacity = Some(storage.clone());
            }
            Step::DeletePod { name, uid, .. } => {
                let now = self.now;
                self.pod(name, uid)?.deletion.get_or_insert(now);
            }
            Step::PatchPod {
                name,
                uid,
                labels,
                annotations,
                ..
            } => {
                let pod = self.pod(name, uid)?;
                for (key, value) in labels {
                    match value {
                        Some(value) => pod.labels.insert(key, value),
                        None => pod.labels.remove(key),
                    };
                }
                for (key, value) in annotations {
                    match value {
                        Some(value) => pod.annotations.insert(key, value),
                        None => pod.annotations.remove(key),
                    };
                }
            }
            Step::SetGate { name, uid, is_open } => {
                if let Some(gate) = &mut self.pod(name, uid)?.gate {
                    gate.is_open = *is_open;
                }
            }
            Step::DeleteClaim { name, uid } => {
                let claims = &mut self.world.claims;
                claims.retain(|claim| claim.name != *name || claim.uid != *uid);
            }
            Step::CreateBudget { name, body } => self.create_budget(name, body)?,
            Step::DeleteBudget { name, uid } => {
                if let Budgets::Seen { budgets } = &mut self.world.budgets {
                    budgets.retain(|budget| budget.name != *name || budget.uid != *uid);
                }
            }
            Step::HoldApp => self.world.app.hold = Hold::Held,
            Step::ReleaseApp { .. } => self.world.app.hold = Hold::None,
            Step::Interrupt { id } => {
                self.world.journal.remove(id);
            }
            Step::Decide { question } => self.decide(question),
            Step::Call {
                id,
                act,
                cancelling,
            } => self.call(id, act, *cancelling),
        }
        Ok(())
    }

    fn revision(&mut self, name: &str, uid: &str) -> Result<&mut Revision, Refusal> {
        self.world
            .revisions
            .iter_mut()
            .find(|revision| revision.name == name && revision.uid == uid)
            .ok_or_else(|| not_there(name, uid))
    }

    fn pod(&mut self, name: &str, uid: &str) -> Result<&mut Pod, Refusal> {
        self.world
            .pods
            .iter_mut()
            .find(|pod| pod.name == name && pod.uid == uid)
            .ok_or_else(|| not_there(name, uid))
    }

    fn claim(&mut self, name: &str, uid: &str) -> Result<&mut Claim, Refusal> {
        self.world
            .claims
            .iter_mut()
            .find(|claim| claim.name == name && claim.uid == uid)
            .map(|claim| &mut **claim)
            .ok_or_else(|| not_there(name, uid))
    }

    fn create_revision(&mut self, name: &str, body: &Value) -> Result<(), Refusal> {
        if self.world.revisions.iter().any(|known| known.name == name) {
            return Err(exists(name));
        }
        let uid = self.next_uid();
        self.world.revisions.push(Revision {
            name: name.to_owned(),
            uid,
            number: body
                .get("revision")
                .and_then(Value::as_i64)
                .unwrap_or_default(),
            created: self.now,
            owner: read(body.pointer("/metadata/ownerReferences/0/uid")),
            labels: read(body.pointer("/metadata/labels")).unwrap_or_default(),
            data: body.get("data").cloned().unwrap_or_default().into(),
        });
        Ok(())
    }

    fn create_budget(&mut self, name: &str, body: &Value) -> Result<(), Refusal> {
        let uid = self.next_uid();
        if let Budgets::Seen { budgets } = &mut self.world.budgets {
            if budgets.iter().any(|known| known.name == name) {
                return Err(exists(name));
            }
            budgets.push(Budget {
                name: name.to_owned(),
                uid,
                owner: read(body.pointer("/metadata/ownerReferences/0/uid")),
                selector: read(body.pointer("/spec/selector")),
                is_terminating: false,
            });
        }
        Ok(())
    }

    fn create_claims(&mut self, claims: &[Value]) -> Result<(), Refusal> {
        for body in claims {
            let name = name_of(body);
            if self.world.claims.iter().any(|claim| claim.name == name) {
                return Err(exists(&name));
            }
            let uid = self.next_uid();
            let claim = Claim {
                name,
                uid,
                owners: read(body.pointer("/metadata/ownerReferences")).unwrap_or_default(),
                deletion: None,
                is_bound: true,
                requested: read(body.pointer("/spec/resources/requests/storage")),
                capacity: read(body.pointer("/spec/resources/requests/storage")),
                growth: None,
            };
            self.world.claims.push(claim.into());
        }
        Ok(())
    }

    fn create_pod(&mut self, body: &Value) -> Result<(), Refusal> {
        let name = name_of(body);
        if self.world.pods.iter().any(|pod| pod.name == name) {
            return Err(exists(&name));
        }
        let uid = self.next_uid();
        self.world.pods.push(Pod {
            facts: PodFacts {
                name,
                uid,
                labels: read(body.pointer("/metadata/labels")).unwrap_or_default(),
                annotations: read(body.pointer("/metadata/annotations")).unwrap_or_default(),
                owners: read(body.pointer("/metadata/ownerReferences")).unwrap_or_default(),
                created: self.now,
                deletion: None,
                phase: PodPhase::Pending,
                ready_since: None,
                restarts: 0,
                was_ready: false,
                node: None,
                address: None,
                claims: claims_of(body),
                hindrance: None,
                gate: None,
            }
            .into(),
            seen: None,
            is_evicted: false,
        });
        Ok(())
    }

    fn decide(&mut self, question: &Question) {
        match question {
            // The usual order, as a plugin without an opinion gives it.
            Question::UpdateOrder => {
                self.world.answers.update_order = Some(UpdateOrder::Unusable);
            }
            Question::Validate => self.world.answers.validate = Some(self.verdict.clone()),
            Question::MemberConfig { ordinal } => {
                // Unless a test says otherwise, the plugin answers what it answered before.
                let values = match self.config.is_empty() {
                    true => self.config_of(*ordinal),
                    false => self.config.clone(),
                };
                self.world
                    .answers
                    .member_config
                    .insert(*ordinal, MemberConfig::Values { values });
            }
        }
    }

    /// What the pod of this ordinal was given.
    fn config_of(&self, ordinal: u32) -> BTreeMap<String, String> {
        let name = pod_name(&self.world.app.name, ordinal);
        let pod = self.world.pods.iter().find(|pod| pod.name == name);
        let annotations = pod.into_iter().flat_map(|pod| pod.annotations.iter());
        annotations
            .filter_map(|(key, value)| {
                let key = key.strip_prefix(CONFIG_PREFIX)?;
                Some((key.to_owned(), value.to_owned()))
            })
            .collect()
    }

    fn call(&mut self, id: &InvocationId, act: &Act, cancelling: bool) {
        let known = self.world.journal.entry(id.clone()).or_insert(Invocation {
            id: id.clone(),
            act: act.clone(),
            started: self.now,
            attempts: 0,
            checkpoint: None,
            phase: Phase::Calling,
            cancelling,
            digest: None,
            is_recorded: false,
        });
        known.phase = Phase::Calling;
        known.cancelling = cancelling;
        known.attempts = known.attempts.saturating_add(1);
    }
}

fn read<T: DeserializeOwned>(value: Option<&Value>) -> Option<T> {
    T::deserialize(value?).ok()
}

fn name_of(body: &Value) -> String {
    read(body.pointer("/metadata/name")).unwrap_or_default()
}

fn claims_of(body: &Value) -> Texts {
    let volumes = body
        .pointer("/spec/volumes")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    volumes
        .iter()
        .filter_map(|volume| {
            let claim = volume.pointer("/persistentVolumeClaim/claimName")?;
            Some((volume.get("name")?.as_str()?, claim.as_str()?))
        })
        .collect()
}

fn exists(name: &str) -> Refusal {
    Refusal::AlreadyExists {
        name: name.to_owned(),
    }
}

fn not_there(name: &str, uid: &str) -> Refusal {
    Refusal::NotThere {
        name: name.to_owned(),
        uid: uid.to_owned(),
    }
}
