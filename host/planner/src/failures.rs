//! Members whose pods keep ending: the first is replaced at once, the next one later and later, until the member has been available again.
//!
//! A StatefulSet replaces them without a pause (item 74): its status has no place to count in.

use jiff::{SignedDuration, Timestamp};

use crate::availability::Standing;
use crate::draft::Draft;
use crate::scene::{Member, Scene};
use crate::status::Failures;
use crate::waiting::{Gate, WaitingFor};
use crate::world::Face;

/// The pause after the second in a row, in seconds; it doubles with each.
const FIRST_PAUSE: i64 = 10;
const LONGEST_PAUSE: i64 = 300;

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
        .filter(|known| match scene.members.get(&known.ordinal) {
            Some(member) => !member.is_available() && member.standing != Standing::Terminal,
            None => true,
        })
        .cloned()
        .collect();
    for member in scene.wanted() {
        if member.standing != Standing::Terminal {
            continue;
        }
        failures.push(match known(member.ordinal) {
            Some(known) if known.pod == member.pod.uid => known.clone(),
            before => {
                draft.is_urgent = true;
                Failures {
                    ordinal: member.ordinal,
                    pod: member.pod.uid.clone(),
                    count: before.map_or(0, |before| before.count).saturating_add(1),
                    last: scene.now,
                }
            }
        });
    }
    failures.sort_by_key(|known| known.ordinal);
    draft.status.failures = failures;
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
    let Some(counted) = counted else {
        return Gate::Wait(WaitingFor::Recording);
    };
    let due = due(counted);
    if due <= scene.now {
        return Gate::Open;
    }
    draft.wake(due);
    Gate::Wait(WaitingFor::PodKeepsEnding {
        pod: member.pod.name.clone(),
        count: counted.count,
        until: due,
    })
}

fn due(counted: &Failures) -> Timestamp {
    let Some(doublings) = counted.count.checked_sub(2) else {
        return counted.last;
    };
    let pause = FIRST_PAUSE
        .checked_shl(doublings.min(16))
        .map_or(LONGEST_PAUSE, |pause| pause.min(LONGEST_PAUSE));
    counted
        .last
        .checked_add(SignedDuration::from_secs(pause))
        .unwrap_or(counted.last)
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
