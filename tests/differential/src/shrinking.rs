//! The shortest scenario that still shows the same fault.

use crate::scenario::{Deed, Line, Scenario, Settings, Strategy};

/// Leaves out lines, from the last on, and what sets are told, as long as the scenario still `fails`, until nothing more can be left out; with at most so
/// many `plays`.
pub fn shrunk(
    scenario: Scenario,
    mut plays: usize,
    mut fails: impl FnMut(&Scenario) -> bool,
) -> Scenario {
    let mut shortest = scenario;
    loop {
        let before = shortest.clone();
        // Lines further on are those that are left out first, so the others stay where they are.
        for position in (0..before.lines.len()).rev() {
            for shorten in ways() {
                let mut shorter = shortest.clone();
                shorten(&mut shorter, position);
                // What comes after the last line is the end.
                if let Some(last) = shorter.lines.last_mut() {
                    last.is_hasty = false;
                }
                if shorter == shortest || !is_playable(&shorter) {
                    continue;
                }
                if plays == 0 {
                    return shortest;
                }
                plays -= 1;
                if fails(&shorter) {
                    let is_gone = shorter.lines.len() < shortest.lines.len();
                    shortest = shorter;
                    if is_gone {
                        break;
                    }
                }
            }
        }
        if shortest == before {
            return shortest;
        }
    }
}

type Way = Box<dyn Fn(&mut Scenario, usize)>;

/// How a scenario becomes shorter by one thing at a line.
fn ways() -> Vec<Way> {
    let mut ways: Vec<Way> = vec![
        Box::new(|scenario, position| {
            if position > 0 {
                scenario.lines.remove(position);
            }
        }),
        Box::new(|scenario, position| {
            if let Some(line) = scenario.lines.get_mut(position) {
                line.is_hasty = false;
            }
        }),
    ];
    for forget in OF_ONE_SET {
        ways.push(Box::new(move |scenario, position| {
            let lines = scenario.lines.iter_mut();
            lines
                .skip(position)
                .take(1)
                .filter_map(set)
                .for_each(forget);
        }));
    }
    // These never change, so they go from all lines or from none.
    for forget in OF_ALL_SETS {
        ways.push(Box::new(move |scenario, _| {
            scenario.lines.iter_mut().filter_map(set).for_each(forget);
        }));
    }
    ways
}

fn set(line: &mut Line) -> Option<&mut Settings> {
    match &mut line.deed {
        Deed::Set(set) | Deed::Apply(set) => Some(set),
        _ => None,
    }
}

const OF_ONE_SET: [fn(&mut Settings); 10] = [
    |set| set.replicas = set.replicas.min(1),
    |set| set.replicas = set.replicas.saturating_sub(1),
    |set| set.strategy = Strategy::default(),
    |set| set.partition = None,
    |set| set.max_unavailable = None,
    |set| set.min_ready_seconds = None,
    |set| set.start = None,
    |set| set.history = None,
    |set| set.image = None,
    |set| (set.deletes_when_scaled, set.deletes_when_deleted) = (false, false),
];

const OF_ALL_SETS: [fn(&mut Settings); 2] = [
    |set| set.is_parallel = false,
    |set| {
        set.has_claims = false;
        (set.deletes_when_scaled, set.deletes_when_deleted) = (false, false);
    },
];

/// A set is made once, unless it was deleted before it is made again.
fn is_playable(scenario: &Scenario) -> bool {
    let mut is_there = false;
    scenario.lines.iter().all(|line| match &line.deed {
        Deed::Set(_) => !std::mem::replace(&mut is_there, true),
        // It makes one where none is, so the next must not.
        Deed::Apply(_) => {
            is_there = true;
            true
        }
        Deed::DeleteSet(_) => {
            is_there = false;
            true
        }
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

    use super::*;

    fn shortest(text: &str, plays: usize, fails: impl Fn(&Scenario) -> bool) -> String {
        let scenario = Scenario::parse("x", text).unwrap();
        shrunk(scenario, plays, fails).to_string()
    }

    fn has(scenario: &Scenario, text: &str) -> bool {
        scenario.to_string().contains(text)
    }

    #[test]
    fn lines_that_do_not_matter_go() {
        let shrunk = shortest(
            "set replicas=2\nscale 3\nfail 1\nscale 1\n",
            100,
            |shorter| has(shorter, "fail 1"),
        );
        assert_eq!(shrunk, "# x\nset replicas=0\nfail 1\n");
    }

    /// `scale 3` can go only once `image app:2`, which stands before it, is gone.
    #[test]
    fn it_goes_on_until_nothing_more_can_be_left_out() {
        let text = "set\nimage app:2\nscale 3\nfail 1\n";
        let shrunk = shortest(text, 100, |shorter| {
            has(shorter, "fail 1") && (!has(shorter, "image") || has(shorter, "scale"))
        });
        assert_eq!(shrunk, "# x\nset replicas=0\nfail 1\n");
    }

    #[test]
    fn what_a_set_is_told_goes_too() {
        let text = "set replicas=4 strategy=OnDelete partition=1 start=2 history=1 claims whenScaled=Delete\nscale 1\n";
        let shrunk = shortest(text, 100, |shorter| {
            has(shorter, "start=2") && has(shorter, "replicas=3") || has(shorter, "replicas=4 ")
        });
        assert_eq!(shrunk, "# x\nset replicas=3 start=2\n");
    }

    #[test]
    fn what_never_changes_goes_from_all_lines_at_once() {
        let text = "set policy=Parallel claims\napply replicas=2 policy=Parallel claims\nscale 1\n";
        let shrunk = shortest(text, 100, |shorter| {
            let words = |word: &str| shorter.to_string().matches(word).count();
            has(shorter, "apply") && words("claims") != 1 && words("Parallel") != 1
        });
        assert_eq!(shrunk, "# x\nset replicas=0\napply replicas=0\n");
    }

    #[test]
    fn what_could_not_be_played_is_not_tried() {
        let text = "set\ndelete set\nset\nscale 2 &\nscale 3\n";
        let shrunk = shortest(text, 100, |shorter| {
            assert!(is_playable(shorter), "{shorter}");
            assert!(!shorter.lines.last().unwrap().is_hasty, "{shorter}");
            shorter.to_string().matches("set replicas").count() == 2
        });
        assert_eq!(shrunk, "# x\nset replicas=0\ndelete set\nset replicas=0\n");
    }

    #[test]
    fn it_ends_when_it_has_played_enough() {
        let played = std::cell::Cell::new(0);
        let shrunk = shortest("set\nscale 2\nscale 3\nscale 4\nscale 5\n", 2, |_| {
            played.set(played.get() + 1);
            true
        });
        assert_eq!(played.get(), 2);
        assert_eq!(shrunk, "# x\nset replicas=1\nscale 2\nscale 3\n");
    }

    #[test]
    fn what_fails_by_chance_is_left_as_it_is() {
        let text = "set replicas=2 claims\nscale 3\n";
        assert_eq!(shortest(text, 100, |_| false), format!("# x\n{text}"));
    }
}
