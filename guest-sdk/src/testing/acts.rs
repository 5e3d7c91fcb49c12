//! Calls of hooks, as the host makes them.

use std::collections::BTreeMap;

use super::{MockHost, Record, Request, Scene};
use crate::app::{App, Claim};
use crate::call::{Call, Cause, MoveCause};
use crate::finding::Finding;
use crate::member::{Member, Seen};
use crate::occasion::{Joining, Leaving, Left, Moving, Scaling, Task};
use crate::plugin::Hook;
use crate::report::Report;
use crate::step::{Fault, Outcome, Step};

/// One purpose of an act hook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// `pre_scale`
    PreScale,
    /// `post_ready` of a member.
    PostReady {
        /// The member.
        ordinal: u32,
    },
    /// `pre_delete` of a member.
    PreDelete {
        /// The member.
        ordinal: u32,
        /// Why it is to go.
        why: Cause,
    },
    /// `post_delete` of a member that left for good.
    PostDelete {
        /// The member.
        ordinal: u32,
        /// UID of the pod that it had.
        was: String,
    },
    /// `task`
    Task {
        /// Its name in the manifest.
        name: String,
        /// The member that it is about.
        member: Option<u32>,
        /// What the user gave, JSON.
        arguments: String,
    },
    /// `move_role` of an exclusive role.
    MoveRole {
        /// The role.
        role: String,
        /// Why it is to move.
        why: MoveCause,
        /// The member that is to have it, where one is given.
        target: Option<u32>,
    },
}

/// What the host keeps of an invocation that is under way.
#[derive(Default)]
pub(super) struct Journal {
    attempts: u32,
    checkpoint: Option<Vec<u8>>,
}

/// Whether the host lives long enough to take the answer.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
    Taken,
    Lost,
}

impl MockHost {
    /// Calls the hook once under this id, and takes its answer: a checkpoint is kept for the next call, and requests are committed.
    ///
    /// # Panics
    /// When the plugin does not implement the hook.
    pub fn act(&self, id: &str, act: &Act) -> Step {
        self.call(id, act, false, Fate::Taken)
    }

    /// As [`act`](MockHost::act), but the host dies before it takes the answer: what the plugin did to members and to `state` stays, its answer,
    /// its checkpoint and its requests are lost.
    ///
    /// # Panics
    /// As [`act`](MockHost::act).
    pub fn act_and_crash(&self, id: &str, act: &Act) -> Step {
        self.call(id, act, false, Fate::Lost)
    }

    /// As [`act`](MockHost::act), and the purpose is gone: the plugin is to undo what it did.
    ///
    /// # Panics
    /// As [`act`](MockHost::act).
    pub fn cancel(&self, id: &str, act: &Act) -> Step {
        self.call(id, act, true, Fate::Taken)
    }

    /// Calls the hook under this id until it answers something else than "in progress", but at most so many times. The virtual clock passes the
    /// time that each answer asks for.
    ///
    /// # Panics
    /// As [`act`](MockHost::act).
    pub fn act_until_settled(&self, id: &str, act: &Act, calls: u32) -> Step {
        let mut step = self.act(id, act);
        for _ in 1..calls {
            let Ok(Outcome::InProgress(progress)) = &step else {
                return step;
            };
            self.advance(progress.again_after);
            step = self.act(id, act);
        }
        step
    }

    /// Asks `validate` about the app as it stands; `old` is what was accepted last.
    ///
    /// # Panics
    /// When the plugin does not implement the hook.
    pub fn validate(&self, old: Option<&App>) -> Vec<Finding> {
        written(
            self.plugin.on_validate(old, &self.app(), self),
            Hook::Validate,
        )
    }

    /// Asks `member_config` about a member.
    ///
    /// # Panics
    /// When the plugin does not implement the hook.
    pub fn member_config(&self, ordinal: u32) -> BTreeMap<String, String> {
        let answer = self
            .plugin
            .on_member_config(&self.app(), &self.known(ordinal), self);
        written(answer, Hook::MemberConfig)
    }

    /// Asks `update_order`.
    ///
    /// # Panics
    /// When the plugin does not implement the hook.
    pub fn update_order(&self) -> Vec<u32> {
        written(
            self.plugin.on_update_order(&self.app(), self),
            Hook::UpdateOrder,
        )
    }

    /// Probes a member; its report shows in [`Member::last`] from then on.
    ///
    /// # Panics
    /// When the plugin does not implement the hook.
    pub fn probe(&self, ordinal: u32) -> Result<Report, Fault> {
        let answer = self
            .plugin
            .on_probe(&self.app(), &self.known(ordinal), self);
        let report = written(answer, Hook::Probe)?;
        let at_ms = self.scene().now_ms;
        self.edit_member(ordinal, |member| {
            member.last = Some(Seen {
                at_ms,
                healthy: report.healthy,
                role: report.role.clone(),
                note: report.note.clone(),
            });
        });
        Ok(report)
    }

