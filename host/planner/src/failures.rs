//! Members whose pods keep ending: the first is replaced at once, the next one later and later, until the member has been available again.
//!
//! A StatefulSet replaces them without a pause (item 74): its status has no place to count in. In that of a StatefulApp so many members are counted as there
//! is room for, those that ended most often first. A pod that is not counted is replaced when it is as old as the longest pause: what takes that long to end
//! needs none, and what ends at once still does not come again and again.

use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};

use crate::availability::Standing;
use crate::draft::Draft;
use crate::hooks;
use crate::scene::{Member, Scene};
use crate::status::Failures;
use crate::waiting::{Gate, WaitingFor};
use crate::world::Face;

/// The pause after the second in a row, in seconds; it doubles with each.
const FIRST_PAUSE: i64 = 10;
const LONGEST_PAUSE: i64 = 300;
/// Members that are counted, at most: about 34 KB of the status.
const MOST: usize = 256;

/// Counts pods that ended, each once.
pub(crate) fn count(scene: &Scene<'_>, draft: &mut Draft) {
    if scene.world.app.face != Face::StatefulApp {
        return;
    }
    let recorded = &scene.world.recorded.failures;
    let known = |ordinal| recorded.iter().find(move |known| known.ordinal == ordinal);
    // Who is gone is still counted: its next pod may end too.
    let mut failures: Vec<_> = recorded
        .iter()
        .filter(|known| scene.goal.ordinals.contains(known.ordinal))
        .filter(|known| match scene.members.get(known.ordinal) {
            Some(member) => !member.is_available() && member.standing != Standing::Terminal,
            None => true,
        })
        .cloned()
        .collect();
    for member in scene.restless().filter(|member| member.is_wanted) {
        if member.standing != Standing::Terminal {
            continue;
        }
        failures.push(match known(member.ordinal) {
            Some(known) if known.pod == member.pod.uid => known.clone(),
            before => Failures {
                ordinal: member.ordinal,
                pod: member.pod.uid.clone(),
                count: before.map_or(0, |before| before.count).saturating_add(1),
                last: scene.now,
            },
        });
    }
    bound(scene, &mut failures, draft);
    draft.is_urgent |= failures
        .iter()
        .any(|counted| known(counted.ordinal).is_none_or(|known| known.pod != counted.pod));
    failures.sort_by_key(|known| known.ordinal);
    draft.status.failures = failures;
}

/// Forgets those that ended the least and the last, where they are more than there is room for.
fn bound(scene: &Scene<'_>, failures: &mut Vec<Failures>, draft: &Draft) {
    if failures.is_empty() {
        return;
    }
    failures.sort_by_key(|known| (Reverse(known.count), known.last, known.ordinal));
    failures.truncate(MOST);
    let room = hooks::of_failures(scene, draft);
    let mut taken = 0;
    failures.retain(|known| {
        taken += hooks::bytes_of_failure(known);
        taken <= room
    });
}

/// Whether a pod that ended may be replaced by now. That it was counted stands in the status, so that none is forgotten.
pub(crate) fn may_be_replaced(scene: &Scene<'_>, member: &Member<'_>, draft: &mut Draft) -> Gate {
    if scene.world.app.face != Face::StatefulApp {
        return Gate::Open;
    }
    let recorded = &scene.world.recorded.failures;
    let counted = recorded
        .iter()
        .find(|known| known.ordinal == member.ordinal && known.pod == member.pod.uid);
    let (due, count) = match counted {
        Some(counted) => (due(counted), Some(counted.count)),
        None if is_counted(draft, member) => return Gate::Wait(WaitingFor::Recording),
        None => (after(member.pod.created, LONGEST_PAUSE), None),
    };
    if due <= scene.now {
        return Gate::Open;
    }
    draft.wake(due);
    Gate::Wait(WaitingFor::PodKeepsEnding {
        pod: member.pod.name.clone(),
        count,
        until: due,
    })
}

