//! Carrying out one step at the API. A step never decides anything: it does what the plan says, or tells why it could not.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use stateward_planner::Step;
use stateward_planner::plan::WhyPatch;
use stateward_planner::world::Comparison;

use super::guard::{Wrote, version};
use crate::api::{Api, ApiError, Collection};
use crate::events::{Note, claim_note, pod_note};
use crate::watch::{AppKey, Kind};

/// What one step did.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// What the cache has to catch up with.
    pub wrote: Vec<(Kind, String, Wrote)>,
    pub notes: Vec<Note>,
    /// What the API server made of two templates.
    pub comparison: Option<Comparison>,
    pub error: Option<ApiError>,
}

/// Where steps are carried out.
#[derive(Clone)]
pub(super) struct Place {
    pub api: Api,
    pub app: AppKey,
    pub uid: String,
}

/// What a step does to which object; under this name its failures are counted and told.
pub(super) fn title(step: &Step) -> String {
    match step {
        Step::CreateRevision { name, .. } => format!("create revision {name}"),
        Step::RenumberRevision { name, .. } => format!("renumber revision {name}"),
        Step::DeleteRevision { name, .. } => format!("delete revision {name}"),
        Step::AdoptRevision { name, .. } => format!("adopt revision {name}"),
        Step::CompareTemplates { revision, .. } => {
            format!("compare the template with revision {revision}")
        }
        Step::AdoptPod { name, .. } => format!("adopt pod {name}"),
        Step::ReleasePod { name, .. } => format!("release pod {name}"),
        Step::CreatePod { name, .. } => format!("create pod {name}"),
        Step::CreateClaims { ordinal, .. } => format!("create claims of member {ordinal}"),
        Step::OwnClaim { name, .. } => format!("change the owners of claim {name}"),
        Step::GrowClaim { name, storage, .. } => format!("let claim {name} grow to {storage}"),
        Step::DeletePod { name, .. } => format!("delete pod {name}"),
        Step::PatchPod { name, why, .. } => match why {
            WhyPatch::Identity => format!("restore the labels of pod {name}"),
            WhyPatch::MemberConfig => format!("write the configuration of pod {name}"),
            WhyPatch::PostReady => format!("mark pod {name} as joined"),
            WhyPatch::Roles => format!("publish the roles of pod {name}"),
            WhyPatch::Eviction => format!("say whether pod {name} may be evicted"),
        },
        Step::SetGate { name, is_open, .. } => match is_open {
            true => format!("open the gate of pod {name}"),
            false => format!("close the gate of pod {name}"),
        },
        Step::DeleteClaim { name, .. } => format!("delete claim {name}"),
        Step::CreateBudget { name, .. } => format!("create disruption budget {name}"),
        Step::DeleteBudget { name, .. } => format!("delete disruption budget {name}"),
        Step::HoldApp => "hold the app for its teardown".to_owned(),
        Step::ReleaseApp { .. } => "release the app".to_owned(),
        Step::Interrupt { id } => format!("interrupt {id}"),
        Step::Decide { question } => format!("ask {question:?}"),
        Step::Call { id, .. } => format!("call {id}"),
    }
}

/// The kind of a step, for metrics.
pub(super) fn kind(step: &Step) -> &'static str {
    match step {
        Step::CreateRevision { .. } => "create-revision",
        Step::RenumberRevision { .. } => "renumber-revision",
        Step::DeleteRevision { .. } => "delete-revision",
        Step::AdoptRevision { .. } => "adopt-revision",
        Step::CompareTemplates { .. } => "compare-templates",
        Step::AdoptPod { .. } => "adopt-pod",
        Step::ReleasePod { .. } => "release-pod",
        Step::CreatePod { .. } => "create-pod",
        Step::CreateClaims { .. } => "create-claims",
        Step::OwnClaim { .. } => "own-claim",
        Step::GrowClaim { .. } => "grow-claim",
        Step::DeletePod { .. } => "delete-pod",
        Step::PatchPod { .. } => "patch-pod",
        Step::SetGate { .. } => "set-gate",
        Step::DeleteClaim { .. } => "delete-claim",
        Step::CreateBudget { .. } => "create-budget",
        Step::DeleteBudget { .. } => "delete-budget",
        Step::HoldApp => "hold-app",
        Step::ReleaseApp { .. } => "release-app",
        Step::Interrupt { .. } => "interrupt",
        Step::Decide { .. } => "decide",
        Step::Call { .. } => "call",
    }
}

