//! The actor: what it remembers, and its loop.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use stateward_planner::spec::SpecError;
use stateward_planner::status::EndedInvocation;
use stateward_planner::world as planner;
use stateward_planner::{InvocationId, Shared, Spec};
use stateward_runtime::{CallError, Hook};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::answers::{Answers, Basis};
use super::attempts::Attempts;
use super::backlog::Unwritten;
use super::circumstances::Circumstances;
use super::gathering::Gathering;
use super::guard::Guard;
use super::journal::Journal;
use super::messages::Message;
use super::versions::Versions;
use crate::events::{Note, Subject};
use crate::hooks::{Decided, Decision, Observations, Portraits};
use crate::host::Host;
use crate::plugins::Serving;
use crate::probes::Schedule;
use crate::watch::{AppKey, AppObject, News};

/// One app's actor.
pub(super) struct Actor {
    pub host: Arc<Host>,
    pub key: AppKey,
    pub uid: String,
    /// Handed to tasks, which answer through it.
    pub mailbox: UnboundedSender<Message>,
    /// Hook calls and probes. They end with the actor.
    pub tasks: JoinSet<()>,
    /// The answer to our own last status write, until the watch shows something newer.
    pub own: Option<Arc<AppObject>>,
    /// A status write's outcome is unknown: read the app before anything else.
    pub must_reread: bool,
    pub guard: Guard,
    pub journal: Journal,
    pub answers: Answers,
    /// What the API server made of a template that no revision has in the same words.
    pub comparison: Option<planner::Comparison>,
    pub attempts: Attempts,
    pub versions: Versions,
    /// The spec of this generation, parsed once.
    pub parsed: Option<(i64, Result<Shared<Spec>, SpecError>)>,
    pub basis: Option<Basis>,
    /// The last wish to retry an invocation that was followed.
    pub retried: Option<String>,
    pub circumstances: Circumstances,
    /// The digest of those, once somebody has asked.
    pub circumstances_digest: Option<String>,
    /// When the status was last written as a whole; the answers of hooks are written besides.
    pub last_status_write: Option<Instant>,
    /// Status writes since the last one that went through.
    pub failed_status_writes: u32,
    /// The API server kept less of the last status than was written.
    pub is_pruned: bool,
    /// A status that is worth a write that can wait.
    pub unwritten: Option<Unwritten>,
    pub gathering: Gathering,
    /// Since when the app waits for its plugin to be loaded.
    pub loading_since: Option<Instant>,
    pub observations: Observations,
    pub portraits: Portraits,
    /// What plans know of the probes, by the pod's UID.
    pub seen: BTreeMap<String, planner::Seen>,
    /// Invocations that ended, the newest last, until they stand in the status.
    pub history: Vec<EndedInvocation>,
    /// Calls in flight that a failover may cut short.
    pub calls: BTreeMap<InvocationId, AbortHandle>,
    pub probes: Schedule,
    /// Slots whose secret could not be read, and why.
    pub secrets: BTreeMap<String, String>,
    /// A text that was told as an event, so that it is told once.
    pub told: BTreeMap<&'static str, String>,
    /// The UID of the app's namespace, once that is being deleted: it may be gone before we have told what we did.
    pub ending_namespace: Option<String>,
    pub is_stopping: bool,
    /// UIDs of pods that were found to be ours when the app was being deleted.
    pub ours: BTreeSet<String>,
    /// Pods at the last look.
    pub members: usize,
    /// Members that were not Ready at the last look.
    pub on_their_way: u32,
    lags_since: Option<Instant>,
    /// Something that matters was heard while the cache lagged behind our writes.
    owes_a_look: bool,
}

/// What follows from a reconciliation.
pub(super) enum Next {
    /// Look again at once.
    Again,
    /// Look again at this time at the latest; or when something happens.
    At(Option<Instant>),
}

/// An app of so many members is looked at once for a crowd of changes: a look costs as much as the app is large, and its pods change many at a time.
const LARGE: usize = 500;
/// How long such a crowd is waited for; and calls in flight beside one that ended, because hooks are called many at a time, too, and most answer at once.
const CROWD: Duration = Duration::from_millis(2);

