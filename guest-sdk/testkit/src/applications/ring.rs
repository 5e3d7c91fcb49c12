//! A ring: each member holds a part of the data, and hands it over before it leaves.

use std::collections::BTreeMap;

use crate::application::{Application, Pod};

/// What all members hold together.
const DATA: u32 = 60;

/// A ring whose members hold 60 parts of data together.
///
/// | words | answer |
/// |---|---|
/// | `state` | `NEW`, `NORMAL`, `LEAVING`, `LEFT` |
/// | `join` | a new member takes its part; fails when it is in already |
/// | `leave` | it begins to hand its part over; fails when it is leaving already |
///
/// A new member is in the ring as soon as it starts, unless [`joins_when_asked`](Ring::joins_when_asked).
#[derive(Debug, Clone, Default)]
pub struct Ring {
    members: BTreeMap<u32, Member>,
    asks_to_join: bool,
    failing_joins: u32,
    now_ms: u64,
}

#[derive(Debug, Clone)]
struct Member {
    state: State,
    data: u32,
    left_at: u64,
}

/// Where a member of a [`Ring`] stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It runs and is not in the ring.
    New,
    /// It is in the ring.
    Normal,
    /// It hands its data over.
    Leaving,
    /// It has handed its data over.
    Left,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::New => "NEW",
            State::Normal => "NORMAL",
            State::Leaving => "LEAVING",
            State::Left => "LEFT",
        }
    }
}

/// So long a member hands its data over.
const LEAVING_MS: u64 = 12_000;

impl Ring {
    /// An empty ring.
    pub fn new() -> Ring {
        Ring::default()
    }

    /// Members are in the ring only after `join`.
    pub fn joins_when_asked(mut self) -> Ring {
        self.asks_to_join = true;
        self
    }

    /// The next so many `join`s fail.
    pub fn fail_joins(&mut self, count: u32) {
        self.failing_joins = count;
    }

    /// Where this member stands; none when it never ran.
    pub fn state(&self, ordinal: u32) -> Option<State> {
        self.members.get(&ordinal).map(|member| member.state)
    }

    /// The parts that members of the ring hold.
    pub fn data(&self) -> u32 {
        self.members.values().map(|member| member.data).sum()
    }

    /// Spreads all that its members hold evenly over those that are in.
    fn spread(&mut self, all: u32) {
        let mut left = all;
        let mut heirs = self.count();
        for member in self.members.values_mut().filter(|member| is_in(member)) {
            let part = left.checked_div(heirs).unwrap_or(0);
            member.data = part;
            left = left.saturating_sub(part);
            heirs = heirs.saturating_sub(1);
        }
    }

    fn count(&self) -> u32 {
        let members = self.members.values().filter(|member| is_in(member));
        u32::try_from(members.count()).unwrap_or(u32::MAX)
    }

    fn join(&mut self, ordinal: u32) -> Result<String, String> {
        if self.failing_joins > 0 {
            self.failing_joins -= 1;
            return Err("the ring is not ready for a new member".to_owned());
        }
        let all = match self.count() {
            0 => DATA,
            _ => self.data(),
        };
        match self.members.get_mut(&ordinal) {
            Some(member) if !is_in(member) => member.state = State::Normal,
            _ => return Err("it is in the ring already".to_owned()),
        }
        self.spread(all);
        Ok("NORMAL".to_owned())
    }
}

fn is_in(member: &Member) -> bool {
    matches!(member.state, State::Normal | State::Leaving)
}

impl Application for Ring {
    fn ask(&mut self, pod: &Pod, words: &[&str]) -> Result<String, String> {
        let now_ms = self.now_ms;
        match words {
            ["join"] => self.join(pod.ordinal),
            ["state"] => {
                let state = self.state(pod.ordinal).unwrap_or(State::New);
                Ok(state.word().to_owned())
            }
            ["leave"] => match self.members.get_mut(&pod.ordinal) {
                Some(member) if member.state == State::Normal => {
                    member.state = State::Leaving;
                    member.left_at = now_ms.saturating_add(LEAVING_MS);
                    Ok("LEAVING".to_owned())
                }
                _ => Err("it is not in the ring, or is leaving already".to_owned()),
            },
            _ => Err(format!("unknown words: {}", words.join(" "))),
        }
    }

    fn boot(&mut self, pod: &Pod) {
        let fresh = Member {
            state: State::New,
            data: 0,
            left_at: 0,
        };
        self.members.entry(pod.ordinal).or_insert(fresh);
        if !self.asks_to_join {
            // One that is in already stays so.
            self.join(pod.ordinal).ok();
        }
    }

    fn pass(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
        let over: Vec<u32> = self
            .members
            .iter()
            .filter(|(_, member)| member.state == State::Leaving && member.left_at <= now_ms)
            .map(|(ordinal, _)| *ordinal)
            .collect();
        for ordinal in over {
            let all = self.data();
            if let Some(member) = self.members.get_mut(&ordinal) {
                member.state = State::Left;
                member.data = 0;
            }
            self.spread(all);
        }
    }

    fn discard(&mut self, ordinal: u32, _volume: &str) {
        self.members.remove(&ordinal);
    }

    fn summary(&self, running: &[u32]) -> String {
        let members = running.iter().filter_map(|ordinal| {
            let member = self.members.get(ordinal)?;
            let (state, data) = (member.state.word(), member.data);
            Some(format!("{ordinal} is {state} with {data} parts"))
        });
        members.collect::<Vec<_>>().join(", ")
    }
}