impl Place {
    pub(super) async fn carry_out(&self, step: Step) -> Outcome {
        let mut outcome = Outcome::default();
        let result = self.attempt(step, &mut outcome).await;
        outcome.error = result.err();
        outcome
    }

    async fn attempt(&self, step: Step, outcome: &mut Outcome) -> Result<(), ApiError> {
        match step {
            Step::CreateRevision { name, body } => {
                self.create_revision(&name, &body, outcome).await
            }
            Step::RenumberRevision { name, uid, number } => {
                let patch = json!({ "metadata": { "uid": uid }, "revision": number });
                self.merge(Kind::Revision, &name, &patch, outcome).await
            }
            Step::DeleteRevision { name, uid } => {
                self.delete(Kind::Revision, &name, &uid, outcome).await
            }
            Step::AdoptRevision { name, uid } => {
                self.adopt(Kind::Revision, &name, &uid, outcome).await
            }
            Step::CompareTemplates {
                uid,
                stored,
                present,
                digest,
                ..
            } => {
                let is_same = self.are_completed_alike(&stored, &present).await?;
                outcome.comparison = Some(Comparison {
                    revision: uid,
                    digest,
                    is_same,
                });
                Ok(())
            }
            Step::AdoptPod { name, uid } => self.adopt(Kind::Pod, &name, &uid, outcome).await,
            Step::ReleasePod { name, uid } => self.release(&name, &uid, outcome).await,
            Step::CreatePod {
                name, claims, pod, ..
            } => {
                if let Err((claim, error)) = self.create_claims(&claims, &name, outcome).await {
                    let why = format!("failed to create PVC {claim}: {error}");
                    let note = pod_note(&self.app, "create", &name, Err(&why));
                    outcome.notes.push(note);
                    return Err(error);
                }
                self.create_pod(&name, &pod, outcome).await
            }
            Step::CreateClaims { ordinal, claims } => {
                let pod = format!("{}-{ordinal}", self.app.name);
                let created = self.create_claims(&claims, &pod, outcome).await;
                created.map_err(|(_claim, error)| error)
            }
            Step::OwnClaim {
                name,
                uid,
                owner,
                disowned,
            } => self.own_claim(&name, &uid, owner, &disowned, outcome).await,
            Step::GrowClaim { name, uid, storage } => {
                let patch = json!({
                    "metadata": { "uid": uid },
                    "spec": { "resources": { "requests": { "storage": storage } } },
                });
                self.merge(Kind::Claim, &name, &patch, outcome).await
            }
            Step::DeletePod { name, uid, .. } => {
                let result = self.delete(Kind::Pod, &name, &uid, outcome).await;
                let note = pod_note(&self.app, "delete", &name, result.as_ref().map(drop));
                outcome.notes.push(note);
                result
            }
            Step::PatchPod {
                name,
                uid,
                labels,
                annotations,
                why,
            } => {
                if why == WhyPatch::Roles && !self.still_holds(&uid, &labels).await? {
                    return Ok(());
                }
                let patch = json!({ "metadata": {
                    "uid": uid, "labels": labels, "annotations": annotations,
                }});
                let result = self.merge(Kind::Pod, &name, &patch, outcome).await;
                if why == WhyPatch::Identity || result.is_err() {
                    let note = pod_note(&self.app, "update", &name, result.as_ref().map(drop));
                    outcome.notes.push(note);
                }
                match result {
                    // Gone, or another pod under its name: the watch tells.
                    Err(ApiError::NotFound { .. }) => Ok(()),
                    other => other,
                }
            }
            Step::SetGate { name, uid, is_open } => {
                self.set_gate(&name, &uid, is_open, outcome).await
            }
            Step::DeleteClaim { name, uid } => {
                let result = self.delete(Kind::Claim, &name, &uid, outcome).await;
                let pod = name.clone();
                let note = claim_note(&self.app, "delete", &name, &pod, result.as_ref().map(drop));
                outcome.notes.push(note);
                result
            }
            Step::CreateBudget { name, body } => {
                self.create(Kind::Budget, &name, &body, outcome).await
            }
            Step::DeleteBudget { name, uid } => {
                self.delete(Kind::Budget, &name, &uid, outcome).await
            }
            Step::HoldApp => self.hold(outcome).await,
            Step::ReleaseApp { why } => self.let_go(&why, outcome).await,
            // Not steps at the API: the app starts and ends them as tasks.
            Step::Decide { .. } | Step::Call { .. } | Step::Interrupt { .. } => Ok(()),
        }
    }

