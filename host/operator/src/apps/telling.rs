//! What an app tells of itself: the planned status with what only the operator knows, and the events that follow from it.

use jiff::Timestamp;
use stateward_planner::status::EndedInvocation;
use stateward_planner::{Invocation, Phase, Status, Waiting};

use super::actor::Actor;
use super::overlay;
use crate::events::Note;
use crate::worlds::View;

/// Ended invocations that are remembered.
const REMEMBERED: usize = 24;

impl Actor {
    /// The planned status with what only the operator knows.
    pub(super) fn complete(&self, view: &View, mut status: Status, now: Timestamp) -> Status {
        if self.key.face == stateward_planner::world::Face::StatefulSet {
            return status;
        }
        status.history = self.history(&status);
        overlay::refused_steps(&mut status, &self.attempts);
        let stall = overlay::stall(&view.pods, &self.secrets)
            .or_else(|| overlay::failing_hook(&view.world.journal));
        if let Some((reason, message)) = stall {
            overlay::set_stalled(&mut status, &view.world.recorded, &reason, &message, now);
        }
        status
    }

    /// What is recorded of ended invocations, and what ended since.
    fn history(&self, status: &Status) -> Vec<EndedInvocation> {
        let mut history = status.history.clone();
        for ended in &self.history {
            if !history.contains(ended) {
                history.push(ended.clone());
            }
        }
        let surplus = history.len().saturating_sub(REMEMBERED);
        history.drain(..surplus);
        history
    }

    /// An invocation ended.
    pub(super) fn remember(&mut self, invocation: &Invocation, phase: &Phase) {
        let result = match phase {
            Phase::Done if invocation.cancelling => "Undone",
            Phase::Done => "Done",
            Phase::Fatal { .. } => "Fatal",
            _ => return,
        };
        self.history.push(EndedInvocation {
            invocation: invocation.id.clone(),
            started: invocation.started,
            ended: self.host.clock.now(),
            attempts: invocation.attempts,
            result: result.to_owned(),
        });
        let surplus = self.history.len().saturating_sub(REMEMBERED);
        self.history.drain(..surplus);
    }

    /// What a user asks for and is not taken up: nothing of it stands in the status.
    pub(super) fn tell_of_wish(&mut self, view: &View) {
        let message = view.unreadable_wish.clone();
        let note = message.map(|message| Note::warning("WishUnreadable", message));
        self.say_once("wish", note);
    }

    /// New entries of `waiting` that somebody should know of, and a new reason to be stalled, become events.
    pub(super) fn tell(&mut self, view: &View, status: &Status) {
        let recorded = &view.world.recorded;
        let entries = (status.waiting.iter())
            .map(|entry| (format!("{:?}", entry.owner), entry.reason.clone()));
        self.host.metrics.waiting(&self.key, entries);
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
}
