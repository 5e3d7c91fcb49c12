//! Conditions of a StatefulApp. Upstream's StatefulSet has none; conditions of others are carried along.
//!
//! | type | True | False |
//! |---|---|---|
//! | Available   | `MembersAvailable`: all that are wanted | `MembersUnavailable` |
//! | Progressing | `Scaling`, `RollingOut`, `RecreateInProgress`, `WaitingForMembers`, `Validating` | `Complete`, `Stalled`, `OnDelete`, `Paused`, `ProgressDeadlineExceeded` |
//! | DrainsGated | `BudgetInPlace` | `UsersBudget`, `BudgetsUnreadable`. Only where the plugin has `pre-delete` |
//! | Stalled     | the reason of what only a change of spec, plugin or cluster can end | `NotStalled` |

use jiff::{SignedDuration, Timestamp};

use super::{Condition, recreate};
use crate::admission::Admission;
use crate::draft::Draft;
use crate::eviction::{self, Told};
use crate::scene::Scene;
use crate::spec::UpdateStrategy;
use crate::waiting::{HookStanding, Owner, Waiting, WaitingFor};
use crate::world::Revision;

/// A hook that failed so often in a row is in trouble that does not pass by itself.
const FAILURES: u32 = 3;

pub(crate) struct Verdict {
    pub(crate) type_: &'static str,
    pub(crate) is_true: bool,
    pub(crate) reason: String,
    pub(crate) message: String,
}

pub(super) fn set(
    scene: &Scene<'_>,
    admission: &Admission,
    hooks: &[HookStanding],
    waiting: &[Waiting],
    draft: &mut Draft,
) {
    let stalled = stalled(admission, hooks, &draft.waits);
    let progressing = in_time(
        scene,
        waiting,
        progressing(scene, admission, stalled.is_true),
        draft,
    );
    let verdicts = [available(scene, waiting), progressing, stalled];
    for verdict in verdicts {
        place(
            &mut draft.status.conditions,
            verdict,
            Some(scene.world.app.generation),
            scene.now,
        );
    }
    match eviction::verdict(scene) {
        Told::AsBefore => {}
        Told::Nothing => {
            (draft.status.conditions).retain(|condition| condition.type_ != eviction::CONDITION)
        }
        Told::Verdict(verdict) => place(
            &mut draft.status.conditions,
            verdict,
            Some(scene.world.app.generation),
            scene.now,
        ),
    }
}

fn available(scene: &Scene<'_>, waiting: &[Waiting]) -> Verdict {
    let wanted = scene.goal.ordinals.replicas;
    let available = scene.available();
    let is_true = available == wanted;
    let why = waiting
        .iter()
        .find(|wait| wait.owner == Owner::Kubernetes)
        .map_or_else(String::new, |wait| {
            format!("; {}: {}", wait.subject, wait.message)
        });
    Verdict {
        type_: "Available",
        is_true,
        reason: if is_true {
            "MembersAvailable".to_owned()
        } else {
            "MembersUnavailable".to_owned()
        },
        message: format!(
            "{available} of {wanted} members are available{}",
            if is_true { "" } else { &why }
        ),
    }
}

fn progressing(scene: &Scene<'_>, admission: &Admission, is_stalled: bool) -> Verdict {
    let wanted = scene.goal.ordinals.replicas;
    let outdated = scene
        .wanted()
        .filter(|member| scene.is_outdated(member))
        .count();
    let is_rolling = scene.world.app.spec.update != UpdateStrategy::OnDelete;
    let are_all_available = scene.are_available();
    // After a restart of the host the same spec is judged again; that is no news.
    let is_new = scene
        .world
        .recorded
        .accepted
        .as_ref()
        .is_none_or(|accepted| accepted.generation != scene.world.app.generation);
    let is_judged = !matches!(admission.obstacle(), Some(WaitingFor::Validation));
    let (is_true, reason, message) = if !is_judged && is_new {
        (true, "Validating", "the plugin judges the spec".to_owned())
    } else if is_stalled {
        (false, "Stalled", "see the condition Stalled".to_owned())
    } else if scene.revisions.update.is_none() || !scene.is_as_wanted() {
        let message = format!("{} members exist, {wanted} are wanted", scene.members.len());
        (true, "Scaling", message)
    } else if outdated > 0 && is_rolling {
        let message = format!("{outdated} of {wanted} members are at an older revision");
        match scene.world.app.spec.update {
            UpdateStrategy::Recreate => (true, recreate::IN_PROGRESS, message),
            _ => (true, "RollingOut", message),
        }
    } else if !are_all_available {
        let message = "not all members are available".to_owned();
        (true, "WaitingForMembers", message)
    } else if is_held_by_pause(scene) {
        let message = "the rollout stands still as long as spec.paused says so".to_owned();
        (false, "Paused", message)
    } else if outdated > 0 {
        let message = format!(
            "{outdated} of {wanted} members are at an older revision until they are deleted"
        );
        (false, "OnDelete", message)
    } else {
        (false, "Complete", format!("{wanted} members are as wanted"))
    };
    Verdict {
        type_: "Progressing",
        is_true,
        reason: reason.to_owned(),
        message,
    }
}

