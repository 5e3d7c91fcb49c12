//! Scenarios read back as they are written.

use stateward_differential::random::{self, Among};
use stateward_differential::scenario::Scenario;

use crate::written;

#[test]
fn what_is_written_reads_back() {
    let drawn = (0..300).map(|seed| match seed % 3 {
        0 => random::draw(seed, Among::Everything),
        1 => random::draw(seed, Among::Certain),
        _ => random::draw(seed, Among::Restarts),
    });
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
