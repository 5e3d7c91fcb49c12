//! One look at an app: world, plan, status, steps.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use serde_json::json;
use stateward_planner::plan::Question;
use stateward_planner::world::{Answers, Plugin};
use stateward_planner::{Act, Plan, Spec, Status, Step, Waiting};
use tokio::time::Instant;

use super::actor::{Actor, Next};
use super::answers::{Basis, circumstances};
use super::committing::{Written, hook_name};
use super::messages::Message;
use super::overlay;
use super::steps::{self, Outcome, Place};
use crate::annotations::USED_BY;
use crate::capabilities::CallEffects;
use crate::events::Note;
use crate::hooks::{self, snapshot};
use crate::plugins::{Offer, Serving};
use crate::watch::{AppObject, Kind, Meta, News};
use crate::worlds::{Parts, View, build, condition_since, ordinal_of, read_status};

/// Writes of one app at a time.
const WRITES: usize = 16;
/// Between two status writes that can wait.
const COALESCED: Duration = Duration::from_millis(500);
/// What passes within this time is not written at all: a hook that answers at once, say.
const SETTLING: Duration = Duration::from_millis(100);
/// A plugin that takes longer to load is worth telling.
const LOADING: Duration = Duration::from_secs(2);

impl Actor {
    pub(super) async fn reconcile(&mut self) -> Next {
        let Some(app) = self.newest() else {
            return Next::At(None);
        };
        if let Some(evidence) = self.rival(&app) {
            // Nobody listens any more: the operator stops already.
            let _ = self.host.news.send(News::Rival { evidence });
            return Next::At(None);
        }
        let spec = match self.spec(&app) {
            Ok(spec) => spec,
            Err((reason, message)) => {
                return self.stalled_by_its_spec(&app, &reason, &message).await;
            }
        };
        let offer = app.plugin_name().map(|name| self.host.plugins.offer(name));
        let (plugin, serving) = match (app.plugin_name(), offer) {
            (Some(name), Some(offer)) => match offer.facts(name) {
                Some(facts) => (facts, serving(offer)),
                None => return self.waits_for_its_plugin(&app, name).await,
            },
            _ => (Plugin::None, None),
        };
        self.loading_since = None;
        self.told.remove("spec");
        let view = self.view(app.clone(), spec, plugin, serving.as_ref());
        let now = self.host.clock.now();
        self.wake_those_who_wait(&view, now);
        let view = self.with_journal(view);
        let plan = stateward_planner::plan(&view.world, now);
        self.journal.forget(&plan.forget);
        self.follow(view, plan, serving, now).await
    }

    /// The spec, parsed once per generation.
    fn spec(&mut self, app: &AppObject) -> Result<Spec, (String, String)> {
        let generation = app.generation();
        let is_known = self
            .parsed
            .as_ref()
            .is_some_and(|(of, _)| *of == generation);
        if !is_known {
            let parsed = Spec::parse(self.key.face, &app.spec)
                .and_then(|spec| spec.check_name(&self.key.name).map(|()| spec));
            self.parsed = Some((generation, parsed));
        }
        match &self.parsed {
            Some((_, Ok(spec))) => Ok(spec.clone()),
            Some((_, Err(error))) => Err((error.reason().to_owned(), error.to_string())),
            None => Err(("SpecInvalid".to_owned(), "the spec was not read".to_owned())),
        }
    }

    fn view(
        &mut self,
        app: Arc<AppObject>,
        spec: Spec,
        plugin: Plugin,
        serving: Option<&Arc<Serving>>,
    ) -> View {
        let recorded = read_status(&app.status);
        let basis =
            serving.map(|serving| Basis::of(app.generation(), &serving.facts.digest, &recorded));
        let answers = match &basis {
            Some(basis) => self.answers.current(basis),
            None => Answers::default(),
        };
        self.basis = basis;
        let parts = Parts {
            spec,
            plugin,
            answers,
            memory: self.journal.entries(),
        };
        build(&self.host.index, app, parts)
    }

    /// Refused and unfinished invocations are asked again when the spec, a role or somebody's health changed.
    fn wake_those_who_wait(&mut self, view: &View, now: Timestamp) {
        let health = (self.observations.iter())
            .map(|(pod, seen)| (pod.clone(), seen.healthy, seen.role.clone()));
        let circumstances = circumstances(&view.world, health);
        if circumstances != self.circumstances {
            let is_first = self.circumstances.is_empty();
            self.circumstances = circumstances;
            if !is_first {
                self.journal.wake(&view.world.journal, now);
            }
        }
    }