/// The update revision is there, and `paused` keeps members from it.
fn is_held_by_pause(scene: &Scene<'_>) -> bool {
    let name = |revision: &Revision| revision.name.clone();
    scene.world.app.spec.paused
        && scene.revisions.update.map(name) != scene.revisions.current.map(name)
}

/// With `progressDeadlineSeconds`: as long as no wait lasts longer. What the user chose, and what ends with time, counts for none.
fn in_time(scene: &Scene<'_>, waiting: &[Waiting], verdict: Verdict, draft: &mut Draft) -> Verdict {
    let Some(seconds) = scene.world.app.spec.progress_deadline_seconds else {
        return verdict;
    };
    if !verdict.is_true {
        return verdict;
    }
    let deadline = SignedDuration::from_secs(i64::from(seconds));
    for wait in waiting {
        if matches!(wait.owner, Owner::User | Owner::Clock) {
            continue;
        }
        match wait.since.checked_add(deadline) {
            Ok(end) if end > scene.now => draft.wake(end),
            _ => {
                return Verdict {
                    is_true: false,
                    reason: "ProgressDeadlineExceeded".to_owned(),
                    message: format!(
                        "{} for more than {seconds} s ({}): {}",
                        wait.subject, wait.reason, wait.message
                    ),
                    ..verdict
                };
            }
        }
    }
    verdict
}

fn stalled(admission: &Admission, hooks: &[HookStanding], waits: &[WaitingFor]) -> Verdict {
    let trouble = admission
        .obstacle()
        .and_then(of_wait)
        .or_else(|| hooks.iter().find_map(of_hook))
        .or_else(|| waits.iter().find_map(of_wait));
    let is_true = trouble.is_some();
    let (reason, message) = trouble.unwrap_or_else(|| {
        (
            "NotStalled".to_owned(),
            "nothing needs a change from outside".to_owned(),
        )
    });
    Verdict {
        type_: "Stalled",
        is_true,
        reason,
        message,
    }
}

fn of_wait(wait: &WaitingFor) -> Option<(String, String)> {
    match wait {
        WaitingFor::PluginUnavailable {
            reason, message, ..
        } => Some((reason.clone(), message.clone())),
        WaitingFor::ValidationRefused { message } => {
            Some(("SpecRefused".to_owned(), message.clone()))
        }
        WaitingFor::ValidationFailed { reason, message } => {
            Some((reason.clone(), format!("validate: {message}")))
        }
        WaitingFor::MemberConfig {
            problem: Some((reason, message)),
            ..
        } => Some((reason.clone(), format!("member-config: {message}"))),
        WaitingFor::NameTaken { pod } => Some((
            "PodNameTaken".to_owned(),
            format!(
                "a pod {pod} exists that is not a member; delete it, or give it its labels back"
            ),
        )),
        _ => None,
    }
}

fn of_hook(standing: &HookStanding) -> Option<(String, String)> {
    match standing {
        HookStanding::Fatal { message } => Some(("PluginFatal".to_owned(), message.clone())),
        HookStanding::Failing {
            reason,
            message,
            failures,
        } if *failures >= FAILURES => Some((reason.clone(), message.clone())),
        _ => None,
    }
}

pub(super) fn place(
    conditions: &mut Vec<Condition>,
    verdict: Verdict,
    generation: Option<i64>,
    now: Timestamp,
) {
    let status = if verdict.is_true { "True" } else { "False" };
    let condition = Condition {
        type_: verdict.type_.to_owned(),
        status: status.to_owned(),
        reason: verdict.reason,
        message: verdict.message,
        last_transition_time: Some(now),
        observed_generation: generation,
    };
    match conditions
        .iter_mut()
        .find(|known| known.type_ == condition.type_)
    {
        Some(known) => {
            let since = (known.status == condition.status)
                .then_some(known.last_transition_time)
                .flatten();
            *known = Condition {
                last_transition_time: since.or(Some(now)),
                ..condition
            };
        }
        None => conditions.push(condition),
    }
}
