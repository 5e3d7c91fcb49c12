//! Faults drawn from seeds: refused and lost writes, crashes, stale lists, cut, expired and lagging watches, a slow network.
//!
//! `STATEWARD_FAULT_SEEDS=<count>` plays more of them (`STATEWARD_FAULT_FROM=<seed>`: from another one on), `STATEWARD_FAULT_SEED=<seed>` one alone.

use stateward_devcluster::simulation::FaultPlan;

use crate::bed::tell;
use crate::experiment::{End, SCENARIOS, Scenario, play};

/// Seeds per scenario in an ordinary run.
const SEEDS: u64 = 8;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap())
}

fn try_seed(scenario: Scenario, seed: u64, end: &End, writes: u32) -> Result<(), String> {
    let plan = FaultPlan::from_seed(seed, writes);
    let Err(why) = play(scenario, plan.clone(), Some(end)) else {
        return Ok(());
    };
    let shrunk = plan.shrunk(|plan| play(scenario, plan.clone(), Some(end)).is_err());
    Err(format!("{scenario:?}, {shrunk}: {why}"))
}

#[test]
fn whatever_goes_wrong_the_end_is_the_same() {
    let seeds = match number("STATEWARD_FAULT_SEED") {
        Some(seed) => seed..seed + 1,
        None => {
            let from = number("STATEWARD_FAULT_FROM").unwrap_or(0);
            from..from + number("STATEWARD_FAULT_SEEDS").unwrap_or(SEEDS)
        }
    };
    let mut failures = Vec::new();
    std::thread::scope(|threads| {
        let players: Vec<_> = (SCENARIOS.into_iter())
            .map(|scenario| {
                let seeds = seeds.clone();
                threads.spawn(move || {
                    let reference = play(scenario, FaultPlan::none(), None).unwrap();
                    let writes = u32::try_from(reference.writes.len()).unwrap();
                    seeds
                        .filter_map(|seed| try_seed(scenario, seed, &reference.end, writes).err())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        for player in players {
            failures.extend(player.join().unwrap());
        }
    });
    tell(format_args!(
        "{} scenarios with {} seeds of faults each",
        SCENARIOS.len(),
        seeds.count()
    ));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
