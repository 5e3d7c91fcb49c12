//! Ours on the embedded API: every scenario keeps the rules, and ends the same when requests fail and the controller dies.
//!
//! `STATEWARD_SCENARIOS=<count>` plays more random ones, `STATEWARD_SCENARIOS_FROM=<seed>` other ones.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use stateward_devcluster::simulation::FaultPlan;
use stateward_differential::face::Face;
use stateward_differential::picture::Picture;
use stateward_differential::random::{self, Among};
use stateward_differential::scenario::Scenario;
use stateward_differential::shrinking::shrunk;
use stateward_differential::stage::{Played, play_embedded};
use stateward_differential::{accepted, rules};

use crate::{first_seed, number, written};

/// Random scenarios in an ordinary run.
const RANDOM: u64 = 300;
/// Writes among which a plan's faults fall.
const WRITES: u32 = 40;
const PLAYERS: usize = 2;

fn keeps_the_rules(scenario: &Scenario) -> Result<Played, String> {
    let played = play_embedded(Face::StatefulSet, scenario, &FaultPlan::none())
        .map_err(|error| format!("{error:#}"))?;
    match rules::broken(scenario, &played) {
        Some(problem) => Err(problem),
        None => Ok(played),
    }
}

/// How it ended, but for what depends on how it came there.
fn end(played: &Played) -> BTreeMap<String, Value> {
    let Picture(mut end) = played.pictures.last().unwrap().clone();
    end.remove("creates and deletes");
    end.remove("events");
    end
}

fn ends_the_same(scenario: &Scenario, seed: u64) -> Result<(), String> {
    let played = keeps_the_rules(scenario)?;
    let plan = FaultPlan::from_seed(seed, WRITES);
    let hurt = play_embedded(Face::StatefulSet, scenario, &plan)
        .map_err(|error| format!("{plan}: {error:#}"))?;
    let (wanted, is) = (end(&played), end(&hurt));
    if wanted == is {
        return Ok(());
    }
    let differs = |plan: &FaultPlan| match play_embedded(Face::StatefulSet, scenario, plan) {
        Ok(hurt) => end(&hurt) != wanted,
        Err(_) => true,
    };
    let shrunk = plan.shrunk(differs);
    Err(format!(
        "{shrunk}\n  expected {wanted:?}\n  ended as {is:?}"
    ))
}

/// Plays scenarios in a few threads; tells the shortest form of those that fail.
fn all(
    count: u64,
    scenario: impl Fn(u64) -> Scenario + Sync,
    check: impl Fn(&Scenario, u64) -> Result<(), String> + Sync,
) {
    let next = AtomicU64::new(0);
    let player = || {
        let mut failures = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::SeqCst);
            if place >= count {
                return failures;
            }
            let seed = first_seed() + place;
            let scenario = scenario(seed);
            if check(&scenario, seed).is_err() {
                let shortest = shrunk(scenario, usize::MAX, |shorter| {
                    check(shorter, seed).is_err()
                });
                let why = check(&shortest, seed).unwrap_err();
                failures.push(format!("{shortest}{why}"));
            }
        }
    };
    let failures: Vec<String> = std::thread::scope(|threads| {
        let players: Vec<_> = (0..PLAYERS).map(|_| threads.spawn(player)).collect();
        (players.into_iter())
            .flat_map(|player| player.join().unwrap())
            .collect()
    });
    println!("{count} scenarios on the embedded API");
    assert!(
        failures.is_empty(),
        "{} of {count}:\n{}",
        failures.len(),
        failures.join("\n\n")
    );
}

#[test]
fn written_scenarios_keep_the_rules() {
    for scenario in written() {
        if let Err(problem) = keeps_the_rules(&scenario) {
            panic!("{scenario}{problem}");
        }
    }
}

/// A StatefulApp without a plugin is a StatefulSet, but where it means to be better.
#[test]
fn the_other_kind_leaves_behind_the_same() {
    let accepted = accepted::load_of_statefulapps().unwrap();
    let mut failures = Vec::new();
    for scenario in written() {
        let play = |face| {
            play_embedded(face, &scenario, &FaultPlan::none())
                .unwrap()
                .pictures
        };
        let (sets, apps) = (play(Face::StatefulSet), play(Face::StatefulApp));
        let waited = scenario.lines.iter().filter(|line| !line.is_hasty);
        for (line, (set, app)) in waited.zip(sets.iter().zip(&apps)) {
            for found in accepted::unexpected(&accepted, &scenario, set, app) {
                failures.push(format!("{scenario}after `{}`: {found}", line.deed));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn random_scenarios_keep_the_rules() {
    let count = number("STATEWARD_SCENARIOS", RANDOM);
    all(
        count,
        |seed| random::draw(seed, Among::Everything),
        |scenario, _| keeps_the_rules(scenario).map(drop),
    );
}

#[test]
fn random_scenarios_end_the_same_when_things_go_wrong() {
    let count = number("STATEWARD_SCENARIOS", RANDOM) / 6;
    all(
        count,
        |seed| random::draw(1_000_000 + seed, Among::Certain),
        ends_the_same,
    );
}

/// Two that nothing woke after a status write that failed, with the plans of faults that showed it.
const NOT_WOKEN: [(u64, &str); 2] = [
    (
        50_068,
        "set replicas=4 strategy=OnDelete minReadySeconds=1 claims
        scale 2
        scale 2
        scale 1",
    ),
    (
        50_091,
        "set replicas=4 policy=Parallel start=3
        ready 3
        scale 3
        image broken:2
        image broken:3
        ready 6
        partition 0
        unready 3
        fail 6",
    ),
];

#[test]
fn a_status_that_could_not_be_written_is_written_later() {
    for (seed, text) in NOT_WOKEN {
        let scenario = Scenario::parse("not woken", text).unwrap();
        if let Err(problem) = ends_the_same(&scenario, seed) {
            panic!("{scenario}{problem}");
        }
    }
}
