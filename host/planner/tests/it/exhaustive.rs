//! Up to four ordinals, every order of events: at most one pod per identity, created and deleted in order, claims kept, and rest in the end.
//!
//! A state is a world without UIDs and times, and the steps that a slow host still has in hand, planned on a picture that is old by now. From each state
//! every event is tried, until nothing new comes: the host plans and acts, keeps its plan in hand, does it late and piece by piece, or dies half way; pods
//! start, fail, are deleted and end; claims are lost; users scale, edit, lower the partition and delete the app. With a plugin its calls begin, are in flight,
//! end in every way, or are lost with the host that made them.
//!
//! Symmetry: UIDs and the numbers of scales, epochs and moves are abstracted everywhere. Ordinals can be exchanged only with Parallel, without a plugin, and
//! when neither an edit nor a rollout is to come: OrderedReady is an order, and a rollout goes from the highest to the lowest. That what is taken for the
//! same has the same future is a test of its own.

mod case;
mod endings;
mod events;
mod lanes;
mod promises;
mod state;
mod strategies;

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::time::Instant;

use stateward_planner::spec::PodManagement;

use case::{Case, HOOKED, LED, ORDERED, PARALLEL};
use endings::TORN_DOWN;
use state::State;
use strategies::RECREATED;

/// Every how many states one is played to its end.
const SAMPLE: usize = 64;

fn explore(case: &Case) -> (usize, usize) {
    let first = State::first(case);
    let mut seen = HashSet::from([first.key()]);
    let mut queue = VecDeque::from([first]);
    let mut moves = 0;
    let mut looked_at = 0;
    while let Some(state) = queue.pop_front() {
        promises::judge(&state);
        for next in state.successors() {
            moves += 1;
            if seen.insert(next.key()) {
                queue.push_back(next);
            }
        }
        // From everywhere it comes to rest, once it is left alone; a sample is enough where every state near it is explored too.
        looked_at += 1;
        if looked_at % SAMPLE == 0 {
            promises::comes_to_rest(&state);
        }
    }
    (seen.len(), moves)
}

/// The keys of what may follow, as one number.
fn future(state: &State) -> u64 {
    let keys: BTreeSet<_> = state.successors().iter().map(State::key).collect();
    let mut hasher = DefaultHasher::new();
    keys.hash(&mut hasher);
    hasher.finish()
}

/// Explores, and looks again at each state when it is reached the second time.
fn explore_twice(case: &Case) -> usize {
    let first = State::first(case);
    let mut seen = HashMap::from([(first.key(), Some(future(&first)))]);
    let mut queue = VecDeque::from([first]);
    while let Some(state) = queue.pop_front() {
        for next in state.successors() {
            match seen.entry(next.key()) {
                Entry::Vacant(place) => {
                    place.insert(Some(future(&next)));
                    queue.push_back(next);
                }
                Entry::Occupied(mut known) => {
                    if let Some(known) = known.insert(None) {
                        assert_eq!(known, future(&next), "two futures of {}", next.key());
                    }
                }
            }
        }
    }
    seen.len()
}

fn show(case: Case) {
    let begin = Instant::now();
    let (states, moves) = explore(&case);
    let took = begin.elapsed();
    tell(&format!(
        "{case}: {states} states, {moves} moves in {took:.1?}"
    ));
    assert!(states > 100);
}

/// Shown also where the output of tests that pass is not.
fn tell(line: &str) {
    let _closed = writeln!(std::io::stdout(), "{line}");
}

#[test]
fn ordered_in_every_order() {
    show(ORDERED);
}

#[test]
fn parallel_in_every_order() {
    show(PARALLEL);
}

#[test]
fn ordered_with_a_claim_lost_in_every_order() {
    show(Case {
        ordinals: 2,
        failures: 0,
        losses: 1,
        ..ORDERED
    });
}

#[test]
fn four_ordered_in_every_order() {
    show(Case {
        ordinals: 4,
        failures: 0,
        ..ORDERED
    });
}

#[test]
fn members_that_are_asked_before_they_leave_in_every_order() {
    show(HOOKED);
}

#[test]
fn a_role_that_moves_in_every_order() {
    show(LED);
}

/// Both join at once.
const JOINING: Case = Case {
    policy: PodManagement::Parallel,
    edits: 0,
    hooks: &["pre-scale", "post-ready"],
    stands: false,
    ..HOOKED
};

#[test]
fn joins_one_by_one_in_every_order() {
    show(JOINING);
}

#[test]
fn joins_beside_each_other_in_every_order() {
    show(Case {
        overlaps: true,
        troubles: 0,
        ..JOINING
    });
}

#[test]
fn steps_of_a_scale_that_are_judged_side_by_side_in_every_order() {
    show(Case {
        policy: PodManagement::Parallel,
        overlaps: true,
        ..HOOKED
    });
}

#[test]
fn a_join_beside_a_role_that_moves_in_every_order() {
    show(Case {
        overlaps: true,
        edits: 0,
        failures: 1,
        ..LED
    });
}

#[test]
fn what_is_taken_for_the_same_has_the_same_future() {
    let edited = Case {
        ordinals: 2,
        ..PARALLEL
    };
    let alike = Case {
        edits: 0,
        failures: 1,
        ..PARALLEL
    };
    let torn_down = Case {
        failures: 0,
        ..TORN_DOWN
    };
    for case in [edited, alike, RECREATED, HOOKED, LED, torn_down] {
        let begin = Instant::now();
        let states = explore_twice(&case);
        let took = begin.elapsed();
        tell(&format!(
            "{case}: {states} states, each from two sides in {took:.1?}"
        ));
    }
}

#[test]
#[ignore = "minutes in a release build; for a campaign"]
fn deeper_in_every_order() {
    show(Case {
        edits: 2,
        ..ORDERED
    });
    show(Case {
        ordinals: 4,
        ..ORDERED
    });
    show(Case {
        losses: 1,
        failures: 0,
        ..ORDERED
    });
    show(Case {
        edits: 2,
        ..PARALLEL
    });
    show(Case {
        ordinals: 2,
        edits: 2,
        failures: 1,
        ..PARALLEL
    });
    show(Case {
        losses: 1,
        ordinals: 2,
        ..PARALLEL
    });
    show(Case {
        failures: 1,
        ..PARALLEL
    });
}

#[test]
#[ignore = "minutes in a release build; for a campaign"]
fn deeper_with_a_plugin_in_every_order() {
    show(Case {
        overlaps: true,
        ..JOINING
    });
    for policy in [PodManagement::OrderedReady, PodManagement::Parallel] {
        show(Case {
            policy,
            failures: 1,
            overlaps: true,
            ..LED
        });
        show(Case {
            policy,
            ordinals: 3,
            ..HOOKED
        });
        show(Case {
            policy,
            edits: 2,
            ..HOOKED
        });
    }
}
