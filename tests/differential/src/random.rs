//! Scenarios drawn from seeds, and the shortest of them that still shows the same fault.

use crate::scenario::{Cascade, Deed, Limited, Line, RefusedEdit, Scenario, Settings};

/// A scenario of four to ten lines. The same seed draws the same one.
///
/// `is_timed`: without deeds whose outcome depends on who is faster (hasty lines, restarts, a lost node, a quota), so that it can be played against another controller.
pub fn draw(seed: u64, is_timed: bool) -> Scenario {
    let mut random = fastrand::Rng::with_seed(seed);
    let settings = settings(&mut random);
    let ordinals = (settings.start.unwrap_or(0), settings.replicas.max(1));
    // Upstream's batches stop at a name that is taken (item 86): written down as a scenario, and not drawn against it.
    let keeps_names = is_timed && settings.is_parallel;
    let mut lines = vec![line(Deed::Set(settings))];
    for number in 0..random.u32(3..=9) {
        let deed = match deed(&mut random, ordinals, number, is_timed) {
            Deed::RelabelPod(ordinal) if keeps_names => Deed::Unready(ordinal),
            deed => deed,
        };
        let is_hasty = !is_timed && random.u32(0..4) == 0;
        lines.push(Line { deed, is_hasty });
    }
    Scenario {
        name: format!("seed {seed}"),
        lines,
    }
}

/// Leaves lines out, from the last on, as long as the scenario still `fails`.
pub fn shrunk(scenario: Scenario, mut fails: impl FnMut(&Scenario) -> bool) -> Scenario {
    let mut shortest = scenario;
    for position in (1..shortest.lines.len()).rev() {
        let mut shorter = shortest.clone();
        shorter.lines.remove(position);
        if fails(&shorter) {
            shortest = shorter;
        }
    }
    shortest
}

fn line(deed: Deed) -> Line {
    Line {
        deed,
        is_hasty: false,
    }
}

fn settings(random: &mut fastrand::Rng) -> Settings {
    let one_in = |random: &mut fastrand::Rng, many: u32| random.u32(0..many) == 0;
    let has_claims = random.bool();
    Settings {
        replicas: random.u32(0..=4),
        is_parallel: one_in(random, 3),
        on_delete: one_in(random, 6),
        partition: one_in(random, 4).then(|| random.u32(0..=3)),
        max_unavailable: None,
        min_ready_seconds: one_in(random, 6).then_some(1),
        start: one_in(random, 6).then(|| random.u32(1..=3)),
        history: one_in(random, 5).then(|| random.u32(0..=2)),
        has_claims,
        deletes_when_scaled: has_claims && one_in(random, 4),
        deletes_when_deleted: has_claims && one_in(random, 4),
    }
}

fn deed(
    random: &mut fastrand::Rng,
    (start, replicas): (u32, u32),
    number: u32,
    is_timed: bool,
) -> Deed {
    let ordinal = start + random.u32(0..replicas);
    match random.u32(0..if is_timed { 15 } else { 23 }) {
        0..=2 => Deed::Scale(random.u32(0..=5)),
        3 | 4 => Deed::Image(format!("app:{number}")),
        5 => Deed::Image(format!("broken:{number}")),
        6 => Deed::Partition(random.u32(0..=4)),
        7 => Deed::Strategy {
            on_delete: random.bool(),
        },
        8 => Deed::DeletePod(ordinal),
        9 => Deed::EvictPod(ordinal),
        10 => Deed::Fail(ordinal),
        11 => Deed::Unready(ordinal),
        12 => Deed::Ready(ordinal),
        13 => Deed::Succeed(ordinal),
        14 => Deed::RelabelPod(ordinal),
        15 => Deed::RefusedEdit(match random.u32(0..3) {
            0 => RefusedEdit::Replicas,
            1 => RefusedEdit::Selector,
            _ => RefusedEdit::ServiceName,
        }),
        16 => Deed::ForceDeletePod(ordinal),
        17 => Deed::Restart,
        18 => Deed::DeleteClaim(ordinal),
        19 => Deed::LoseNode,
        20 => Deed::NodeBack,
        21 => match random.u32(0..3) {
            0 => Deed::Quota(None),
            1 => Deed::Quota(Some((Limited::Claims, random.u32(0..=4)))),
            _ => Deed::Quota(Some((Limited::Pods, random.u32(0..=4)))),
        },
        _ => Deed::DeleteSet(match random.u32(0..3) {
            0 => Cascade::Orphan,
            1 => Cascade::Foreground,
            _ => Cascade::Background,
        }),
    }
}
