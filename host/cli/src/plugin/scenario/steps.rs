//! Steps of a scenario file: what happens, and what must hold then.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use stateward_sdk::Hook;
use stateward_testkit::{Cluster, DeadlinePolicy, Scenario, Verb};

use super::Members;

/// One thing that happens, or that must hold.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) enum Step {
    /// A user wants so many members.
    Scale(u32),
    /// A user wants a new image.
    Update,
    /// A member's pod dies.
    Kill(u32),
    /// A member's container restarts.
    Restart(u32),
    /// A member answers nobody any more.
    CutOff(u32),
    /// It answers again.
    Reconnect(u32),
    /// From now on each answer of a member takes so many seconds.
    Slow { member: u32, seconds: u64 },
    /// Somebody deletes a member's pod.
    DeletePod(u32),
    /// A user deletes the app.
    Delete,
    /// A user wants a role to move.
    SwitchOver {
        role: String,
        #[serde(default)]
        target: Option<u32>,
    },
    /// A user asks for a task.
    Task {
        name: String,
        #[serde(default)]
        member: Option<u32>,
        #[serde(default)]
        arguments: String,
    },
    /// A member's node is cordoned.
    Cordon(u32),
    /// A member's node is cordoned, and somebody evicts what is on it.
    Drain(u32),
    /// The node that was cordoned or drained for this member takes pods again.
    Uncordon(u32),
    /// A user says how long an invocation of a hook may take, and what happens then.
    Deadline {
        hook: HookName,
        seconds: u64,
        #[serde(default = "wait")]
        policy: DeadlinePolicy,
    },
    /// A user decides about an invocation of a hook.
    Rule {
        verb: Verb,
        hook: HookName,
        #[serde(default)]
        member: Option<u32>,
    },
    /// A user releases a member that is in quarantine.
    Release(u32),
    /// So many seconds pass.
    Pass(u64),
    /// The step before cannot be finished, and the app says this.
    Waits(String),
    /// Members are in these states.
    Expect(BTreeMap<u32, String>),
    /// This member holds the role.
    Holds { role: String, ordinal: u32 },
    /// The last run of a task that a user asked for ended so.
    Ended { task: String, result: String },
}

/// The name of a hook, as in the contract.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct HookName(Hook);

impl TryFrom<String> for HookName {
    type Error = String;

    fn try_from(name: String) -> Result<HookName, String> {
        let hook = Hook::ALL.into_iter().find(|hook| hook.name() == name);
        let names = || Hook::ALL.map(Hook::name).join(", ");
        hook.map(HookName)
            .ok_or_else(|| format!("there is no hook {name}; there are {}", names()))
    }
}

fn wait() -> DeadlinePolicy {
    DeadlinePolicy::Wait
}

impl Step {
    pub(super) fn add(self, scenario: Scenario<Members>) -> Scenario<Members> {
        match self {
            Step::Scale(replicas) => scenario.when(
                format!("{replicas} members are wanted"),
                move |app: &Cluster<Members>| app.scale(replicas),
            ),
            Step::Update => scenario.when("a new image is wanted", Cluster::update),
            Step::Kill(ordinal) => scenario.when(format!("member {ordinal} dies"), move |app| {
                app.kill(ordinal);
            }),
            Step::Restart(ordinal) => {
                scenario.when(format!("member {ordinal} restarts"), move |app| {
                    app.restart(ordinal);
                })
            }
            Step::CutOff(ordinal) => {
                scenario.when(format!("member {ordinal} is cut off"), move |app| {
                    app.cut_off(ordinal, true);
                })
            }
            Step::Reconnect(ordinal) => {
                scenario.when(format!("member {ordinal} answers again"), move |app| {
                    app.cut_off(ordinal, false);
                })
            }
            Step::Slow { member, seconds } => {
                let what = format!("member {member} takes {seconds} s for an answer");
                scenario.when(what, move |app| {
                    app.slow_down(member, Duration::from_secs(seconds));
                })
            }
            Step::DeletePod(ordinal) => {
                scenario.when(format!("somebody deletes pod {ordinal}"), move |app| {
                    app.delete_pod(ordinal);
                })
            }
            Step::Delete => scenario.when("the app is deleted", Cluster::delete),
            Step::SwitchOver { role, target } => {
                scenario.when(format!("{role} is to move"), move |app| {
                    app.switch_over(&role, target);
                })
            }
            Step::Task {
                name,
                member,
                arguments,
            } => scenario.when(format!("a user asks for the task {name}"), move |app| {
                app.task(&name, member, &arguments);
            }),
            Step::Cordon(ordinal) => scenario.when(
                format!("the node of member {ordinal} is cordoned"),
                move |app: &Cluster<Members>| app.cordon(ordinal),
            ),
            Step::Drain(ordinal) => scenario.when(
                format!("the node of member {ordinal} is drained"),
                move |app: &Cluster<Members>| app.drain(ordinal),
            ),
            Step::Uncordon(ordinal) => scenario.when(
                format!("the node of member {ordinal} is uncordoned"),
                move |app: &Cluster<Members>| app.uncordon(ordinal),
            ),
            Step::Deadline {
                hook: HookName(hook),
                seconds,
                policy,
            } => scenario.when(
                format!("{} has a deadline of {seconds} s", hook.name()),
                move |app| app.deadline(hook, Duration::from_secs(seconds), policy),
            ),
            Step::Rule {
                verb,
                hook: HookName(hook),
                member,
            } => scenario.when(
                format!("a user decides about {}", hook.name()),
                move |app| {
                    app.rule(verb, hook, member);
                },
            ),
            Step::Release(ordinal) => {
                scenario.when(format!("a user releases member {ordinal}"), move |app| {
                    app.release(ordinal);
                })
            }
            Step::Pass(seconds) => scenario.when(format!("{seconds} s pass"), move |app| {
                app.pass(Duration::from_secs(seconds));
            }),
            Step::Waits(text) => scenario.waits(text),
            Step::Expect(states) => scenario.then("members are as expected", move |app| {
                for (ordinal, wanted) in &states {
                    let application = app.application();
                    let state = application.state(*ordinal).unwrap_or("absent");
                    hold(
                        state == wanted,
                        format!("member {ordinal} is {state}, not {wanted}"),
                    );
                }
            }),
            Step::Holds { role, ordinal } => {
                scenario.then(format!("{role} is held by member {ordinal}"), move |app| {
                    let holder = app.holder(&role);
                    let told =
                        holder.map_or("nobody".to_owned(), |holder| format!("member {holder}"));
                    hold(holder == Some(ordinal), format!("{told} holds {role}"));
                })
            }
            Step::Ended { task, result } => {
                scenario.then(format!("the task {task} ended: {result}"), move |app| {
                    let ended = app.ended(&task);
                    let told = ended.as_deref().unwrap_or("has not ended");
                    hold(told == result, format!("the task {task}: {told}"));
                })
            }
        }
    }
}

/// An assertion, told without the noise of a panic.
fn hold(holds: bool, otherwise: String) {
    if !holds {
        std::panic::resume_unwind(Box::new(otherwise));
    }
}
