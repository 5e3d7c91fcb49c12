//! What users ask for: runs of tasks, decisions about invocations. As in the annotations of an app, a wish stands until it is recorded as taken up.

use std::collections::VecDeque;

use stateward_planner::journal::{Act, Phase};
use stateward_planner::status::{Order, Origin, TaskStatus};
use stateward_planner::world::{RulingWish, TaskWish, Verb, Wish};
use stateward_planner::{Invocation, InvocationId};
use stateward_sdk::Hook;

use crate::application::Application;
use crate::cluster::Cluster;
use crate::cluster::scene::Scene;

/// What users still ask for, and how the tasks ended that they asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    tasks: VecDeque<TaskWish>,
    decisions: VecDeque<Decision>,
    ended: Vec<Ended>,
}

/// A user's decision, about an invocation whose id he looks up when it is there.
#[derive(Debug, Clone)]
struct Decision {
    verb: Verb,
    about: About,
    /// The invocation that it was found to be about.
    found: Option<InvocationId>,
}

#[derive(Debug, Clone, Copy)]
enum About {
    Call(Hook, Option<u32>),
    Quarantine(u32),
}

/// A run that a user asked for.
#[derive(Debug, Clone)]
struct Ended {
    request: String,
    task: String,
    result: String,
}

impl<A: Application> Cluster<A> {
    /// A user asks for a task, as with `stateward do`: about a member where one is given, with arguments. Several wishes are taken up one after the other.
    pub fn task(&self, task: &str, member: Option<u32>, arguments: &str) {
        let mut scene = self.live.borrow_mut();
        let whom = member.map_or(String::new(), |ordinal| {
            format!(" for {}", scene.pod_name(ordinal))
        });
        scene.tell(format_args!("a user asks for the task {task}{whom}"));
        let wish = TaskWish {
            id: scene.next_wish(),
            task: task.to_owned(),
            member,
            arguments: arguments.to_owned(),
        };
        match wish.check() {
            Ok(()) => scene.asked.tasks.push_back(wish),
            Err(error) => scene.mistake(error.to_string()),
        }
        scene.present_tasks();
    }

    /// How the last run of this task ended that a user asked for: `Done`, `Refused`, `Failed`, `Skipped` or `Aborted`. None: no such run has ended.
    pub fn ended(&self, task: &str) -> Option<String> {
        let scene = self.live.borrow();
        let mut ended = scene.asked.ended.iter().rev();
        let last = ended.find(|ended| ended.task == task)?;
        Some(last.result.clone())
    }

    /// A user decides about an invocation, as with `stateward invocation`: that of this hook, for this member where one is given. It is taken up as soon as there
    /// is such an invocation that is not done; that there is none in the end is a mistake of the scenario.
    pub fn rule(&self, verb: Verb, hook: Hook, member: Option<u32>) {
        self.live
            .borrow_mut()
            .decide(verb, About::Call(hook, member));
    }

    /// A user releases a member that its plugin keeps from being started: `stateward invocation skip APP quarantine/ORDINAL`.
    pub fn release(&self, ordinal: u32) {
        self.live
            .borrow_mut()
            .decide(Verb::Skip, About::Quarantine(ordinal));
    }
}

impl<A: Application> Scene<A> {
    pub(super) fn next_wish(&mut self) -> String {
        self.wishes += 1;
        format!("wish-{}", self.wishes)
    }

    fn decide(&mut self, verb: Verb, about: About) {
        let decision = Decision {
            verb,
            about,
            found: None,
        };
        self.asked.decisions.push_back(decision);
    }

    fn present_tasks(&mut self) {
        let present = &mut self.model.world.app.wishes.task;
        if present.is_none() {
            *present = self.asked.tasks.pop_front();
        }
    }

    /// Before the host looks: who has decided something says so once there is what it is about.
    pub(super) fn present_decisions(&mut self) {
        if self.model.world.app.wishes.ruling.is_none()
            && let Some(decision) = self.asked.decisions.front().cloned()
            && let Some(invocation) = self.find(&decision)
        {
            if let Some(first) = self.asked.decisions.front_mut() {
                first.found = Some(invocation.clone());
            }
            let verb = said(decision.verb);
            self.tell(format_args!("a user decides to {verb} {invocation}"));
            let wish = RulingWish {
                id: self.next_wish(),
                invocation,
                verb: decision.verb,
                by: "a user".to_owned(),
                reason: "the scenario says so".to_owned(),
            };
            self.model.world.app.wishes.ruling = Some(wish);
        }
        let ruling = self.model.world.app.wishes.ruling.clone();
        if let Some(wish) = ruling.filter(|wish| wish.verb == Verb::Retry) {
            self.model.retry(&wish.invocation);
        }
    }