    fn call(&self, id: &str, act: &Act, cancelling: bool, fate: Fate) -> Step {
        let call = self.scene().begin(id, cancelling);
        let app = self.app();
        let plugin = &self.plugin;
        let step = match act {
            Act::PreScale => {
                let scaling = Scaling { call, app };
                written(plugin.on_pre_scale(&scaling, self), Hook::PreScale)
            }
            Act::PostReady { ordinal } => {
                let member = self.known(*ordinal);
                let joining = Joining { call, app, member };
                written(plugin.on_post_ready(&joining, self), Hook::PostReady)
            }
            Act::PreDelete { ordinal, why } => {
                let leaving = Leaving {
                    call,
                    app,
                    member: self.known(*ordinal),
                    why: why.clone(),
                };
                written(plugin.on_pre_delete(&leaving, self), Hook::PreDelete)
            }
            Act::PostDelete { ordinal, was } => {
                let left = Left {
                    call,
                    app,
                    ordinal: *ordinal,
                    was: was.clone(),
                };
                written(plugin.on_post_delete(&left, self), Hook::PostDelete)
            }
            Act::Task {
                name,
                member,
                arguments,
            } => {
                let task = Task {
                    call,
                    app,
                    name: name.clone(),
                    member: *member,
                    arguments: arguments.clone(),
                };
                written(plugin.on_task(&task, self), Hook::Task)
            }
            Act::MoveRole { role, why, target } => match app.claim(role).cloned() {
                Some(held) => {
                    let moving = Moving {
                        call,
                        app,
                        held,
                        why: why.clone(),
                        target: *target,
                    };
                    written(plugin.on_move_role(&moving, self), Hook::MoveRole)
                }
                None => Err(Fault::Fatal(format!("nobody holds the role {role}"))),
            },
        };
        self.scene().end(id, &step, fate);
        step
    }

    fn known(&self, ordinal: u32) -> Member {
        self.member_of(ordinal).unwrap_or(Member {
            ordinal,
            ..Member::default()
        })
    }
}

#[allow(
    clippy::panic,
    reason = "this is for tests, where a wrong question is to fail loudly"
)]
fn written<T>(answer: Option<T>, hook: Hook) -> T {
    answer.unwrap_or_else(|| panic!("the plugin does not implement {hook:?}"))
}

impl Scene {
    fn begin(&mut self, id: &str, cancelling: bool) -> Call {
        self.queued.clear();
        let journal = self.journal.entry(id.to_owned()).or_default();
        journal.attempts += 1;
        Call {
            id: id.to_owned(),
            attempt: journal.attempts,
            checkpoint: journal.checkpoint.clone(),
            cancelling,
            ..Call::default()
        }
    }

    fn end(&mut self, id: &str, step: &Step, fate: Fate) {
        let requests = std::mem::take(&mut self.queued);
        let Ok(outcome) = step else { return };
        if fate == Fate::Lost {
            return;
        }
        match outcome {
            Outcome::InProgress(progress) => {
                let journal = self.journal.entry(id.to_owned()).or_default();
                journal.checkpoint = Some(progress.checkpoint.clone());
            }
            Outcome::Done => {
                self.journal.remove(id);
            }
            Outcome::Refuse(_) => {}
        }
        for request in requests {
            self.commit(&request);
            self.records.push(Record::Committed(request));
        }
    }

    fn commit(&mut self, request: &Request) {
        match request {
            Request::ClaimRole {
                role,
                pod,
                after_epoch,
            } => {
                let holder = self
                    .members
                    .values()
                    .find(|member| member.pod.as_deref() == Some(pod.as_str()));
                let Some(ordinal) = holder.map(|member| member.ordinal) else {
                    return;
                };
                self.app.claims.retain(|claim| claim.role != *role);
                self.app.claims.push(Claim {
                    role: role.clone(),
                    ordinal,
                    pod: pod.clone(),
                    epoch: after_epoch + 1,
                    extra: BTreeMap::new(),
                });
            }
            Request::ReleaseRole { role, .. } => {
                self.app.claims.retain(|claim| claim.role != *role);
            }
            // What follows is the test's own to play: `start` replaces a pod, `stop` ends it.
            Request::DeletePod { .. }
            | Request::DiscardVolumes { .. }
            | Request::Quarantine { .. } => {}
        }
    }
}