    /// The same view with what the journal holds now.
    fn with_journal(&self, mut view: View) -> View {
        for (id, entry) in self.journal.entries() {
            let is_recorded = (view.world.journal.get(&id)).is_some_and(|known| known.is_recorded);
            let mut entry = entry;
            entry.is_recorded = is_recorded;
            view.world.journal.insert(id, entry);
        }
        view
    }

    async fn follow(
        &mut self,
        view: View,
        plan: Plan,
        serving: Option<Arc<Serving>>,
        now: Timestamp,
    ) -> Next {
        let steps: Vec<(String, Step)> = (plan.steps.into_iter())
            .map(|step| (steps::title(&step), step))
            .collect();
        let planned: Vec<String> = steps.iter().map(|(title, _)| title.clone()).collect();
        self.attempts.keep(&planned);
        let mut wake_at = plan.wake_at.map(|when| instant(when, now));

        let status = self.complete(&view, plan.status, now);
        if status.is_worth_writing(&view.world.recorded, self.key.face) {
            let due = self.status_is_due();
            if plan.status_is_urgent || due <= Instant::now() {
                self.unwritten_since = None;
                self.tell(&view, &status);
                let written = self.write_status(&view.app, &status).await;
                if plan.status_is_urgent && written != Written::Nothing {
                    return match written {
                        // A later step depends on it: plan again on what is recorded now.
                        Written::Yes | Written::Stale if !self.is_pruned => Next::Again,
                        _ => Next::At(Some(Instant::now() + Duration::from_secs(1))),
                    };
                }
            } else {
                wake_at = earlier(wake_at, Some(due));
            }
        } else {
            self.unwritten_since = None;
        }

        let is_done = self.carry_out(&view, steps, serving.as_ref()).await;
        self.mark_used_volumes(&view).await;
        if let Some(serving) = &serving {
            self.probe(&view, serving);
            wake_at = earlier(wake_at, self.probes.next());
        }
        wake_at = earlier(wake_at, self.attempts.next());
        match is_done {
            true => Next::Again,
            false => Next::At(wake_at),
        }
    }

    /// When a status write that can wait is due.
    fn status_is_due(&mut self) -> Instant {
        let since = *self.unwritten_since.get_or_insert_with(Instant::now);
        let settled = since + SETTLING;
        match self.last_status_write {
            Some(last) => settled.max(last + COALESCED),
            None => settled,
        }
    }

    /// The planned status with what only the operator knows.
    fn complete(&self, view: &View, mut status: Status, now: Timestamp) -> Status {
        if self.key.face == stateward_planner::world::Face::StatefulSet {
            return status;
        }
        overlay::refused_steps(&mut status, &self.attempts);
        let stall = overlay::stall(&view.pods, &self.secrets)
            .or_else(|| overlay::failing_hook(&view.world.journal));
        if let Some((reason, message)) = stall {
            overlay::set_stalled(&mut status, &view.world.recorded, &reason, &message, now);
        }
        status
    }

    /// New entries of `waiting` that somebody should know of, and a new reason to be stalled, become events.
    fn tell(&mut self, view: &View, status: &Status) {
        let recorded = &view.world.recorded;
        let entries = (status.waiting.iter())
            .map(|entry| (format!("{:?}", entry.owner), entry.reason.clone()));
        self.host.metrics.waiting(&self.key, entries);
        let wish = (view.unreadable_wish.clone())
            .map(|message| Note::warning("SwitchoverUnreadable", message));
        self.say_once("wish", wish);
        let stalled = overlay::stalled(status)
            .map(|(reason, message)| Note::warning(reason, message.to_owned()));
        let stalled_reason = stalled.as_ref().map(|note| note.message.clone());
        if overlay::stalled(recorded) != overlay::stalled(status) {
            self.say_once("stalled", stalled);
        }
        for entry in &status.waiting {
            let is_known = |known: &Waiting| {
                known.owner == entry.owner
                    && known.reason == entry.reason
                    && known.subject == entry.subject
            };
            let is_told = stalled_reason.as_deref() == Some(entry.message.as_str());
            if is_told || recorded.waiting.iter().any(is_known) {
                continue;
            }
            if let Some(note) = overlay::note(entry) {
                self.say(note);
            }
        }
    }

