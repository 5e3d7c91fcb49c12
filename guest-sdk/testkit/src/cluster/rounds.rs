//! One look of the host after the other: plan, write, do; pods start and end by themselves; time passes when nothing else is to be done.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use jiff::SignedDuration;
use stateward_planner::plan::{Plan, Step, WhyPatch};

use crate::application::Application;
use crate::cluster::Cluster;
use crate::fault::{HostDied, Kind, Place, die};

/// A scenario that takes longer than this never ends.
const ROUNDS: u32 = 2000;
/// An app that only waits for so many looks in a row waits for good.
const IDLE_LOOKS: u32 = 40;
/// Members are probed this often.
const PROBE_SECONDS: i64 = 10;

/// How [`Cluster::settle`] ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an app that waits for good has not done what was asked"]
pub enum Settled {
    /// Nothing is left to do.
    Reached,
    /// Nothing moves any more, and this is waited for, in the words of `stateward why`.
    Waiting(Vec<String>),
}

impl Settled {
    /// Whether nothing is left to do.
    pub fn is_reached(&self) -> bool {
        *self == Settled::Reached
    }
}

/// How one look ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// Something was done.
    Moved,
    /// Hooks were called, nothing else.
    Asked,
    /// Nothing was left to do at this time.
    Quiet,
}

impl<A: Application> Cluster<A> {
    /// Lets the host do its work until nothing is left to do, or until nothing moves any more.
    pub fn settle(&self) -> Settled {
        let settled = self.work();
        self.live.borrow_mut().give_decisions_up();
        settled
    }

    fn work(&self) -> Settled {
        let mut looks = 0;
        let mut before = Vec::new();
        let mut is_disturbed = false;
        for _ in 0..ROUNDS {
            let ended = self.look();
            if self.live.borrow_mut().points.has_struck() {
                // What failed is tried again, and what a probe did not see is seen by the next one.
                looks = 0;
                is_disturbed = true;
            }
            if ended == Ended::Moved {
                continue;
            }
            let plan = self.live.borrow().model.plan();
            if !plan.steps.is_empty() || self.is_worth_writing(&plan) {
                continue;
            }
            if plan.status.waiting.is_empty() && plan.wake_at.is_none() {
                if !std::mem::take(&mut is_disturbed) {
                    return Settled::Reached;
                }
                self.sleep(&plan);
                continue;
            }
            let now = self.summary();
            looks = if now == before { looks + 1 } else { 0 };
            before = now;
            if looks > IDLE_LOOKS && self.live.borrow_mut().pass_a_deadline() {
                looks = 0;
                continue;
            }
            if looks > IDLE_LOOKS {
                let waiting = plan.status.waiting.iter();
                let waiting: Vec<String> = waiting.map(|wait| wait.message.clone()).collect();
                return match waiting.is_empty() {
                    true => Settled::Reached,
                    false => Settled::Waiting(waiting),
                };
            }
            self.sleep(&plan);
        }
        Settled::Waiting(vec![format!(
            "nothing settles: after {ROUNDS} looks of the host the app still changes"
        )])
    }

    /// One look of the host. When it dies on the way, it starts again.
    pub(crate) fn look(&self) -> Ended {
        match catch_unwind(AssertUnwindSafe(|| self.look_once())) {
            Ok(ended) => ended,
            Err(end) => {
                self.survive(end);
                Ended::Moved
            }
        }
    }

    fn survive(&self, end: Box<dyn Any + Send>) {
        if end.is::<HostDied>() {
            self.live.borrow_mut().restart_host();
        } else {
            resume_unwind(end);
        }
    }

