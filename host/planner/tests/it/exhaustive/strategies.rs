//! Rollouts by other rules than one after another from the top: a larger budget, a partition, OnDelete, Recreate.

use stateward_planner::spec::{MaxUnavailable, UpdateStrategy};

use super::case::{Case, ORDERED, PARALLEL};
use super::show;

const fn rolling(partition: u32, budget: u32) -> UpdateStrategy {
    UpdateStrategy::RollingUpdate {
        partition,
        max_unavailable: Some(MaxUnavailable::Count(budget)),
    }
}

const TWO_AT_ONCE: Case = Case {
    update: rolling(0, 2),
    edits: 2,
    stands: true,
    ..PARALLEL
};

const ORDERED_TWO_AT_ONCE: Case = Case {
    update: rolling(0, 2),
    failures: 0,
    stands: true,
    ..ORDERED
};

/// A partition that a user lowers, too.
const PARTITIONED: Case = Case {
    update: rolling(1, 1),
    failures: 1,
    ..ORDERED_TWO_AT_ONCE
};

const ON_DELETE: Case = Case {
    update: UpdateStrategy::OnDelete,
    failures: 1,
    ..ORDERED_TWO_AT_ONCE
};

pub(super) const RECREATED: Case = Case {
    update: UpdateStrategy::Recreate,
    ordinals: 2,
    failures: 1,
    ..ORDERED_TWO_AT_ONCE
};

#[test]
fn a_partition_of_parallel_in_every_order() {
    show(Case {
        update: rolling(1, 2),
        stands: true,
        ..PARALLEL
    });
}

#[test]
fn two_at_once_in_every_order() {
    show(TWO_AT_ONCE);
}

#[test]
fn two_at_once_of_ordered_in_every_order() {
    show(ORDERED_TWO_AT_ONCE);
}

#[test]
fn a_partition_in_every_order() {
    show(PARTITIONED);
}

#[test]
fn on_delete_in_every_order() {
    show(ON_DELETE);
}

#[test]
fn recreate_in_every_order() {
    show(RECREATED);
}

#[test]
#[ignore = "minutes in a release build; for a campaign"]
fn deeper_by_every_strategy_in_every_order() {
    for case in [
        Case {
            failures: 1,
            edits: 1,
            ..TWO_AT_ONCE
        },
        Case {
            ordinals: 4,
            failures: 1,
            ..ORDERED_TWO_AT_ONCE
        },
        Case {
            edits: 2,
            ..PARTITIONED
        },
        Case {
            update: rolling(1, 2),
            failures: 1,
            ..TWO_AT_ONCE
        },
        Case {
            edits: 2,
            ..ON_DELETE
        },
        Case {
            ordinals: 3,
            edits: 2,
            ..RECREATED
        },
    ] {
        show(case);
    }
}
