//! Members with claims and a plugin, and the end of the app: its members leave in order, each asked before.

use stateward_planner::spec::PodManagement;

use super::case::{Case, HOOKED};
use super::show;

const CLAIMED: Case = Case {
    losses: 1,
    failures: 1,
    troubles: 0,
    edits: 0,
    ..HOOKED
};

pub(super) const TORN_DOWN: Case = Case {
    hooks: &["post-ready", "pre-delete"],
    edits: 0,
    failures: 1,
    ends: true,
    ..HOOKED
};

#[test]
fn claims_lost_beside_a_plugin_in_every_order() {
    show(CLAIMED);
}

#[test]
fn an_app_that_goes_in_every_order() {
    show(TORN_DOWN);
}

#[test]
fn an_app_of_parallel_that_goes_in_every_order() {
    show(Case {
        policy: PodManagement::Parallel,
        failures: 0,
        ..TORN_DOWN
    });
}

#[test]
#[ignore = "minutes in a release build; for a campaign"]
fn deeper_to_the_end_in_every_order() {
    show(Case {
        edits: 1,
        ..CLAIMED
    });
    for policy in [PodManagement::OrderedReady, PodManagement::Parallel] {
        show(Case {
            policy,
            edits: 1,
            failures: 0,
            ..TORN_DOWN
        });
    }
}
