//! Where a member stands, and whether it is *available*: Ready for `minReadySeconds`, and joined by `post-ready` where the plugin has it.

use jiff::{SignedDuration, Timestamp};

use crate::draft::Draft;
use crate::identity::POST_READY_ANNOTATION;
use crate::journal::Act;
use crate::member::{JoinedAs, Yardstick};
use crate::rulings;
use crate::scene::{Mode, Scene};
use crate::spec::Spec;
use crate::status::Ruling;
use crate::waiting::WaitingFor;
use crate::world::{Pod, PodFacts, PodPhase, Verb, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Being deleted, whatever else it is.
    Terminating,
    /// Failed or Succeeded: it will never run again.
    Terminal,
    /// Its containers do not all run yet.
    Starting,
    NotReady,
    /// Ready, and `post-ready` is not done.
    Joining,
    /// Ready and joined, but not for long enough.
    Unproven {
        until: Timestamp,
    },
    Available,
}

pub(crate) fn is_ready(pod: &Pod) -> bool {
    pod.phase == PodPhase::Running && pod.ready_since.is_some()
}

/// Ready for `minReadySeconds`, terminating or not.
pub(crate) fn is_proven(pod: &Pod, spec: &Spec, now: Timestamp) -> bool {
    let seconds = SignedDuration::from_secs(i64::from(spec.min_ready_seconds));
    is_ready(pod)
        && pod
            .ready_since
            .and_then(|since| since.checked_add(seconds).ok())
            .is_some_and(|until| until <= now)
}

pub(crate) fn standing(
    by: &Yardstick<'_, '_>,
    pod: &Pod,
    is_wanted: bool,
    joined: JoinedAs,
) -> Standing {
    if pod.deletion.is_some() {
        return Standing::Terminating;
    }
    // With the readiness gate a pod joins before it is Ready.
    let can_join = match pod.gate {
        Some(gate) => pod.phase == PodPhase::Running && gate.are_containers_ready,
        None => is_ready(pod),
    };
    match pod.phase {
        PodPhase::Failed | PodPhase::Succeeded => return Standing::Terminal,
        PodPhase::Pending => return Standing::Starting,
        PodPhase::Running | PodPhase::Unknown => {}
    }
    // Who is to leave need not join any more.
    if can_join && is_wanted && by.joins() && joined == JoinedAs::No {
        return Standing::Joining;
    }
    let Some(ready_since) = pod.ready_since.filter(|_| pod.phase == PodPhase::Running) else {
        return Standing::NotReady;
    };
    once_ready(by, ready_since)
}

/// Where a member stands that is ready since then, and joined if it has to.
pub(crate) fn once_ready(by: &Yardstick<'_, '_>, since: Timestamp) -> Standing {
    match since.checked_add(by.min_ready) {
        Ok(until) if until > by.now => Standing::Unproven { until },
        _ => Standing::Available,
    }
}

pub(crate) fn post_ready(pod: &Pod, ordinal: u32) -> Act {
    Act::PostReady {
        ordinal,
        pod: pod.uid.clone(),
        restarts: pod.restarts,
    }
}

/// Whether `post-ready` of this incarnation counts as done because somebody decided so.
pub(crate) fn is_said_to_have_joined(world: &World, pod: &Pod) -> bool {
    let is_skip = |ruling: &&Ruling| ruling.verb == Verb::Skip && ruling.result == rulings::TAKEN;
    let mut skipped = world.recorded.rulings.iter().filter(is_skip).peekable();
    // Hardly ever is anything decided, and many are asked about.
    skipped.peek().is_some() && {
        let id = post_ready(pod, 0).id();
        skipped.any(|ruling| ruling.invocation == id)
    }
}

/// The pod says itself that it joined since its last container restart.
pub(crate) fn is_marked(pod: &PodFacts) -> bool {
    pod.annotations
        .get(POST_READY_ANNOTATION)
        .is_some_and(|restarts| restarts == pod.restarts.to_string())
}

/// Tells what each member waits for until it is available, and asks for the hooks that it takes.
pub(crate) fn tell(scene: &Scene<'_>, draft: &mut Draft) {
    for member in scene.restless() {
        let is_wanted = member.is_wanted;
        let pod = member.pod.name.clone();
        let hindrance = member.pod.hindrance.clone();
        match member.standing {
            Standing::Terminating => draft.wait(WaitingFor::PodTerminating { pod }),
            Standing::Starting if is_wanted => {
                draft.wait(WaitingFor::PodStarting { pod, hindrance });
            }
            Standing::NotReady if is_wanted => {
                draft.wait(WaitingFor::PodNotReady { pod, hindrance });
            }
            Standing::Unproven { until } => {
                draft.wake(until);
                if is_wanted {
                    let seconds = scene.world.app.spec.min_ready_seconds;
                    draft.wait(WaitingFor::PodReadyLongEnough { pod, seconds });
                }
            }
            Standing::Joining if scene.goal.mode != Mode::Nothing => {
                draft.want(post_ready(member.pod, member.ordinal), false);
            }
            _ => {}
        }
    }
}