    async fn create_pod(
        &self,
        name: &str,
        pod: &Value,
        outcome: &mut Outcome,
    ) -> Result<(), ApiError> {
        let result = self.create(Kind::Pod, name, pod, outcome).await;
        match &result {
            // The name is the lock: it exists from an attempt whose answer was lost, or somebody else has it.
            Err(ApiError::AlreadyExists { .. }) => {
                let found = self.get(Kind::Pod, name).await?;
                let owner = controller(&found);
                if owner == Some(self.uid.as_str()) {
                    outcome.wrote.push((
                        Kind::Pod,
                        name.to_owned(),
                        Wrote::Version(version(&found)),
                    ));
                    return Ok(());
                }
                let error = ApiError::AlreadyExists {
                    message: match owner {
                        Some(_) => format!(
                            "pod {name} exists and belongs to another controller; delete it or rename the app"
                        ),
                        None => format!(
                            "pod {name} exists and belongs to nobody; it is adopted when its labels match the selector, else delete it"
                        ),
                    },
                };
                outcome
                    .notes
                    .push(pod_note(&self.app, "create", name, Err(&error)));
                Err(error)
            }
            _ => {
                let note = pod_note(&self.app, "create", name, result.as_ref().map(drop));
                outcome.notes.push(note);
                result
            }
        }
    }

    /// The first that fails, and why.
    async fn create_claims(
        &self,
        claims: &[Value],
        pod: &str,
        outcome: &mut Outcome,
    ) -> Result<(), (String, ApiError)> {
        let mut first = Ok(());
        for claim in claims {
            let name = name_of(claim);
            let result = self.create(Kind::Claim, &name, claim, outcome).await;
            if matches!(result, Err(ApiError::AlreadyExists { .. })) {
                continue;
            }
            let note = claim_note(&self.app, "create", &name, pod, result.as_ref().map(drop));
            outcome.notes.push(note);
            if first.is_ok() {
                first = result.map_err(|error| (name, error));
            }
        }
        first
    }

    async fn create_revision(
        &self,
        name: &str,
        body: &Value,
        outcome: &mut Outcome,
    ) -> Result<(), ApiError> {
        let result = self.create(Kind::Revision, name, body, outcome).await;
        if !matches!(result, Err(ApiError::AlreadyExists { .. })) {
            return result;
        }
        let found = self.get(Kind::Revision, name).await?;
        if controller(&found) == Some(self.uid.as_str()) {
            let seen = Wrote::Version(version(&found));
            outcome.wrote.push((Kind::Revision, name.to_owned(), seen));
            return Ok(());
        }
        Err(ApiError::AlreadyExists {
            message: format!("the revision {name} exists and belongs to another app"),
        })
    }

    /// Makes the app the controller of an object that has none, after a live look at the app (upstream items 23 and 24).
    async fn adopt(
        &self,
        kind: Kind,
        name: &str,
        uid: &str,
        outcome: &mut Outcome,
    ) -> Result<(), ApiError> {
        let app = (self.api)
            .get(self.app.collection(), &self.app.namespace, &self.app.name)
            .await?;
        let is_same = app.pointer("/metadata/uid").and_then(Value::as_str) == Some(&self.uid);
        if !is_same || app.pointer("/metadata/deletionTimestamp").is_some() {
            return Err(ApiError::Conflict {
                message: format!("{} is gone or being deleted: nothing is adopted", self.app),
            });
        }
        let object = self.get(kind, name).await?;
        let mut owners = owners(&object);
        if owners.iter().any(is_controller) {
            return Err(ApiError::Conflict {
                message: format!("{name} got a controller meanwhile"),
            });
        }
        owners.push(json!({
            "apiVersion": self.app.face.api_version(),
            "kind": self.app.kind(),
            "name": self.app.name,
            "uid": self.uid,
            "controller": true,
            "blockOwnerDeletion": true,
        }));
        self.set_owners(kind, name, uid, &object, owners, outcome)
            .await
    }

    /// Leaves a pod whose labels no longer match.
    async fn release(&self, name: &str, uid: &str, outcome: &mut Outcome) -> Result<(), ApiError> {
        let object = match self.get(Kind::Pod, name).await {
            Err(ApiError::NotFound { .. }) => return Ok(()),
            other => other?,
        };
        let mut owners = owners(&object);
        owners.retain(|owner| owner.get("uid").and_then(Value::as_str) != Some(&self.uid));
        self.set_owners(Kind::Pod, name, uid, &object, owners, outcome)
            .await
    }

