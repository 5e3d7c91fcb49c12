//! What came out of a scenario under faults.

use std::fmt;

use crate::fault::Kind;

/// What came out of a scenario under faults.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Name of the scenario.
    pub scenario: String,
    /// So many runs were made, the one without a fault included.
    pub runs: usize,
    /// Those that went wrong, the shortest history first.
    pub failing: Vec<Failing>,
}

/// A run that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing {
    /// The fault; none: it fails without one.
    pub kind: Option<Kind>,
    /// What does not hold.
    pub why: String,
    /// What happened, in words.
    pub history: String,
    /// Lines of the history.
    pub(crate) length: usize,
}

impl Report {
    /// The kinds of faults that are not survived.
    pub fn kinds(&self) -> std::collections::BTreeSet<Kind> {
        let failing = self.failing.iter();
        failing.filter_map(|failing| failing.kind).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, runs, count) = (&self.scenario, self.runs, self.failing.len());
        writeln!(f, "{name}: {count} of {runs} runs go wrong")?;
        match self.failing.first() {
            Some(shortest) => write!(f, "the shortest of them:\n{shortest}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Failing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Some(kind) => writeln!(f, "  fault: {kind}")?,
            None => writeln!(f, "  without any fault")?,
        }
        writeln!(f, "  {}", self.why)?;
        write!(f, "{}", self.history)
    }
}
