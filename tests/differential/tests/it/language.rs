//! Scenarios read back as they are written.

use stateward_differential::random;
use stateward_differential::scenario::Scenario;

use crate::written;

#[test]
fn what_is_written_reads_back() {
    let drawn = (0..200).map(|seed| random::draw(seed, seed % 2 == 0));
    for scenario in written().into_iter().chain(drawn) {
        let text = scenario.to_string();
        let read = Scenario::parse(&scenario.name, &text).unwrap();
        assert_eq!(read, scenario, "{text}");
    }
}

#[test]
fn a_line_that_is_no_deed_is_named() {
    let error = Scenario::parse("new", "set replicas=1\nscale up\n").unwrap_err();
    assert!(
        error.to_string().starts_with("new, line 2: \"scale up\""),
        "{error}"
    );
}

#[test]
fn a_failing_scenario_shrinks_to_the_lines_that_matter() {
    let scenario = Scenario::parse("x", "set replicas=2\nscale 3\nfail 1\nscale 1\n").unwrap();
    let shrunk = random::shrunk(scenario, |shorter| shorter.to_string().contains("fail 1"));
    assert_eq!(shrunk.to_string(), "# x\nset replicas=2\nfail 1\n");
}