/// When an app is looked at that hardly depends on what changed.
const MOMENT: Duration = Duration::from_millis(50);
/// While so many members are not Ready, what happens to them waits for a moment: it comes in crowds.
const CROWDED: u32 = 8;
/// When an app is looked at whose status is as we wrote it. Plans do not depend on that; something else mostly comes before.
const LATER: Duration = Duration::from_millis(500);

/// Whether the app is to be looked at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Look {
    /// Plans cannot depend on what was heard.
    No,
    Later,
    InAMoment,
    Now,
}

impl Look {
    fn within(self) -> Option<Duration> {
        match self {
            Look::No => None,
            Look::Later => Some(LATER),
            Look::InAMoment => Some(MOMENT),
            Look::Now => Some(Duration::ZERO),
        }
    }

    fn now_if(it_matters: bool) -> Look {
        match it_matters {
            true => Look::Now,
            false => Look::No,
        }
    }
}

/// How long the cache may lag behind our writes before they are looked up.
const LAG: Duration = Duration::from_secs(5);

impl Actor {
    pub(super) fn new(
        host: Arc<Host>,
        key: AppKey,
        uid: String,
        mailbox: UnboundedSender<Message>,
    ) -> Actor {
        Actor {
            host,
            key,
            uid,
            mailbox,
            tasks: JoinSet::new(),
            own: None,
            must_reread: false,
            guard: Guard::default(),
            journal: Journal::default(),
            answers: Answers::default(),
            comparison: None,
            attempts: Attempts::default(),
            versions: Versions::default(),
            parsed: None,
            basis: None,
            retried: None,
            circumstances: Circumstances::default(),
            circumstances_digest: None,
            members: 0,
            on_their_way: 0,
            last_status_write: None,
            failed_status_writes: 0,
            is_pruned: false,
            unwritten: None,
            gathering: Gathering::default(),
            loading_since: None,
            observations: Observations::new(),
            portraits: Portraits::default(),
            seen: BTreeMap::new(),
            history: Vec::new(),
            calls: BTreeMap::new(),
            probes: Schedule::default(),
            secrets: BTreeMap::new(),
            told: BTreeMap::new(),
            ending_namespace: None,
            is_stopping: false,
            ours: BTreeSet::new(),
            lags_since: None,
            owes_a_look: false,
        }
    }

    /// Runs until the app is gone (`gone`) or the operator stops (`stop`); then calls in flight get their time and the status is written.
    pub(super) async fn run(
        mut self,
        mut inbox: UnboundedReceiver<Message>,
        gone: CancellationToken,
        stop: CancellationToken,
    ) {
        let mut next = Next::Again;
        loop {
            let mut heard = Look::No;
            if let Next::At(when) = next {
                heard = tokio::select! {
                    biased;
                    () = gone.cancelled() => break,
                    () = stop.cancelled() => {
                        self.wind_down(&mut inbox).await;
                        break;
                    }
                    message = inbox.recv() => match message {
                        Some(message) => self.hear(message).await,
                        None => break,
                    },
                    () = sleep(when) => Look::Now,
                };
                if heard == Look::Now {
                    self.wait_for_the_crowd(&mut inbox).await;
                }
            }
            while let Ok(message) = inbox.try_recv() {
                heard = heard.max(self.hear(message).await);
            }
            while self.tasks.try_join_next().is_some() {}
            if gone.is_cancelled() {
                break;
            }
            self.owes_a_look |= heard == Look::Now;
            let is_due =
                heard == Look::Now || heard == Look::InAMoment && self.is_the_cache_awaited();
            next = match next {
                Next::At(when) if !is_due => {
                    let when = earlier(when, heard.within().map(|wait| Instant::now() + wait));
                    Next::At(earlier(when, self.probes.next()))
                }
                _ => self.look().await,
            };
        }
        self.host.metrics.forget(&self.key);
        self.host.slots.forget(&self.uid);
    }

