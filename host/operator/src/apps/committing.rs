//! Status writes: the app's one writer. Each comes *with* the resourceVersion that it was made from.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use stateward_planner::journal::commit::Answer;
use stateward_planner::state::StateError;
use stateward_planner::world::Face;
use stateward_planner::{Invocation, Phase, Status, commit, put_state};
use stateward_runtime::{Failure, Hook, Outcome};

use super::actor::Actor;
use super::messages::Message;
use super::patch::{difference, says, status_value};
use crate::api::ApiError;
use crate::events::Note;
use crate::hooks::{self, Called};
use crate::watch::AppObject;
use crate::worlds;

/// Attempts of one compare-and-set before it is put off.
const ATTEMPTS: u32 = 5;
/// When a commit that could not be written is tried again.
const PUT_OFF: Duration = Duration::from_secs(1);

/// How a status write ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// Nothing differs.
    Nothing,
    Yes,
    /// The app changed since it was read; it has been read again, or will be.
    Stale,
    /// Refused.
    No(String),
}

impl Actor {
    /// Writes `next` over the status of `base`.
    pub(super) async fn write_status(&mut self, base: &AppObject, next: &Status) -> Written {
        let wanted = status_value(self.key.face, next);
        let Some(answer) = self.send_status(base, &wanted).await else {
            return Written::Nothing;
        };
        let (written, result) = match answer {
            Ok(value) => {
                self.own = AppObject::from_value(self.key.face, value).map(Arc::new);
                self.is_pruned = self.was_pruned(&wanted);
                self.failed_status_writes = 0;
                (Written::Yes, "written")
            }
            Err(ApiError::Conflict { .. }) => {
                self.must_reread = true;
                self.reread().await;
                (Written::Stale, "conflict")
            }
            Err(error) if error.outcome_is_unknown() => {
                tracing::warn!(app = %self.key, %error, "nobody knows whether the status was written");
                self.must_reread = true;
                self.reread().await;
                (Written::Stale, "unknown")
            }
            // The app is gone; the watch tells.
            Err(ApiError::NotFound { .. }) => (Written::No("the app is gone".to_owned()), "gone"),
            Err(error) => {
                tracing::warn!(app = %self.key, %error, "the status was refused");
                (Written::No(error.to_string()), "refused")
            }
        };
        if written != Written::Yes {
            self.failed_status_writes = self.failed_status_writes.saturating_add(1);
        }
        self.host.metrics.status_written(result);
        written
    }

    /// Sends it unless nothing differs. Of a StatefulSet only what differs: there, the whole status would come with all of the metadata, and others' fields are
    /// in both.
    async fn send_status(
        &self,
        base: &AppObject,
        whole: &Value,
    ) -> Option<Result<Value, ApiError>> {
        let (kind, namespace, name) = (self.key.collection(), &self.key.namespace, &self.key.name);
        let version = &base.metadata.resource_version;
        let api = &self.host.api;
        match self.key.face {
            Face::StatefulApp if says(&base.status, whole) => None,
            Face::StatefulApp => {
                let body = json!({
                    "apiVersion": self.key.face.api_version(),
                    "kind": self.key.kind(),
                    "metadata": {
                        "namespace": namespace,
                        "name": name,
                        "uid": self.uid,
                        "resourceVersion": version,
                    },
                    "status": whole,
                });
                Some(api.put_status(kind, namespace, name, &body).await)
            }
            Face::StatefulSet => {
                let patch = json!({
                    "metadata": { "uid": self.uid, "resourceVersion": version },
                    "status": difference(&base.status, whole)?,
                });
                let part = Some("status");
                Some(api.merge(kind, namespace, name, part, &patch).await)
            }
        }
    }