    fn find(&self, decision: &Decision) -> Option<InvocationId> {
        let world = &self.model.world;
        match decision.about {
            About::Quarantine(ordinal) => {
                let is_it = |order: &Order| matches!(order, Order::Quarantine { ordinal: of, .. } if *of == ordinal);
                let is_kept = world.recorded.orders.iter().any(is_it);
                is_kept.then(|| InvocationId(format!("quarantine/{ordinal}")))
            }
            About::Call(hook, member) => {
                // A permission to delete can be taken back.
                let is_open = |phase: &Phase| *phase != Phase::Done || decision.verb == Verb::Abort;
                let mut known = world.journal.values();
                let is_meant = |known: &Invocation| match &decision.found {
                    Some(id) => known.id == *id,
                    None => {
                        known.act.hook() == hook.name()
                            && (member.is_none() || member_of(&known.act) == member)
                    }
                };
                let found = known.find(|known| is_meant(known) && is_open(&known.phase));
                found.map(|known| known.id.clone())
            }
        }
    }

    /// The status was written: what it says of wishes reaches who asked.
    pub(super) fn hear_of_wishes(&mut self) {
        self.hear_of_tasks();
        self.hear_of_decisions();
        self.present_tasks();
    }

    fn hear_of_tasks(&mut self) {
        let recorded = self.model.world.recorded.clone();
        let present = &mut self.model.world.app.wishes.task;
        present.take_if(|wish| (recorded.tasks.iter()).any(|task| is_taken_up(task, &wish.id)));
        for task in &recorded.tasks {
            let Some(last) = &task.last else { continue };
            let Some(request) = &last.request else {
                continue;
            };
            let mut ended = self.asked.ended.iter();
            if ended.any(|ended| ended.request == *request) {
                continue;
            }
            // It was never begun: nobody can ask for this.
            if last.number == 0 {
                self.mistake(last.message.clone());
            }
            self.asked.ended.push(Ended {
                request: request.clone(),
                task: task.name.clone(),
                result: last.result.clone(),
            });
        }
    }

    fn hear_of_decisions(&mut self) {
        let Some(wish) = self.model.world.app.wishes.ruling.clone() else {
            return;
        };
        let rulings = &self.model.world.recorded.rulings;
        let recorded = (rulings.iter()).find(|ruling| ruling.request.as_ref() == Some(&wish.id));
        let Some(result) = recorded.map(|ruling| ruling.result.clone()) else {
            return;
        };
        self.model.world.app.wishes.ruling = None;
        match result.as_str() {
            "Taken" => drop(self.asked.decisions.pop_front()),
            // The host died and has not asked again yet: so does the user, later.
            "NoSuchInvocation" => {}
            _ => {
                self.asked.decisions.pop_front();
                let (verb, id) = (said(wish.verb), &wish.invocation);
                self.mistake(format!("a user wants to {verb} {id}: {result}"));
            }
        }
    }

    /// Nothing moves any more: there will be no invocation for what users decided. One that was there and came to its end meanwhile needs no decision.
    pub(super) fn give_decisions_up(&mut self) {
        let decisions = std::mem::take(&mut self.asked.decisions).into_iter();
        for decision in decisions.filter(|decision| decision.found.is_none()) {
            let what = match decision.about {
                About::Quarantine(ordinal) => format!("quarantine/{ordinal}"),
                About::Call(hook, None) => hook.name().to_owned(),
                About::Call(hook, Some(ordinal)) => {
                    format!("{} of {}", hook.name(), self.pod_name(ordinal))
                }
            };
            let verb = said(decision.verb);
            let text = format!("a user wants to {verb} {what}, and there is no such invocation");
            self.mistake(text);
        }
    }

    /// How the tasks ended that users asked for.
    pub(super) fn ended_tasks(&self) -> String {
        let ended = self.asked.ended.iter();
        let ended = ended.map(|ended| format!("{} {}", ended.task, ended.result));
        ended.collect::<Vec<_>>().join(", ")
    }
}

fn is_taken_up(task: &TaskStatus, wish: &str) -> bool {
    let running = task.running.as_ref().map(|running| &running.origin);
    let ended = task.last.as_ref().and_then(|last| last.request.as_deref());
    matches!(running, Some(Origin::User { request }) if request == wish) || ended == Some(wish)
}

fn member_of(act: &Act) -> Option<u32> {
    match act {
        Act::PreScale { ordinal, .. }
        | Act::PostReady { ordinal, .. }
        | Act::PreDelete { ordinal, .. }
        | Act::PostDelete { ordinal, .. } => Some(*ordinal),
        Act::Task { member, .. } => *member,
        Act::MoveRole { .. } => None,
    }
}

fn said(verb: Verb) -> &'static str {
    match verb {
        Verb::Skip => "skip",
        Verb::Retry => "retry",
        Verb::Abort => "abort",
    }
}
