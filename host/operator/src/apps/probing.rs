//! Probes of an app's members: started when due, their reports kept in memory.

use std::sync::Arc;
use std::time::Duration;

use stateward_planner::world as planner;
use stateward_runtime::{CallError, Hook, Probed, Seen};
use tokio::time::Instant;

use super::actor::Actor;
use super::messages::Message;
use crate::capabilities::CallEffects;
use crate::hooks::snapshot;
use crate::plugins::Serving;
use crate::watch::Meta;
use crate::worlds::{View, ordinal_of};

impl Actor {
    /// Starts the probes that are due.
    pub(super) fn probe(&mut self, view: &View, serving: &Arc<Serving>) {
        if !serving.has(Hook::Probe) || self.is_stopping {
            return;
        }
        let world = &view.world;
        let mut present = Vec::new();
        for pod in view.pods.iter() {
            let is_ours = pod.controller() == Some(world.app.uid.as_str());
            let can_answer =
                is_ours && !pod.is_terminating() && pod.runs && pod.facts.address.is_some();
            if can_answer && ordinal_of(&world.app.name, pod.name()).is_some() {
                present.push(pod.uid().to_owned());
            }
        }
        (self.observations).retain(|uid, _| world.pods.iter().any(|pod| pod.uid == *uid));
        (self.seen).retain(|uid, _| world.pods.iter().any(|pod| pod.uid == *uid));
        let due = self.probes.take_due(&present, Instant::now());
        if due.is_empty() {
            return;
        }
        let now = self.host.clock.now();
        let picture = snapshot(
            view,
            &self.observations,
            &mut self.portraits,
            &self.host.index,
            now,
        );
        for uid in due {
            let pod = view.pods.iter().find(|pod| pod.uid() == uid);
            let Some(ordinal) = pod.and_then(|pod| ordinal_of(&world.app.name, pod.name())) else {
                continue;
            };
            let effects = Arc::new(CallEffects::new(
                self.host.clone(),
                &view.app,
                Hook::Probe.name(),
                None,
                view.pods.clone(),
                self.mailbox.clone(),
            ));
            let (host, serving, picture) = (self.host.clone(), serving.clone(), picture.clone());
            let mailbox = self.mailbox.clone();
            self.tasks.spawn(async move {
                // The semaphore is never closed.
                let _turn = host.probing.acquire().await;
                let begin = Instant::now();
                let result = serving.granted.probe(picture, ordinal, effects).await;
                // The app is gone when nobody listens.
                let _ = mailbox.send(Message::Probed {
                    pod: uid,
                    ordinal,
                    result: Box::new(result),
                    serving,
                    took: begin.elapsed(),
                });
            });
        }
    }

    /// Takes what a probe saw; false when it is what was known. A probe that failed saw nothing: the member counts as unhealthy, its role as unknown.
    pub(super) fn take_observation(
        &mut self,
        pod: String,
        ordinal: u32,
        result: Result<Probed, CallError>,
        serving: &Serving,
        took: Duration,
    ) -> bool {
        let usage = match &result {
            Ok(probed) => &probed.usage,
            Err(error) => &*error.usage,
        };
        self.host.metrics.hook_used(&self.key, "probe", usage);
        self.judge(serving, Hook::Probe, result.as_ref().err());
        let (report, outcome) = match result {
            Ok(Probed {
                result: Ok(report), ..
            }) => (Some(report), "done"),
            Ok(Probed {
                result: Err(fault), ..
            }) => {
                tracing::debug!(app = %self.key, ordinal, ?fault, "probe failed");
                (None, "failed")
            }
            Err(error) => {
                tracing::warn!(app = %self.key, ordinal, %error, "probe failed");
                (None, error.reason())
            }
        };
        self.host
            .metrics
            .hook_called(&self.key, "probe", outcome, took);
        let report = report.unwrap_or_default();
        let at_ms = u64::try_from(self.host.clock.now().as_millisecond()).unwrap_or(0);
        let seen = Seen {
            at_ms,
            healthy: report.healthy,
            role: report.role,
            note: report.note,
        };
        (self.host.metrics).probed(&self.key, ordinal, seen.healthy, &report.figures);
        let is_quiet = seen.healthy
            && self
                .observations
                .get(&pod)
                .is_some_and(|before| before.healthy && before.role == seen.role);
        let is_waited_for = self.journal.waits_for_health();
        (self.probes).ended(&pod, is_quiet, is_waited_for, Instant::now());
        let now = self.host.clock.now();
        let before = self.seen.get(&pod);
        let unwell_since = before.and_then(|before| before.unwell_since);
        let known = planner::Seen {
            at: now,
            unwell_since: (!seen.healthy).then(|| unwell_since.unwrap_or(now)),
            role: seen.role.clone(),
            wants: report.wants,
        };
        // When a task is wanted, it counts that it was wanted again.
        let is_news = !known.wants.is_empty()
            || before.is_none_or(|before| {
                let unchanged = planner::Seen {
                    at: now,
                    ..before.clone()
                };
                unchanged != known
            });
        self.seen.insert(pod.clone(), known);
        self.observations.insert(pod, seen);
        is_news
    }
}
