//! The operator dies at every point of every scenario, and the end is the same.
//!
//! A point is before or after one request with effects: a write to the API, or a program that a hook starts in a member. Hooks reach the world in no other
//! way, and each call of the test's plugin starts one program, so that the points before and after every call are among them.

use std::sync::atomic::{AtomicU32, Ordering};

use stateward_devcluster::simulation::FaultPlan;

use crate::bed::tell;
use crate::experiment::{Scenario, play};

/// Threads that play at the same time, each with a clock of its own.
const PLAYERS: u32 = 2;

fn dies_everywhere(scenario: Scenario) {
    let reference = play(scenario, FaultPlan::none(), None).unwrap();
    let points = 2 * u32::try_from(reference.writes.len()).unwrap();
    let effects = &reference.end.effects;
    assert!(!effects.is_empty(), "no hook did anything");
    let next = AtomicU32::new(0);
    let failures: Vec<String> = std::thread::scope(|threads| {
        let player = || {
            let mut failures = Vec::new();
            loop {
                let point = next.fetch_add(1, Ordering::SeqCst);
                if point >= points {
                    return failures;
                }
                let plan = FaultPlan::crash_at(point / 2 + 1, point % 2 == 1);
                let what = reference.writes[(point / 2) as usize].clone();
                match play(scenario, plan.clone(), Some(&reference.end)) {
                    Ok(run) if run.crashes == 1 => {}
                    Ok(run) => failures.push(format!("{plan}: {} crashes", run.crashes)),
                    Err(why) => failures.push(format!("{plan} ({what}): {why}")),
                }
            }
        };
        let players: Vec<_> = (0..PLAYERS).map(|_| threads.spawn(player)).collect();
        (players.into_iter())
            .flat_map(|player| player.join().unwrap())
            .collect()
    });
    tell(format_args!(
        "{scenario:?}: {points} crash points, {} effects",
        effects.len()
    ));
    assert!(
        failures.is_empty(),
        "{} of {points} points: {}",
        failures.len(),
        failures.join("\n")
    );
}

#[test]
fn scaling_out_survives_a_crash_at_every_point() {
    dies_everywhere(Scenario::ScaleOut);
}

#[test]
fn scaling_in_survives_a_crash_at_every_point() {
    dies_everywhere(Scenario::ScaleIn);
}

#[test]
fn an_update_survives_a_crash_at_every_point() {
    dies_everywhere(Scenario::Update);
}

#[test]
fn moving_a_role_survives_a_crash_at_every_point() {
    dies_everywhere(Scenario::MoveRole);
}

#[test]
fn a_teardown_survives_a_crash_at_every_point() {
    dies_everywhere(Scenario::Teardown);
}
