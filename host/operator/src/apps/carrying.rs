//! Carrying a plan out: steps at the API here and now, hook calls as tasks whose ends come back through the mailbox.

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use serde_json::json;
use stateward_planner::plan::{Question, WhyPatch};
use stateward_planner::{Act, InvocationId, Step};
use stateward_runtime::Snapshot;
use tokio::time::Instant;

use super::actor::Actor;
use super::committing::hook_name;
use super::messages::Message;
use super::steps::{self, Outcome, Place};
use crate::capabilities::CallEffects;
use crate::hooks::{self, snapshot};
use crate::plugins::Serving;
use crate::worlds::View;

/// The snapshot for hooks, drawn when the first of them is called.
type Picture = Option<Snapshot>;

/// Writes of one app at a time.
const WRITES: usize = 16;
/// How long steps are gathered.
const GATHERED: Duration = Duration::from_millis(100);
/// How long steps that `pre-scale` let go wait for one more.
const NEXT_STEP: Duration = Duration::from_millis(20);

impl Actor {
    /// Carries the steps out. True when something was done at the API, so that there is a new picture to plan on.
    pub(super) async fn carry_out(
        &mut self,
        view: &View,
        steps: Vec<(String, Step)>,
        serving: Option<&Arc<Serving>>,
    ) -> bool {
        let now = Instant::now();
        self.ending_namespace = self.host.index.ending_namespace(&self.key.namespace);
        let mut writes = Vec::new();
        let mut is_interrupted = false;
        let mut picture = Picture::default();
        for (title, step) in steps {
            match step {
                Step::Decide { question } => self.ask(view, question, serving, &mut picture),
                Step::Call { act, .. } if !self.may_be_torn_down(&act).await => {}
                Step::Call {
                    id,
                    act,
                    cancelling,
                } => self.call(view, &id, &act, cancelling, serving, &mut picture),
                Step::Interrupt { id } => {
                    if let Some(call) = self.calls.remove(&id) {
                        call.abort();
                        self.journal.interrupt(&id, self.host.clock.now());
                        is_interrupted = true;
                    }
                }
                step if self.attempts.may_run(&title, now) => writes.push((title, step)),
                _ => {}
            }
        }
        let (records, mut writes): (Vec<_>, Vec<_>) =
            (writes.into_iter()).partition(|(_, step)| is_record(step));
        if self.may_wait(&writes, now) {
            writes.clear();
        }
        let has_written = !writes.is_empty();
        let mut ended = self.at_the_api(writes);
        while let Some((title, kind, outcome)) = ended.next().await {
            self.take(&title, kind, outcome);
        }
        drop(ended);
        self.record(records);
        has_written || is_interrupted
    }

    /// Carries out what is done at the API.
    fn at_the_api(
        &self,
        steps: Vec<(String, Step)>,
    ) -> impl Stream<Item = (String, &'static str, Outcome)> + Send + use<> {
        let place = Place {
            api: self.host.api.clone(),
            app: self.key.clone(),
            uid: self.uid.clone(),
        };
        futures::stream::iter(steps)
            .map(move |(title, step)| {
                let place = place.clone();
                async move {
                    let kind = steps::kind(&step);
                    (title, kind, place.carry_out(step).await)
                }
            })
            .buffer_unordered(WRITES)
    }

    /// Nobody waits for the records, the next look neither.
    fn record(&mut self, records: Vec<(String, Step)>) {
        if records.is_empty() {
            return;
        }
        for (title, _) in &records {
            self.attempts.begin(title);
        }
        let mut ended = self.at_the_api(records);
        let mailbox = self.mailbox.clone();
        self.tasks.spawn(async move {
            while let Some((title, kind, outcome)) = ended.next().await {
                // The app is gone when nobody listens.
                let _ = mailbox.send(Message::Carried {
                    title,
                    kind,
                    outcome: Box::new(outcome),
                });
            }
        });
    }

    /// Whether these writes may come later, with others that calls in flight are about to bring: steps of a Parallel scale are judged one after the other, and need
    /// not be taken so.
    fn may_wait(&mut self, writes: &[(String, Step)], now: Instant) -> bool {
        let are_steps = writes.iter().all(|(_, step)| is_step(step));
        if writes.is_empty() || !are_steps || !self.journal.is_judging() {
            self.gathering.end();
            return false;
        }
        (self.gathering).go_on(writes.len(), NEXT_STEP, GATHERED, now)
    }

