//! Deadlines of invocations: the user sets them by hook, and the clock of a scenario runs on until they are over.

use std::time::Duration;

use stateward_planner::Phase;
use stateward_planner::spec::{Deadline, DeadlinePolicy};
use stateward_sdk::Hook;

use crate::application::Application;
use crate::cluster::Cluster;
use crate::cluster::scene::Scene;

impl<A: Application> Cluster<A> {
    /// A user sets `spec.plugin.deadlines` for a hook: how long, in whole seconds from its first call, an invocation may take, and what happens then. An app that
    /// only waits is looked at until the deadlines of its invocations are over.
    pub fn deadline(&self, hook: Hook, time: Duration, policy: DeadlinePolicy) {
        let mut scene = self.live.borrow_mut();
        let name = hook.name();
        if !is_act(hook) {
            scene.mistake(format!("{name} has no invocations, and no deadline"));
            return;
        }
        let seconds = u32::try_from(time.as_secs().max(1)).unwrap_or(u32::MAX);
        scene.tell(format_args!(
            "a user lets {name} take {seconds} s, and then says {policy:?}"
        ));
        let deadline = Deadline { seconds, policy };
        scene.model.edit(|spec| {
            spec.deadlines.insert(name.to_owned(), deadline);
        });
    }
}

impl<A: Application> Scene<A> {
    /// Lets time pass until the next deadline is over. Whether there was one.
    pub(super) fn pass_a_deadline(&mut self) -> bool {
        let now = self.model.now;
        let world = &self.model.world;
        let open = (world.journal.values()).filter(|known| known.phase != Phase::Done);
        let ends = open.filter_map(|known| world.deadline_of(known));
        let Some(next) = ends.filter(|end| *end > now).min() else {
            return false;
        };
        self.pass(next.duration_since(now));
        true
    }
}

fn is_act(hook: Hook) -> bool {
    matches!(
        hook,
        Hook::PreScale
            | Hook::PostReady
            | Hook::PreDelete
            | Hook::PostDelete
            | Hook::MoveRole
            | Hook::Task
    )
}