    fn look_once(&self) -> Ended {
        let has_moved = self.live.borrow_mut().run_pods();
        self.probe_all();
        self.live.borrow_mut().present_decisions();
        let plan = self.live.borrow().model.plan();
        let is_written = self.write(&plan);
        if is_written && plan.status_is_urgent {
            return Ended::Moved;
        }
        let mut ended = match has_moved {
            true => Ended::Moved,
            false => Ended::Quiet,
        };
        for step in &plan.steps {
            match step {
                Step::Call { id, act, .. } => {
                    self.live.borrow_mut().apply(step);
                    self.call(id, act);
                    if ended == Ended::Quiet {
                        ended = Ended::Asked;
                    }
                }
                Step::Decide { question } => {
                    self.decide(question);
                    self.live.borrow_mut().apply(step);
                    ended = Ended::Moved;
                }
                _ => {
                    self.at_step(&words(step), || self.live.borrow_mut().apply(step));
                    ended = Ended::Moved;
                }
            }
        }
        ended
    }

    /// Writes the plan's status; whether it changed.
    fn write(&self, plan: &Plan) -> bool {
        let changes = self.is_worth_writing(plan);
        let record = || {
            let mut scene = self.live.borrow_mut();
            scene.model.record(plan);
            scene.hear_of_wishes();
        };
        match changes {
            true => self.at_step("", record),
            false => record(),
        }
        changes
    }

    fn is_worth_writing(&self, plan: &Plan) -> bool {
        let scene = self.live.borrow();
        let world = &scene.model.world;
        plan.status
            .is_worth_writing(&world.recorded, world.app.face)
    }

    /// Does a step of the plan, unless the host dies before; or after.
    fn at_step(&self, words: &str, act: impl FnOnce()) {
        let kind = self.live.borrow_mut().points.next(Place::Step);
        if kind == Some(Kind::CrashBeforeStep) {
            self.strike(Kind::CrashBeforeStep, words);
            die();
        }
        act();
        if !words.is_empty() {
            self.live.borrow_mut().tell(words);
        }
        if kind == Some(Kind::CrashAfterStep) {
            self.strike(Kind::CrashAfterStep, words);
            die();
        }
    }

    fn strike(&self, kind: Kind, words: &str) {
        let what = match words {
            "" => "writing the status",
            words => words,
        };
        let mut scene = self.live.borrow_mut();
        scene.history.fault(format_args!("{kind}: {what}"));
    }

    /// Time passes until the plan wakes, or the next probe is due.
    fn sleep(&self, plan: &Plan) {
        let mut scene = self.live.borrow_mut();
        let probe = SignedDuration::from_secs(PROBE_SECONDS);
        let now = scene.model.now;
        let wait = plan
            .wake_at
            .map_or(probe, |wakes| wakes.duration_since(now));
        scene.pass(wait.clamp(SignedDuration::from_millis(1), probe));
    }

    /// Probes every member that runs, when it is time or was never done.
    fn probe_all(&self) {
        let due: Vec<u32> = {
            let mut scene = self.live.borrow_mut();
            let now = scene.model.now.as_second();
            let is_time = now.saturating_sub(scene.probed_at) >= PROBE_SECONDS;
            if is_time {
                scene.probed_at = now;
            }
            let running = scene.processes.iter();
            running
                .filter(|(uid, _)| is_time || !scene.seen.contains_key(*uid))
                .map(|(_, process)| process.ordinal)
                .collect()
        };
        for ordinal in due {
            self.probe(ordinal);
        }
    }
}

/// What people are told of a step; nothing of those that only keep labels and revisions.
fn words(step: &Step) -> String {
    match step {
        Step::CreatePod { name, .. } => format!("the host makes {name}"),
        Step::DeletePod { name, .. } => format!("the host deletes {name}"),
        Step::CreateRevision { name, .. } => format!("the host records revision {name}"),
        Step::DeleteClaim { name, .. } => format!("the host deletes the claim {name}"),
        Step::PatchPod {
            name,
            why: WhyPatch::Eviction,
            ..
        } => format!("the host changes whether {name} may be evicted"),
        Step::PatchPod { name, .. } => format!("the host marks {name}"),
        _ => String::new(),
    }
}