    pub(super) fn take(&mut self, title: &str, kind: &'static str, outcome: Outcome) {
        for (kind, name, wrote) in outcome.wrote {
            self.guard.expect(kind, &name, wrote);
        }
        if outcome.comparison.is_some() {
            self.comparison = outcome.comparison;
        }
        // No event can be created there either.
        let is_heard = (outcome.error.as_ref()).is_none_or(|error| !error.is_namespace_ending());
        for note in outcome.notes.into_iter().filter(|_| is_heard) {
            self.say(note);
        }
        match outcome.error {
            None => {
                tracing::debug!(app = %self.key, step = title, "done");
                self.host.metrics.step(kind, "done");
                self.attempts.succeeded(title);
            }
            Some(error) => {
                tracing::info!(app = %self.key, step = title, %error, "failed");
                self.host.metrics.step(kind, error.reason());
                let now = self.host.clock.now();
                self.attempts.failed(title, error, now, Instant::now());
            }
        }
    }

    fn ask(
        &mut self,
        view: &View,
        question: Question,
        serving: Option<&Arc<Serving>>,
        picture: &mut Picture,
    ) {
        let (Some(serving), Some(basis)) = (serving, &self.basis) else {
            return;
        };
        let Some(asked_on) = self.answers.ask(&question, basis) else {
            return;
        };
        let picture = self.picture(view, picture);
        let accepted = view.world.recorded.accepted.clone();
        let wanted = view.world.app.spec.ordinals();
        let (serving, mailbox) = (serving.clone(), self.mailbox.clone());
        self.tasks.spawn(async move {
            let decided =
                hooks::decide(serving, question, asked_on, accepted, wanted, picture).await;
            // The app is gone when nobody listens.
            let _ = mailbox.send(Message::Decided(Box::new(decided)));
        });
    }

    fn call(
        &mut self,
        view: &View,
        id: &InvocationId,
        act: &Act,
        cancelling: bool,
        serving: Option<&Arc<Serving>>,
        picture: &mut Picture,
    ) {
        let Some(serving) = serving else { return };
        if self.is_stopping {
            return;
        }
        let known = view.world.journal.get(id);
        let version = self.versions.next(id, known, serving);
        let invocation = (self.journal).begin(id, act, known, cancelling, self.host.clock.now());
        let hook = hook_name(&invocation);
        tracing::info!(
            namespace = %self.key.namespace, app = %self.key.name, invocation = %id, hook,
            act = %json!(act), generation = view.world.app.generation, attempt = invocation.attempts, cancelling,
            "act hook called"
        );
        let effects = Arc::new(CallEffects::new(
            self.host.clone(),
            &view.app,
            hook,
            Some(id.to_string()),
            view.pods.clone(),
            self.mailbox.clone(),
        ));
        let picture = self.picture(view, picture);
        let (host, present) = (self.host.clone(), serving.clone());
        let mailbox = self.mailbox.clone();
        let deadline = view.world.deadline_of(&invocation);
        let call = self.tasks.spawn(async move {
            let (serving, lost) = version.find(&host.earlier, &present).await;
            if let Some(lost) = lost {
                let note = lost.note(&invocation.id, &present);
                let _ = mailbox.send(Message::Tell(note));
            }
            let called =
                hooks::call(serving, invocation, cancelling, deadline, picture, effects).await;
            // The app is gone when nobody listens.
            let _ = mailbox.send(Message::Called(Box::new(called)));
        });
        self.calls.insert(id.clone(), call);
        self.probes.hurry(Instant::now());
    }

    /// One for all calls of a look.
    fn picture(&mut self, view: &View, drawn: &mut Picture) -> Snapshot {
        let now = self.host.clock.now();
        let draw = || {
            snapshot(
                view,
                &self.observations,
                &mut self.portraits,
                &self.host.index,
                now,
            )
        };
        drawn.get_or_insert_with(draw).clone()
    }
}

/// Whether it only records that a member of a large app has joined.
fn is_record(step: &Step) -> bool {
    matches!(step, Step::PatchPod { why, .. } if *why == WhyPatch::PostReady)
}

/// Whether it is what `pre-scale` judges.
fn is_step(step: &Step) -> bool {
    matches!(step, Step::CreatePod { .. } | Step::DeletePod { .. })
}