    /// Hears what comes along with a change, so that one look does for all.
    async fn wait_for_the_crowd(&mut self, inbox: &mut UnboundedReceiver<Message>) {
        let until = Instant::now() + CROWD;
        while self.members >= LARGE || self.journal.calls_in_flight() > 0 {
            match timeout_at(until, inbox.recv()).await {
                Ok(Some(message)) => drop(self.hear(message).await),
                Ok(None) | Err(_) => break,
            }
        }
    }

    /// Whether only the cache kept an app from a look that was due.
    fn is_the_cache_awaited(&self) -> bool {
        self.owes_a_look && self.lags_since.is_some()
    }

    async fn look(&mut self) -> Next {
        if self.must_reread && !self.reread().await {
            return Next::At(Some(Instant::now() + Duration::from_secs(1)));
        }
        if self.guard.has_unknown()
            && let Err(error) = (self.guard).look(&self.host.api, &self.key.namespace).await
        {
            tracing::warn!(app = %self.key, %error, "the outcome of a write is still unknown");
            return Next::At(Some(Instant::now() + Duration::from_secs(1)));
        }
        if !self.guard.is_settled(&self.host.index, &self.key.namespace) {
            return self.wait_for_the_cache().await;
        }
        self.lags_since = None;
        self.owes_a_look = false;
        let begin = Instant::now();
        let next = self.reconcile().await;
        self.host.metrics.reconciled(&self.key, begin.elapsed());
        next
    }

    /// The watch brings our own writes in a moment. When it does not, the API is asked what became of them.
    async fn wait_for_the_cache(&mut self) -> Next {
        let now = Instant::now();
        let since = *self.lags_since.get_or_insert(now);
        if now.duration_since(since) < LAG {
            return Next::At(Some(since + LAG));
        }
        self.lags_since = None;
        match self.guard.look(&self.host.api, &self.key.namespace).await {
            Ok(()) => tracing::warn!(app = %self.key, "the watch lags behind our own writes"),
            Err(error) => {
                tracing::warn!(app = %self.key, %error, "the watch lags behind, and the API does not answer");
            }
        }
        // Dropped expectations are noticed at once.
        Next::At(Some(now + Duration::from_millis(100)))
    }

    /// Running calls get a bounded time to end, so that what they did is recorded.
    async fn wind_down(&mut self, inbox: &mut UnboundedReceiver<Message>) {
        self.is_stopping = true;
        let deadline = Instant::now() + self.host.settings.grace;
        while self.journal.calls_in_flight() > 0 || self.attempts.are_running() {
            match timeout_at(deadline, inbox.recv()).await {
                Ok(Some(message)) => drop(self.hear(message).await),
                Ok(None) | Err(_) => break,
            }
        }
        if self.guard.is_settled(&self.host.index, &self.key.namespace) && !self.must_reread {
            self.flush_status().await;
        }
    }

    /// Takes it in.
    async fn hear(&mut self, message: Message) -> Look {
        match message {
            Message::Changed if self.on_their_way >= CROWDED => return Look::InAMoment,
            Message::Changed => {}
            Message::Stirring => return Look::InAMoment,
            Message::StatusWritten => {
                let seen = self.host.index.app(&self.key);
                let is_ours =
                    (self.own.iter().zip(&seen)).any(|(own, seen)| own.version() >= seen.version());
                return if is_ours { Look::Later } else { Look::Now };
            }
            Message::Called(called) => self.called(*called).await,
            Message::Tell(note) => {
                self.say(note);
                return Look::No;
            }
            Message::Decided(decided) => self.decided(*decided),
            Message::Carried {
                title,
                kind,
                outcome,
            } => {
                let has_failed = outcome.error.is_some();
                self.take(&title, kind, *outcome);
                return Look::now_if(has_failed);
            }
            Message::Probed {
                pod,
                ordinal,
                result,
                serving,
                took,
            } => {
                let matters = self.take_observation(pod, ordinal, *result, &serving, took);
                return Look::now_if(matters);
            }
            Message::PutState {
                key,
                value,
                after_version,
                reply,
            } => {
                let answer = self.put_state(&key, &value, after_version).await;
                // The call may have ended meanwhile; the value stands all the same.
                let _ = reply.send(answer);
            }
            Message::Secret { slot, missing } => match missing {
                Some(why) => {
                    let before = self.secrets.insert(slot, why.clone());
                    if before.as_ref() != Some(&why) {
                        self.say(Note::warning("SecretMissing", why));
                    }
                }
                None => {
                    self.secrets.remove(&slot);
                }
            },
        }
        Look::Now
    }

