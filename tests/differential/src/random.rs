//! Scenarios drawn from seeds.

pub mod races;

use crate::scenario::{Cascade, Deed, Limited, Line, RefusedEdit, Scenario, Settings, Strategy};

/// What may be in a scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// Everything, hasty lines and restarts too: one controller against its own rules.
    Everything,
    /// What ends the same whoever is faster, so that two controllers can be compared; see [`races`] for what that leaves out.
    Certain,
    /// The same, and the controller is killed in the middle of some of it. Only the ends can be compared.
    Restarts,
}

/// A scenario of four to ten lines. The same seed draws the same one.
pub fn draw(seed: u64, among: Among) -> Scenario {
    let mut random = fastrand::Rng::with_seed(seed);
    let settings = settings(&mut random);
    let mut lines = vec![line(Deed::Set(settings.clone()))];
    for number in 0..random.u32(3..=9) {
        let deed = loop {
            let deed = deed(&mut random, &settings, number);
            if among == Among::Everything || !races::with(&lines, &deed) {
                break deed;
            }
        };
        let is_hasty = match among {
            Among::Everything => random.u32(0..4) == 0,
            Among::Certain => false,
            Among::Restarts => random.u32(0..4) == 0,
        };
        lines.push(Line { deed, is_hasty });
        if is_hasty && among == Among::Restarts {
            lines.push(line(Deed::Restart));
        }
    }
    Scenario {
        name: format!("seed {seed}"),
        lines,
    }
}

fn line(deed: Deed) -> Line {
    Line {
        deed,
        is_hasty: false,
    }
}

fn one_in(random: &mut fastrand::Rng, many: u32) -> bool {
    random.u32(0..many) == 0
}

fn settings(random: &mut fastrand::Rng) -> Settings {
    let has_claims = random.bool();
    let settings = Settings {
        is_parallel: one_in(random, 3),
        has_claims,
        deletes_when_scaled: has_claims && one_in(random, 4),
        deletes_when_deleted: has_claims && one_in(random, 4),
        ..Settings::default()
    };
    changed(random, &settings)
}

/// The same set with other values where a set can be edited.
fn changed(random: &mut fastrand::Rng, settings: &Settings) -> Settings {
    let strategy = match random.u32(0..12) {
        0 | 1 => Strategy::OnDelete,
        2 => Strategy::Recreate,
        _ => Strategy::RollingUpdate,
    };
    let rolls = strategy == Strategy::RollingUpdate;
    Settings {
        replicas: random.u32(0..=4),
        strategy,
        partition: (rolls && one_in(random, 4)).then(|| random.u32(0..=3)),
        max_unavailable: (rolls && one_in(random, 5)).then(|| random.u32(1..=3)),
        min_ready_seconds: one_in(random, 6).then_some(1),
        start: one_in(random, 6).then(|| random.u32(1..=3)),
        history: one_in(random, 5).then(|| random.u32(0..=2)),
        ..settings.clone()
    }
}

fn deed(random: &mut fastrand::Rng, set: &Settings, number: u32) -> Deed {
    let ordinal = set.start.unwrap_or(0) + random.u32(0..set.replicas.max(1));
    match random.u32(0..32) {
        0..=3 => Deed::Scale(random.u32(0..=5)),
        4..=6 => Deed::Image(format!("app:{number}")),
        7 => Deed::Image(format!("broken:{number}")),
        8 => Deed::Partition(random.u32(0..=4)),
        9 => Deed::Strategy(match random.u32(0..3) {
            0 => Strategy::OnDelete,
            1 => Strategy::Recreate,
            _ => Strategy::RollingUpdate,
        }),
        10 => Deed::DeletePod(ordinal),
        11 => Deed::EvictPod(ordinal),
        12 => Deed::Fail(ordinal),
        13 => Deed::Unready(ordinal),
        14 => Deed::Ready(ordinal),
        15 => Deed::Succeed(ordinal),
        16 => Deed::RelabelPod(ordinal),
        17 => Deed::RefusedEdit(match random.u32(0..3) {
            0 => RefusedEdit::Replicas,
            1 => RefusedEdit::Selector,
            _ => RefusedEdit::ServiceName,
        }),
        18 => Deed::ForceDeletePod(ordinal),
        19 => Deed::Restart,
        20 => Deed::DeleteClaim(ordinal),
        21 => Deed::LoseNode,
        22 => Deed::NodeBack,
        23 => match random.u32(0..3) {
            0 => Deed::Quota(None),
            1 => Deed::Quota(Some((Limited::Claims, random.u32(0..=4)))),
            _ => Deed::Quota(Some((Limited::Pods, random.u32(0..=4)))),
        },
        24 => Deed::DeleteSet(match random.u32(0..3) {
            0 => Cascade::Orphan,
            1 => Cascade::Foreground,
            _ => Cascade::Background,
        }),
        25 => Deed::History(random.u32(0..=2)),
        26 => Deed::Retention {
            scaled: random.bool(),
            deleted: random.bool(),
        },
        27 => Deed::Start(random.u32(0..=3)),
        28 => Deed::MinReadySeconds(random.u32(0..=1)),
        29 => Deed::MaxUnavailable(random.u32(1..=3)),
        _ => Deed::Apply(Settings {
            image: one_in(random, 2).then(|| format!("app:{number}")),
            ..changed(random, set)
        }),
    }
}