    /// Whether the API server keeps less than was written, as one with older definitions does: what is planned on it would be planned again for ever.
    fn was_pruned(&self, wanted: &Value) -> bool {
        let Some(own) = &self.own else { return false };
        // Kubernetes itself leaves zeros out of a StatefulSet's status.
        let is_pruned = self.key.face == Face::StatefulApp && !says(&own.status, wanted);
        if is_pruned {
            tracing::error!(app = %self.key, "the API server drops fields of the status: install the present definitions (stateward crd | kubectl apply -f -)");
        }
        is_pruned
    }

    /// Reads the app from the API, after a write that did not go through or may not have.
    pub(super) async fn reread(&mut self) -> bool {
        let read = (self.host.api)
            .get(self.key.collection(), &self.key.namespace, &self.key.name)
            .await;
        match read {
            Ok(value) => {
                let app = AppObject::from_value(self.key.face, value);
                self.own = app.filter(|app| app.uid() == self.uid).map(Arc::new);
                self.must_reread = false;
            }
            // The watch will tell.
            Err(ApiError::NotFound { .. }) => self.must_reread = false,
            Err(error) => {
                tracing::warn!(app = %self.key, %error, "the app cannot be read");
            }
        }
        !self.must_reread
    }

    /// A call of an act hook ended: its outcome, checkpoint and requests are made durable together, or not at all.
    pub(super) async fn called(&mut self, called: Called) {
        let id = called.invocation.id.clone();
        self.calls.remove(&id);
        self.versions.called(&id, &called.serving);
        let has_failed = match &called.result {
            Ok(answer) => matches!(answer.outcome, Outcome::Retry(_)),
            Err(_) => true,
        };
        let result = match &called.result {
            Ok(answer) => match &answer.outcome {
                Outcome::Done => "done",
                Outcome::InProgress(_) => "in-progress",
                Outcome::Refuse(_) => "refused",
                Outcome::Retry(_) => "retry",
                Outcome::Fatal(_) => "fatal",
            },
            Err(error) => error.reason(),
        };
        let hook = hook_name(&called.invocation);
        let usage = match &called.result {
            Ok(answer) => &answer.usage,
            Err(error) => &*error.usage,
        };
        (self.host.metrics).hook_used(&self.key, hook, usage);
        if let Some(known) = Hook::named(hook) {
            self.judge(&called.serving, known, called.result.as_ref().err());
        }
        (self.host.metrics).hook_called(&self.key, hook, result, called.took);
        let failures = self.journal.count(&id, has_failed);
        let answer = hooks::phase(&called, failures, self.host.clock.now());
        tracing::info!(
            namespace = %self.key.namespace, app = %self.key.name, invocation = %id, hook, result,
            detail = %detail(&answer.phase), requests = answer.requests.len(),
            took_ms = u64::try_from(called.took.as_millis()).unwrap_or(u64::MAX),
            "act hook answered"
        );
        self.remember(&called.invocation, &answer.phase);
        if !must_be_durable(&answer) {
            self.journal.end(called.invocation, answer);
            return;
        }
        match self.commit(&called, &answer).await {
            Commit::Done => self.journal.end(called.invocation, answer),
            Commit::Refused { reason, message } => {
                let failures = self.journal.count(&id, true);
                let ask_again = hooks::later(self.host.clock.now(), hooks::backoff(failures));
                let phase = Phase::Failing {
                    reason,
                    message,
                    failures,
                    ask_again,
                };
                let answer = Answer {
                    phase,
                    checkpoint: None,
                    requests: Vec::new(),
                };
                self.journal.end(called.invocation, answer);
            }
            // The call stays in flight until its answer is written: nothing else may be decided on it before.
            Commit::PutOff => {
                let mailbox = self.mailbox.clone();
                self.tasks.spawn(async move {
                    tokio::time::sleep(PUT_OFF).await;
                    // The app is gone when nobody listens.
                    let _ = mailbox.send(Message::Called(Box::new(called)));
                });
            }
        }
    }