/// It is about to stand in the status.
fn is_counted(draft: &Draft, member: &Member<'_>) -> bool {
    (draft.status.failures.iter()).any(|known| known.pod == member.pod.uid)
}

fn due(counted: &Failures) -> Timestamp {
    let Some(doublings) = counted.count.checked_sub(2) else {
        return counted.last;
    };
    let pause = FIRST_PAUSE
        .checked_shl(doublings.min(16))
        .map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE));
    after(counted.last, pause)
}

fn after(time: Timestamp, pause: i64) -> Timestamp {
    time.checked_add(SignedDuration::from_secs(pause))
        .unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Step;
    use crate::testing::{app, now, pod, world};
    use crate::world::{Plugin, PodPhase};
    use crate::{Model, World};

    #[test]
    fn the_pause_doubles_up_to_its_end() {
        let pause = |count| {
            let counted = Failures {
                ordinal: 0,
                pod: String::new(),
                count,
                last: now(),
            };
            due(&counted).as_second() - now().as_second()
        };
        let pauses: Vec<_> = (1..9).map(pause).collect();
        assert_eq!(pauses, [0, 10, 20, 40, 80, 160, 300, 300]);
        assert_eq!(pause(u32::MAX), 300);
    }

    /// Plays until web-0 has ended `times` times, each as soon as it is created; tells how long each replacement was waited for.
    fn pauses(times: usize) -> Vec<i64> {
        let mut model = Model::of(app(1), Plugin::None, now());
        let mut pauses = Vec::new();
        let mut ended = None;
        while pauses.len() < times {
            let plan = model.plan();
            model.record(&plan);
            if plan.status_is_urgent {
                continue;
            }
            for step in &plan.steps {
                model.apply(step).unwrap();
                match step {
                    Step::CreatePod { .. } => {
                        model.fail("web-0");
                        ended = Some(model.now);
                    }
                    Step::DeletePod { .. } => {
                        let ended: Timestamp = ended.unwrap();
                        pauses.push(model.now.as_second() - ended.as_second());
                        model.finish("web-0");
                    }
                    _ => {}
                }
            }
            if plan.steps.is_empty()
                && let Some(time) = plan.wake_at
            {
                model.now = time;
            }
        }
        pauses
    }

    #[test]
    fn given_a_pod_that_keeps_ending_then_its_next_one_comes_later_and_later() {
        assert_eq!(pauses(4), [0, 10, 20, 40]);
    }

    fn with_failures(phase: PodPhase) -> World {
        let mut world = world(1);
        let revision = world.revisions[0].name.clone();
        let mut pod = pod(&world.app, 0, &revision);
        pod.phase = phase;
        if phase != PodPhase::Running {
            pod.ready_since = None;
        }
        world.pods = vec![pod];
        world.recorded.failures = vec![Failures {
            ordinal: 0,
            pod: "uid-before".to_owned(),
            count: 3,
            last: now(),
        }];
        world
    }

    #[test]
    fn given_a_member_that_is_available_again_then_nothing_is_counted_any_more() {
        let plan = crate::plan(&with_failures(PodPhase::Running), now());
        assert!(plan.status.failures.is_empty());
        let plan = crate::plan(&with_failures(PodPhase::Pending), now());
        assert_eq!(plan.status.failures[0].count, 3, "not while it starts");
        let plan = crate::plan(&with_failures(PodPhase::Failed), now());
        assert_eq!(plan.status.failures[0].count, 4);
        assert!(plan.status_is_urgent);
    }

    #[test]
    fn given_a_statefulset_then_a_pod_that_ended_is_replaced_at_once() {
        let mut world = with_failures(PodPhase::Failed);
        world.app.face = Face::StatefulSet;
        let plan = crate::plan(&world, now());
        assert!(matches!(plan.steps.as_slice(), [Step::DeletePod { .. }]));
    }
}