    /// Carries the steps out. True when something was done at the API, so that there is a new picture to plan on.
    async fn carry_out(
        &mut self,
        view: &View,
        steps: Vec<(String, Step)>,
        serving: Option<&Arc<Serving>>,
    ) -> bool {
        let now = Instant::now();
        let mut writes = Vec::new();
        for (title, step) in steps {
            match step {
                Step::Decide { question } => self.ask(view, question, serving),
                Step::Call {
                    id,
                    act,
                    cancelling,
                } => self.call(view, &id, &act, cancelling, serving),
                step if self.attempts.may_run(&title, now) => writes.push((title, step)),
                _ => {}
            }
        }
        let has_written = !writes.is_empty();
        let place = Place {
            api: self.host.api.clone(),
            app: self.key.clone(),
            uid: self.uid.clone(),
        };
        let mut ended = futures::stream::iter(writes)
            .map(|(title, step)| {
                let place = place.clone();
                async move {
                    let kind = steps::kind(&step);
                    (title, kind, place.carry_out(step).await)
                }
            })
            .buffer_unordered(WRITES);
        let mut outcomes = Vec::new();
        while let Some(outcome) = ended.next().await {
            outcomes.push(outcome);
        }
        drop(ended);
        for (title, kind, outcome) in outcomes {
            self.take(&title, kind, outcome);
        }
        has_written
    }

    fn take(&mut self, title: &str, kind: &'static str, outcome: Outcome) {
        for (kind, name, wrote) in outcome.wrote {
            self.guard.expect(kind, &name, wrote);
        }
        for note in outcome.notes {
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

    fn ask(&mut self, view: &View, question: Question, serving: Option<&Arc<Serving>>) {
        let (Some(serving), Some(basis)) = (serving, &self.basis) else {
            return;
        };
        let Some(asked_on) = self.answers.ask(&question, basis) else {
            return;
        };
        let picture = self.picture(view);
        let accepted = view.world.recorded.accepted.clone();
        let (serving, mailbox) = (serving.clone(), self.mailbox.clone());
        self.tasks.spawn(async move {
            let decided = hooks::decide(serving, question, asked_on, accepted, picture).await;
            // The app is gone when nobody listens.
            let _ = mailbox.send(Message::Decided(Box::new(decided)));
        });
    }

    fn call(
        &mut self,
        view: &View,
        id: &stateward_planner::InvocationId,
        act: &Act,
        cancelling: bool,
        serving: Option<&Arc<Serving>>,
    ) {
        let Some(serving) = serving else { return };
        if self.is_stopping {
            return;
        }
        let known = view.world.journal.get(id);
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
            &view.pods,
            self.mailbox.clone(),
        ));
        let picture = self.picture(view);
        let (serving, mailbox) = (serving.clone(), self.mailbox.clone());
        self.tasks.spawn(async move {
            let called = hooks::call(serving, invocation, cancelling, picture, effects).await;
            // The app is gone when nobody listens.
            let _ = mailbox.send(Message::Called(Box::new(called)));
        });
        self.probes.hurry(Instant::now());
    }

    fn picture(&self, view: &View) -> stateward_runtime::Snapshot {
        let index = &self.host.index;
        snapshot(
            view,
            &self.observations,
            |uid| index.death_of(uid),
            self.host.clock.now(),
        )
    }

    /// A member that was ready has used its volumes: its claims say so from then on, whatever becomes of its pod.
    async fn mark_used_volumes(&mut self, view: &View) {
        let world = &view.world;
        if !matches!(world.plugin, Plugin::Ready(_)) || self.is_stopping {
            return;
        }
        let mut marks = Vec::new();
        for pod in &view.pods {
            let is_ours = pod.controller() == Some(world.app.uid.as_str());
            let was_ready = condition_since(pod, "Ready").is_some();
            let Some(ordinal) =
                ordinal_of(&world.app.name, pod.name()).filter(|_| is_ours && was_ready)
            else {
                continue;
            };
            let end = format!("-{}-{ordinal}", world.app.name);
            for claim in view
                .claims
                .iter()
                .filter(|claim| claim.name().ends_with(&end))
            {
                let annotations = claim.metadata.annotations.as_ref();
                if annotations.is_none_or(|all| !all.contains_key(USED_BY)) {
                    marks.push((claim.name().to_owned(), claim.uid().to_owned(), ordinal));
                }
            }
        }
        for (name, uid, ordinal) in marks {
            let title = format!("mark claim {name} as used");
            if !self.attempts.may_run(&title, Instant::now()) {
                continue;
            }
            let mark = format!("{}/{ordinal}", world.app.uid);
            let patch = json!({ "metadata": { "uid": uid, "annotations": { USED_BY: mark } } });
            let place = Place {
                api: self.host.api.clone(),
                app: self.key.clone(),
                uid: self.uid.clone(),
            };
            let mut outcome = Outcome::default();
            outcome.error = (place.merge(Kind::Claim, &name, &patch, &mut outcome).await).err();
            self.take(&title, "mark-claim", outcome);
        }
    }

