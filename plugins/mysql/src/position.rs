//! GTID positions of MariaDB: per domain the last transaction, as `domain-server-sequence`.
//!
//! A position stands for a whole history: whoever has `0-100-7` has every transaction of domain 0 up to number 7. Two histories fit only if the
//! shorter one is a beginning of the longer one, which positions alone cannot always tell: the same number from two servers is a sure sign that
//! they do not, and so is a transaction that the other side's binlog state does not know.

use std::collections::BTreeMap;
use std::fmt;

/// One transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gtid {
    pub(crate) domain: u32,
    pub(crate) server: u32,
    pub(crate) sequence: u64,
}

/// The last transaction of each domain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Position(BTreeMap<u32, Gtid>);

/// What a server's binary log knows: the last transaction of each domain *and server*.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct BinlogState(BTreeMap<(u32, u32), u64>);

/// Whether one history contains another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coverage {
    /// It does.
    Covers,
    /// The other one goes on after this one's end: it has this transaction.
    Lacks(Gtid),
    /// They went apart: the other one has this transaction, and here is something else in its place.
    Diverged(Gtid),
}

impl Gtid {
    fn parse(text: &str) -> Option<Gtid> {
        let mut parts = text.trim().split('-');
        let gtid = Gtid {
            domain: parts.next()?.parse().ok()?,
            server: parts.next()?.parse().ok()?,
            sequence: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(gtid)
    }

    fn parse_all(text: &str) -> Result<Vec<Gtid>, String> {
        let parts = text
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty());
        parts
            .map(|part| Gtid::parse(part).ok_or_else(|| format!("{part:?} is no GTID")))
            .collect()
    }
}

impl Position {
    pub(crate) fn parse(text: &str) -> Result<Position, String> {
        let gtids = Gtid::parse_all(text)?;
        Ok(gtids.into_iter().fold(Position::default(), Position::with))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The further one of both, per domain.
    pub(crate) fn union(self, other: &Position) -> Position {
        other.0.values().copied().fold(self, Position::with)
    }

    fn with(mut self, gtid: Gtid) -> Position {
        let last = self.0.entry(gtid.domain).or_insert(gtid);
        if gtid.sequence > last.sequence {
            *last = gtid;
        }
        self
    }

    /// Whether everything up to `other` is here. `state` is what the binary log here knows.
    pub(crate) fn covers(&self, state: &BinlogState, other: &Position) -> Coverage {
        for gtid in other.0.values() {
            let Some(last) = self.0.get(&gtid.domain) else {
                return Coverage::Lacks(*gtid);
            };
            let known = state.0.get(&(gtid.domain, gtid.server));
            let is_known_not_to_be_here = known.is_some_and(|last| *last < gtid.sequence);
            if last.sequence < gtid.sequence {
                return Coverage::Lacks(*gtid);
            }
            if (last.sequence == gtid.sequence && last.server != gtid.server)
                || is_known_not_to_be_here
            {
                return Coverage::Diverged(*gtid);
            }
        }
        Coverage::Covers
    }

    /// How much of the way to `goal` is done, by the domain that has the furthest to go. 0 to 100.
    pub(crate) fn percent_of(&self, goal: &Position) -> u8 {
        let share = |wanted: &Gtid| {
            let here = self.0.get(&wanted.domain).map_or(0, |gtid| gtid.sequence);
            let percent = here.min(wanted.sequence).saturating_mul(100) / wanted.sequence.max(1);
            u8::try_from(percent).unwrap_or(100)
        };
        goal.0.values().map(share).min().unwrap_or(100)
    }
}

impl BinlogState {
    pub(crate) fn parse(text: &str) -> Result<BinlogState, String> {
        let mut state = BinlogState::default();
        for gtid in Gtid::parse_all(text)? {
            let last = state.0.entry((gtid.domain, gtid.server)).or_default();
            *last = gtid.sequence.max(*last);
        }
        Ok(state)
    }
}

impl fmt::Display for Gtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.domain, self.server, self.sequence)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gtids: Vec<String> = self.0.values().map(Gtid::to_string).collect();
        f.write_str(&gtids.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_history_contains_another_or_not() {
        use Coverage::{Covers, Diverged, Lacks};
        let gtid = |text| Gtid::parse(text).unwrap();
        let cases = [
            ("", "", "", Covers),
            ("0-100-7", "0-100-7", "", Covers),
            ("0-100-7", "0-100-7", "0-100-3", Covers),
            ("0-100-7", "0-100-7", "0-100-7", Covers),
            ("0-100-7", "0-100-7", "0-100-8", Lacks(gtid("0-100-8"))),
            ("", "", "0-100-1", Lacks(gtid("0-100-1"))),
            ("0-100-7", "0-100-7", "1-100-1", Lacks(gtid("1-100-1"))),
            // After a switchover from 100 to 101 at number 5.
            ("0-101-9", "0-100-5,0-101-9", "0-100-4", Covers),
            (
                "0-101-9",
                "0-100-5,0-101-9",
                "0-100-6",
                Diverged(gtid("0-100-6")),
            ),
            (
                "0-101-9",
                "0-100-5,0-101-9",
                "0-100-9",
                Diverged(gtid("0-100-9")),
            ),
            ("0-101-9", "0-101-9", "0-102-9", Diverged(gtid("0-102-9"))),
        ];
        for (here, state, there, expected) in cases {
            let state = BinlogState::parse(state).unwrap();
            let there = Position::parse(there).unwrap();
            let found = Position::parse(here).unwrap().covers(&state, &there);
            assert_eq!(found, expected, "{here:?} and {there:?}");
        }
    }

    #[test]
    fn the_further_one_of_both_counts_per_domain() {
        let binlog = Position::parse("0-100-7, 1-100-2").unwrap();
        let applied = Position::parse("0-101-9,2-5-1").unwrap();
        assert_eq!(binlog.union(&applied).to_string(), "0-101-9,1-100-2,2-5-1");
    }

    #[test]
    fn progress_is_that_of_the_slowest_domain() {
        let goal = Position::parse("0-100-200,1-100-10").unwrap();
        let percent = |text| Position::parse(text).unwrap().percent_of(&goal);
        assert_eq!(percent(""), 0);
        assert_eq!(percent("0-100-50,1-100-10"), 25);
        assert_eq!(percent("0-100-900,1-100-10"), 100);
    }

    #[test]
    fn what_is_no_position_is_said() {
        assert_eq!(Position::parse("0-1"), Err("\"0-1\" is no GTID".to_owned()));
        assert!(Position::parse("0-1-2-3").is_err());
        assert!(Position::parse("a-1-2").is_err());
    }
}