    fn decided(&mut self, decided: Decided) {
        let decision = &decided.decision;
        self.host.metrics.hook_called(
            &self.key,
            decision.hook().name(),
            decision.result(),
            decided.took,
        );
        let unusable = match decision {
            Decision::UpdateOrder(Ok(said)) if said.answer.is_some() => Some(None),
            Decision::UpdateOrder(Ok(_)) => Some(Some(
                "update-order gave no permutation of the wanted ordinals".to_owned(),
            )),
            Decision::UpdateOrder(Err(error)) => {
                Some(Some(format!("update-order failed: {error}")))
            }
            Decision::Validate(_) | Decision::MemberConfig(_) => None,
        };
        if let Some(why) = unusable {
            let note = why.map(|why| {
                let text = format!("{why}: members are updated from the highest ordinal down");
                Note::warning("UpdateOrderUnusable", text)
            });
            self.say_once("update-order", note);
        }
        (self.host.metrics).hook_used(&self.key, decision.hook().name(), decision.usage());
        self.judge(&decided.serving, decision.hook(), decision.error());
        for finding in self.answers.take(decided, self.host.clock.now()) {
            self.say(Note::warning("PluginWarns", finding.to_string()));
        }
    }

    /// Counts how a call of this version ended.
    pub(super) fn judge(&self, serving: &Serving, hook: Hook, error: Option<&CallError>) {
        match error {
            None => serving.answered(hook),
            Some(error) => {
                if let Some(trapping) = serving.failed(error) {
                    // Nobody listens any more: the operator stops.
                    let _ = self.host.news.send(News::PluginTraps(Box::new(trapping)));
                }
            }
        }
    }

    /// The newest known state of the app: the watch's, or the answer to our own last status write.
    pub(super) fn newest(&self) -> Option<Arc<AppObject>> {
        let seen = self.host.index.app(&self.key)?;
        if seen.uid() != self.uid {
            return None;
        }
        match &self.own {
            Some(own) if own.version() > seen.version() => Some(own.clone()),
            _ => Some(seen),
        }
    }

    /// An event on the app; on its namespace while that is being deleted, because no event can be created in it any more.
    pub(super) fn say(&self, note: Note) {
        let namespace = &self.key.namespace;
        let ending = self.ending_namespace.clone();
        match ending.or_else(|| self.host.index.ending_namespace(namespace)) {
            // The app may be gone by now: that it was let go is told last.
            None => self
                .host
                .events
                .emit(&Subject::app(&self.key, &self.uid), note),
            Some(uid) => {
                let message = format!("{}: {}", self.key, note.message);
                let about = Subject::namespace(namespace, uid);
                let note = Note::new(note.weight, &note.reason, message);
                self.host.events.emit(&about, note);
            }
        }
    }

    /// An event on the app, once for the same text. An empty text forgets what was told.
    pub(super) fn say_once(&mut self, topic: &'static str, note: Option<Note>) {
        let text = note.as_ref().map(|note| note.message.clone());
        if self.told.get(topic) == text.as_ref() {
            return;
        }
        match (text, note) {
            (Some(text), Some(note)) => {
                self.told.insert(topic, text);
                self.say(note);
            }
            _ => {
                self.told.remove(topic);
            }
        }
    }
}

/// The earlier of two times, as far as there are any.
pub(super) fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    [one, other].into_iter().flatten().min()
}

/// Sleeps until then; without a time, for ever.
async fn sleep(until: Option<Instant>) {
    match until {
        Some(when) => sleep_until(when).await,
        None => std::future::pending().await,
    }
}
