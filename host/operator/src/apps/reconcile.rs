//! One look at an app: world, plan, status, steps.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use stateward_planner::world::{Answers, Plugin, Verb};
use stateward_planner::{Plan, Shared, Spec, Step};
use stateward_runtime::Hook;
use tokio::time::Instant;

use super::actor::{Actor, Next, earlier};
use super::answers::Basis;
use super::circumstances::{Changes, Circumstances};
use super::committing::Written;
use super::steps;
use crate::hooks::Portraits;
use crate::plugins::{Offer, Serving};
use crate::watch::{AppObject, Meta, News};
use crate::worlds::{Parts, View, build};

/// Between two status writes that can wait, when the app waits for nothing any more; its users may.
const COALESCED: Duration = Duration::from_millis(500);
/// The same while it moves. The API server works longer on a status than on most else that is written.
const MOVING: Duration = Duration::from_secs(1);
/// Between two of which the first failed.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// What passes within this time is not written at all: a hook that answers at once, say.
const SETTLING: Duration = Duration::from_millis(100);

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
        let mut view = self.view(app.clone(), spec, plugin, serving.as_ref());
        self.members = view.pods.len();
        let uids = view.pods.iter().map(|pod| pod.uid());
        (self.attempts).look_around(app.generation(), uids, Instant::now());
        let now = self.host.clock.now();
        self.wake_those_who_wait(&mut view, now);
        self.retry(&mut view, now);
        let plan = stateward_planner::plan(&view.world, now);
        self.journal.forget(&plan.forget);
        self.versions.keep(&view.world.journal);
        self.follow(view, plan, serving, now).await
    }

    /// The spec, parsed once per generation.
    fn spec(&mut self, app: &AppObject) -> Result<Shared<Spec>, (String, String)> {
        let generation = app.generation();
        let is_known = self
            .parsed
            .as_ref()
            .is_some_and(|(of, _)| *of == generation);
        if !is_known {
            self.parsed = Some((generation, app.parse().map(Shared::from)));
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
        spec: Shared<Spec>,
        plugin: Plugin,
        serving: Option<&Arc<Serving>>,
    ) -> View {
        let recorded = app.recorded();
        let depends = serving.map_or_else(String::new, |serving| self.depends_on(serving));
        let basis = serving.map(|serving| {
            let digest = &serving.facts.digest;
            Basis::of(app.generation(), digest, &recorded, &depends)
        });
        let answers = match &basis {
            Some(basis) => self.answers.current(basis),
            None => Answers::default(),
        };
        let answers = Answers {
            comparison: self.comparison.clone(),
            ..answers
        };
        self.basis = basis;
        let parts = Parts {
            spec,
            recorded,
            plugin,
            answers,
            memory: self.journal.entries(),
            seen: self.seen.clone(),
            budgets: self.host.index.budgets_in(&self.key.namespace),
        };
        build(&self.host.index, app, parts)
    }

    /// The digest of what the answer to `update-order` depends on; drawn only for plugins that have it.
    fn depends_on(&mut self, serving: &Serving) -> String {
        if !serving.granted.has(Hook::UpdateOrder) {
            return String::new();
        }
        let digest = (self.circumstances_digest).get_or_insert_with(|| self.circumstances.digest());
        digest.clone()
    }

    /// Refused invocations are asked again when the spec, a role or somebody's health changed; unfinished ones when what they are about did.
    fn wake_those_who_wait(&mut self, view: &mut View, now: Timestamp) {
        let circumstances = Circumstances::of(view, &self.observations, &self.host.index);
        if circumstances == self.circumstances {
            return;
        }
        if !self.circumstances.is_unknown() {
            let changes = Changes::between(&self.circumstances, &circumstances);
            self.journal.wake(&mut view.world.journal, &changes, now);
        }
        self.circumstances_digest = None;
        self.circumstances = circumstances;
    }

    /// A user's decision to try again: the planner records it, here it is done.
    fn retry(&mut self, view: &mut View, now: Timestamp) {
        let Some(wish) = &view.world.app.wishes.ruling else {
            return;
        };
        if wish.verb == Verb::Retry && self.retried.as_ref() != Some(&wish.id) {
            self.retried = Some(wish.id.clone());
            self.journal
                .retry(&mut view.world.journal, &wish.invocation, now);
        }
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
        let has_steps = !planned.is_empty();
        self.attempts.keep(&planned);
        let mut wake_at = plan.wake_at.map(|when| instant(when, now));

        let status = self.complete(&view, plan.status, now);
        self.on_their_way = status.replicas.saturating_sub(status.ready_replicas);
        self.tell_of_wish(&view);
        // Between two members nothing may be waited for: it moves all the same.
        let is_moving = has_steps || !status.waiting.is_empty();
        if status.is_worth_writing(&view.world.recorded, self.key.face) {
            let due = self.status_is_due(is_moving);
            if plan.status_is_urgent || due <= Instant::now() {
                self.unwritten = None;
                self.tell(&view, &status);
                let written = self.write_status(&view.app, &status).await;
                self.last_status_write = Some(Instant::now());
                if plan.status_is_urgent && written != Written::Nothing {
                    return match written {
                        // A later step depends on it: plan again on what is recorded now.
                        Written::Yes | Written::Stale if !self.is_pruned => Next::Again,
                        _ => Next::At(Some(Instant::now() + Duration::from_secs(1))),
                    };
                }
                if matches!(written, Written::Stale | Written::No(_)) {
                    // It may be that nothing else ever wakes the app.
                    wake_at = earlier(wake_at, Some(self.status_is_due(is_moving)));
                }
            } else {
                wake_at = earlier(wake_at, Some(due));
            }
        } else {
            self.unwritten = None;
        }

        let is_done = self.carry_out(&view, steps, serving.as_ref()).await;
        self.mark_used_volumes(&view).await;
        if !is_moving && !serving.as_ref().is_some_and(|one| one.has(Hook::Probe)) {
            // Of a large app there are many, and nobody is about to be shown them.
            self.portraits = Portraits::default();
        }
        if let Some(serving) = &serving {
            self.probe(&view, serving);
            wake_at = earlier(wake_at, self.probes.next());
        }
        wake_at = earlier(wake_at, self.attempts.next());
        wake_at = earlier(wake_at, self.gathering.until());
        match is_done {
            true => Next::Again,
            false => Next::At(wake_at),
        }
    }

    /// When a status write that can wait is due.
    fn status_is_due(&mut self, is_moving: bool) -> Instant {
        let backlog = &self.host.backlog;
        let unwritten = self.unwritten.get_or_insert_with(|| backlog.join());
        let settled = unwritten.since + SETTLING;
        let pause = match is_moving {
            true => MOVING.max(backlog.pause()),
            false => COALESCED,
        };
        let pause = pause.saturating_mul(1 << self.failed_status_writes.min(10));
        match self.last_status_write {
            Some(last) => settled.max(last + pause.min(LONGEST_PAUSE)),
            None => settled,
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
        let is_foreign = app.version() > own.version()
            && of_a_controller(&app.status) != of_a_controller(&own.status);
        is_foreign.then(|| format!("the status of {} was written by somebody else", self.key))
    }
}

/// What only a controller writes. Conditions may come from anybody.
fn of_a_controller(status: &Value) -> Vec<(&String, &Value)> {
    let fields = status.as_object().into_iter().flatten();
    fields.filter(|(name, _)| *name != "conditions").collect()
}

fn serving(offer: Offer) -> Option<Arc<Serving>> {
    match offer {
        Offer::Ready(serving) => Some(serving),
        Offer::Loading | Offer::Unavailable { .. } => None,
    }
}

fn instant(when: Timestamp, now: Timestamp) -> Instant {
    let wait = Duration::try_from(when.duration_since(now)).unwrap_or(Duration::ZERO);
    // A moment later than asked: the planner compares with a clock of nanoseconds, the timer with one of milliseconds.
    Instant::now() + wait + Duration::from_millis(1)
}