    /// Takes out the references to those that own the claim no more, and puts in the one to who does.
    async fn own_claim(
        &self,
        name: &str,
        uid: &str,
        owner: Option<Value>,
        disowned: &BTreeSet<String>,
        outcome: &mut Outcome,
    ) -> Result<(), ApiError> {
        let object = match self.get(Kind::Claim, name).await {
            Err(ApiError::NotFound { .. }) => return Ok(()),
            other => other?,
        };
        let mut owners = owners(&object);
        owners.retain(|known| {
            let known = known.get("uid").and_then(Value::as_str);
            known.is_none_or(|known| !disowned.contains(known))
        });
        owners.extend(owner);
        self.set_owners(Kind::Claim, name, uid, &object, owners, outcome)
            .await
    }

    /// A merge patch replaces the whole list, so it holds only for the version that was read.
    async fn set_owners(
        &self,
        kind: Kind,
        name: &str,
        uid: &str,
        object: &Value,
        owners: Vec<Value>,
        outcome: &mut Outcome,
    ) -> Result<(), ApiError> {
        let patch = json!({ "metadata": {
            "uid": uid,
            "resourceVersion": object.pointer("/metadata/resourceVersion"),
            "ownerReferences": owners,
        }});
        self.merge(kind, name, &patch, outcome).await
    }

    pub(super) async fn merge(
        &self,
        kind: Kind,
        name: &str,
        patch: &Value,
        outcome: &mut Outcome,
    ) -> Result<(), ApiError> {
        let answer = (self.api)
            .merge(collection(kind), &self.app.namespace, name, None, patch)
            .await;
        note(kind, name, answer, outcome)
    }

    async fn create(
        &self,
        kind: Kind,
        name: &str,
        body: &Value,
        outcome: &mut Outcome,
    ) -> Result<(), ApiError> {
        let answer = (self.api)
            .create(collection(kind), &self.app.namespace, body)
            .await;
        note(kind, name, answer, outcome)
    }

    async fn delete(
        &self,
        kind: Kind,
        name: &str,
        uid: &str,
        outcome: &mut Outcome,
    ) -> Result<(), ApiError> {
        let answer = (self.api)
            .delete(collection(kind), &self.app.namespace, name, uid)
            .await;
        let wrote = match &answer {
            Ok(()) => Wrote::Leaving(uid.to_owned()),
            Err(error) if error.outcome_is_unknown() => Wrote::Unknown,
            Err(_) => return answer,
        };
        outcome.wrote.push((kind, name.to_owned(), wrote));
        answer
    }

    pub(super) async fn get(&self, kind: Kind, name: &str) -> Result<Value, ApiError> {
        (self.api)
            .get(collection(kind), &self.app.namespace, name)
            .await
    }
}

pub(super) fn note(
    kind: Kind,
    name: &str,
    answer: Result<Value, ApiError>,
    outcome: &mut Outcome,
) -> Result<(), ApiError> {
    let wrote = match &answer {
        Ok(object) => Wrote::Version(version(object)),
        Err(error) if error.outcome_is_unknown() => Wrote::Unknown,
        Err(_) => return answer.map(drop),
    };
    outcome.wrote.push((kind, name.to_owned(), wrote));
    answer.map(drop)
}

pub(super) fn collection(kind: Kind) -> Collection {
    match kind {
        Kind::Pod => Collection::Pods,
        Kind::Claim => Collection::Claims,
        Kind::Revision => Collection::Revisions,
        Kind::Budget => Collection::Budgets,
    }
}

fn name_of(body: &Value) -> String {
    let name = body.pointer("/metadata/name").and_then(Value::as_str);
    name.unwrap_or_default().to_owned()
}

fn owners(object: &Value) -> Vec<Value> {
    let owners = object
        .pointer("/metadata/ownerReferences")
        .and_then(Value::as_array);
    owners.cloned().unwrap_or_default()
}

fn is_controller(owner: &Value) -> bool {
    owner.get("controller").and_then(Value::as_bool) == Some(true)
}

fn controller(object: &Value) -> Option<&str> {
    let owners = object.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = owners.iter().find(|owner| is_controller(owner))?;
    owner.get("uid")?.as_str()
}
