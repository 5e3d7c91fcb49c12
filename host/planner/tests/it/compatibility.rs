//! `docs/statefulset-compatibility.md` has a line for every point and every test of upstream, and names tests that exist. `docs/concepts.md` and `docs/hooks.md`
//! have every reason that people may read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Points of the inventory.
const POINTS: u32 = 170;
/// Tests of upstream's controller, of its revisions and of the two together with an API server.
const UPSTREAMS_TESTS: usize = 118;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(workspace().join(path)).unwrap()
}

/// Names of the functions in test code and in sources, where unit tests stand.
fn functions(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") {
            functions(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let names = text.split("fn ").skip(1);
            found.extend(names.filter_map(|rest| Some(rest.split_once('(')?.0.to_owned())));
        }
    }
}

fn tests() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for folder in ["host", "tests"] {
        functions(&workspace().join(folder), &mut found);
    }
    found
}

#[test]
fn every_point_has_a_line_and_every_test_that_is_named_exists() {
    let document = read("docs/statefulset-compatibility.md");
    let tests = tests();
    let mut points = BTreeSet::new();
    let mut unshown = Vec::new();
    for line in document.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let shown = *cells.last().unwrap();
        for test in shown.split('`').skip(1).step_by(2) {
            assert!(tests.contains(test), "{test} does not exist: {line}");
        }
        let Ok(point) = cells[0].parse::<u32>() else {
            continue;
        };
        assert!(points.insert(point), "{point} has two lines");
        let [_, topic, verdict, how, _] = cells[..] else {
            panic!("five cells: {line}");
        };
        assert!(!topic.is_empty(), "{line}");
        match verdict {
            "same" => {}
            "better" | "StatefulApp better" | "not applicable" => {
                assert!(!how.is_empty(), "it says how, or why: {line}");
            }
            other => panic!("{other} is no verdict: {line}"),
        }
        if !shown.contains('`') && verdict != "not applicable" {
            unshown.push(point);
        }
    }
    let all: BTreeSet<_> = (1..=POINTS).collect();
    let missing: Vec<_> = all.difference(&points).collect();
    assert!(missing.is_empty(), "no line for {missing:?}");
    assert!(unshown.is_empty(), "no test for {unshown:?}");
}

/// That the tests named here exist is seen to above.
#[test]
fn every_test_of_upstream_has_a_line_with_a_test_or_the_reason_for_none() {
    let document = read("docs/statefulset-compatibility.md");
    let mut names = BTreeSet::new();
    for line in document.lines().filter(|line| line.starts_with("| Test")) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, here] = cells[..] else {
            panic!("two cells: {line}");
        };
        assert!(names.insert(name), "{name} has two lines");
        let reason = here.strip_prefix("not applicable: ");
        let has_test = here.starts_with('`');
        assert!(
            has_test || reason.is_some_and(|why| !why.is_empty()),
            "{line}"
        );
    }
    assert_eq!(names.len(), UPSTREAMS_TESTS);
}

/// Whatever looks like a reason in the sources that make waits, conditions, results and events.
#[test]
fn every_reason_stands_in_the_concepts() {
    let concepts = [
        "host/planner/src/waiting/text.rs",
        "host/planner/src/status/conditions.rs",
        "host/planner/src/status/recreate.rs",
        "host/planner/src/journal/commit.rs",
        "host/planner/src/roles/moves.rs",
        "host/planner/src/roles/switchover.rs",
        "host/planner/src/rulings.rs",
        "host/planner/src/tasks.rs",
        "host/operator/src/apps/actor.rs",
        "host/operator/src/apps/committing.rs",
        "host/operator/src/apps/journal.rs",
        "host/operator/src/apps/overlay.rs",
        "host/operator/src/apps/telling.rs",
        "host/operator/src/apps/versions.rs",
    ];
    let hooks = [
        "host/operator/src/apps/holding.rs",
        "host/operator/src/plugins/loading.rs",
        "host/operator/src/plugins/source.rs",
    ];
    stand_in("docs/concepts.md", &concepts);
    stand_in("docs/hooks.md", &hooks);
}

fn stand_in(document: &str, sources: &[&str]) {
    let told = read(document);
    let mut missing = BTreeSet::new();
    for source in sources {
        let text = read(source);
        let code = text.split("#[cfg(test)]").next().unwrap();
        let code = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            for word in line.split('"').skip(1).step_by(2) {
                let is_reason = word.len() > 5
                    && word.starts_with(|first: char| first.is_ascii_uppercase())
                    && word.chars().all(|letter| letter.is_ascii_alphabetic());
                if is_reason && !told.contains(&format!("`{word}`")) {
                    missing.insert(word.to_owned());
                }
            }
        }
    }
    assert!(missing.is_empty(), "not in {document}: {missing:?}");
}