    /// Loading takes a moment, or, the first time, as long as compiling takes: then the app says what it waits for.
    async fn waits_for_its_plugin(&mut self, app: &AppObject, plugin: &str) -> Next {
        let since = *self.loading_since.get_or_insert_with(Instant::now);
        if since.elapsed() < LOADING {
            return Next::At(Some(since + LOADING));
        }
        let recorded = read_status(&app.status);
        if recorded
            .waiting
            .iter()
            .any(|entry| entry.reason == overlay::PLUGIN_LOADING)
        {
            return Next::At(None);
        }
        let mut status = recorded;
        status
            .waiting
            .push(overlay::plugin_loading(plugin, self.host.clock.now()));
        match self.write_status(app, &status).await {
            Written::Stale => Next::Again,
            _ => Next::At(None),
        }
    }

    /// Nothing is planned on a spec that cannot be read: what runs goes on running.
    async fn stalled_by_its_spec(&mut self, app: &AppObject, reason: &str, message: &str) -> Next {
        self.say_once("spec", Some(Note::warning(reason, message.to_owned())));
        if self.key.face == stateward_planner::world::Face::StatefulSet {
            return Next::At(None);
        }
        let recorded = read_status(&app.status);
        let mut status = recorded.clone();
        status.observed_generation = app.generation();
        status
            .conditions
            .retain(|condition| condition.type_ != "Stalled");
        overlay::set_stalled(
            &mut status,
            &recorded,
            reason,
            message,
            self.host.clock.now(),
        );
        match self.write_status(app, &status).await {
            Written::Stale => Next::Again,
            _ => Next::At(None),
        }
    }

    /// The last status, without waiting for its turn.
    pub(super) async fn flush_status(&mut self) {
        let Some(app) = self.newest() else { return };
        let Ok(spec) = self.spec(&app) else { return };
        let offer = app.plugin_name().map(|name| self.host.plugins.offer(name));
        let (plugin, serving) = match (app.plugin_name(), offer) {
            (Some(name), Some(offer)) => match offer.facts(name) {
                Some(facts) => (facts, serving(offer)),
                None => return,
            },
            _ => (Plugin::None, None),
        };
        let now = self.host.clock.now();
        let view = self.view(app, spec, plugin, serving.as_ref());
        let plan = stateward_planner::plan(&view.world, now);
        let status = self.complete(&view, plan.status, now);
        if status.is_worth_writing(&view.world.recorded, self.key.face) {
            self.write_status(&view.app, &status).await;
        }
    }

    /// Somebody else writes the status of a StatefulSet: another controller manages it.
    fn rival(&self, app: &AppObject) -> Option<String> {
        let is_set = self.key.face == stateward_planner::world::Face::StatefulSet;
        if !is_set || !self.host.settings.watch_for_rivals {
            return None;
        }
        let own = self.own.as_ref()?;
        let is_foreign = app.version() > own.version() && app.status != own.status;
        is_foreign.then(|| format!("the status of {} was written by somebody else", self.key))
    }
}

fn serving(offer: Offer) -> Option<Arc<Serving>> {
    match offer {
        Offer::Ready(serving) => Some(serving),
        Offer::Loading | Offer::Unavailable { .. } => None,
    }
}

fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    [one, other].into_iter().flatten().min()
}

fn instant(when: Timestamp, now: Timestamp) -> Instant {
    let wait = Duration::try_from(when.duration_since(now)).unwrap_or(Duration::ZERO);
    // A moment later than asked: the planner compares with a clock of nanoseconds, the timer with one of milliseconds.
    Instant::now() + wait + Duration::from_millis(1)
}
