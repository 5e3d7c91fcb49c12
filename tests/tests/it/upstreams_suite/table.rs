//! docs/statefulset-e2e.md: `| spec | upstream's controller | Stateward |`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::Controller;
use super::run::Outcome;

/// What is known of a spec with one of the controllers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Passes,
    Fails,
    NotRun,
}

impl Known {
    fn parse(text: &str) -> Result<Self> {
        match text.split_once(':').map_or(text, |(word, _why)| word) {
            "passes" => Ok(Self::Passes),
            "fails" => Ok(Self::Fails),
            "not run" => Ok(Self::NotRun),
            _ => bail!("{text:?} is none of `passes`, `fails: why`, `not run: why`"),
        }
    }

    pub(super) fn is_run(&self) -> bool {
        *self != Self::NotRun
    }

    pub(super) fn agrees(&self, outcome: &Outcome) -> bool {
        match self {
            Self::Passes => outcome.is_pass(),
            Self::Fails => !outcome.is_pass(),
            Self::NotRun => false,
        }
    }
}

pub(super) struct Table(BTreeMap<String, [Known; 2]>);

impl Table {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let mut lines = BTreeMap::new();
        let rows = text.lines().filter(|line| line.starts_with("| `"));
        for line in rows {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [spec, upstream, ours] = cells.as_slice() else {
                bail!("not three columns: {line}");
            };
            let known = [Known::parse(upstream)?, Known::parse(ours)?];
            lines.insert(spec.trim_matches('`').to_owned(), known);
        }
        Ok(Self(lines))
    }

    pub(super) fn known(&self, spec: &str, controller: Controller) -> Option<&Known> {
        let [upstream, ours] = self.0.get(spec)?;
        Some(match controller {
            Controller::Upstream => upstream,
            Controller::Stateward => ours,
        })
    }

    /// Neither a spec that the table does not know nor a line without a spec.
    pub(super) fn holds_exactly(&self, specs: &[String]) -> Result<()> {
        let there: BTreeSet<&String> = specs.iter().collect();
        let known: BTreeSet<&String> = self.0.keys().collect();
        if there != known {
            bail!(
                "docs/statefulset-e2e.md lacks {:?} and knows {:?}, which the suite has not",
                there.difference(&known).collect::<Vec<_>>(),
                known.difference(&there).collect::<Vec<_>>()
            );
        }
        Ok(())
    }
}