    async fn commit(&mut self, called: &Called, answer: &Answer) -> Commit {
        for _ in 0..ATTEMPTS {
            let Some(app) = self.newest() else {
                return Commit::Done;
            };
            let recorded = app.recorded();
            let pods: Vec<_> = (self.host.index.pods_of(&app).iter())
                .map(|pod| worlds::pod(pod))
                .collect();
            let roles = &called.serving.facts.roles;
            let next = match commit(&recorded, &called.invocation, answer, &pods, roles) {
                Ok(next) => next,
                Err(conflict) => {
                    return Commit::Refused {
                        reason: conflict.reason().to_owned(),
                        message: conflict.to_string(),
                    };
                }
            };
            match self.write_status(&app, &next).await {
                Written::Yes => {
                    self.tell_roles(&recorded, &next);
                    return Commit::Done;
                }
                Written::Nothing => return Commit::Done,
                Written::Stale => {}
                Written::No(message) => {
                    return Commit::Refused {
                        reason: "StatusRefused".to_owned(),
                        message,
                    };
                }
            }
        }
        Commit::PutOff
    }

    /// A role has a new holder, or none.
    fn tell_roles(&self, before: &Status, after: &Status) {
        for role in &after.roles {
            let known = before.roles.iter().find(|known| known.name == role.name);
            let holder = known.and_then(|known| known.holder.as_ref());
            if holder == role.holder.as_ref() {
                continue;
            }
            let (app, name, epoch) = (&self.key.name, &role.name, role.epoch);
            let note = match &role.holder {
                Some(now) => Note::normal(
                    "RoleMoved",
                    format!("{name} is {app}-{} now (epoch {epoch})", now.ordinal),
                ),
                None => Note::normal("RoleReleased", format!("nobody is {name} (epoch {epoch})")),
            };
            self.say(note);
        }
    }

    /// Stores a value of the plugin's `state`. Durable when this returns.
    pub(super) async fn put_state(
        &mut self,
        key: &str,
        value: &[u8],
        after_version: u64,
    ) -> Result<u64, Failure> {
        for _ in 0..ATTEMPTS {
            let gone = || Failure::Other("the app is gone".to_owned());
            let app = self.newest().ok_or_else(gone)?;
            let recorded = app.recorded();
            let (next, version) =
                put_state(&recorded, key, value, after_version).map_err(|error| match error {
                    StateError::Conflict { .. } => Failure::Conflict,
                    StateError::TooManyKeys { .. }
                    | StateError::ValueTooLarge { .. }
                    | StateError::StatusFull { .. } => Failure::Budget(error.to_string()),
                    StateError::BadKey { .. } => Failure::Other(error.to_string()),
                })?;
            match self.write_status(&app, &next).await {
                Written::Yes | Written::Nothing => return Ok(version),
                Written::Stale => {
                    // It may have been written although the answer was lost.
                    let Some(app) = self.newest() else {
                        return Err(gone());
                    };
                    let recorded = app.recorded();
                    if next.state.get(key) == recorded.state.get(key) {
                        return Ok(version);
                    }
                }
                Written::No(message) => return Err(Failure::Other(message)),
            }
        }
        Err(Failure::Other(format!(
            "state {key} could not be written: the app changes too often or the API does not answer; try again"
        )))
    }
}

enum Commit {
    Done,
    /// It must not be written.
    Refused {
        reason: String,
        message: String,
    },
    /// It could not be written now.
    PutOff,
}

/// A `done`, a refusal or a failure costs nothing when it is forgotten: the call is made again under its id. The rest must outlive us.
fn must_be_durable(answer: &Answer) -> bool {
    !answer.requests.is_empty() || matches!(answer.phase, Phase::InProgress { .. })
}

pub(super) fn hook_name(invocation: &Invocation) -> &'static str {
    invocation.act.hook()
}

fn detail(phase: &Phase) -> &str {
    match phase {
        Phase::InProgress { message, .. }
        | Phase::Failing { message, .. }
        | Phase::Fatal { message, .. } => message,
        Phase::Refused { reason, .. } => reason,
        Phase::Calling | Phase::Done => "",
    }
}
