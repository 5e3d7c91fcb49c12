//! Is a status worth a write? What changes with every look is not.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Status;
use crate::journal::{Invocation, Phase};
use crate::shared::Shared;
use crate::waiting::Waiting;
use crate::world::Face;

/// Waits that are mostly over before the write would be; told when something else is written, and taken back when they are over.
const PASSING: [&str; 4] = [
    "HookRunning",
    "HookQueued",
    "ValidationPending",
    "MemberConfigPending",
];
/// Waits whose message counts something up.
const COUNTING: [&str; 2] = ["HookInProgress", "PluginFails"];

impl Status {
    /// Whether this status tells something that `recorded` does not. What changes with every look (attempts, the next ask, percent) is not worth a write.
    /// In the StatefulSet face only upstream's fields count.
    pub fn is_worth_writing(&self, recorded: &Status, face: Face) -> bool {
        match face {
            Face::StatefulSet => self.upstream() != recorded.upstream(),
            Face::StatefulApp => {
                self.joined.says_more_than(&recorded.joined)
                    || self.lasting(recorded) != recorded.lasting(recorded)
            }
        }
    }

    /// Only what `apps/v1` has.
    fn upstream(&self) -> Status {
        Status {
            selector: String::new(),
            waiting: Vec::new(),
            accepted: None,
            scale: None,
            roles: Vec::new(),
            failures: Vec::new(),
            invocations: Vec::new(),
            joined: Shared::default(),
            state: std::collections::BTreeMap::new(),
            departures: Vec::new(),
            orders: Vec::new(),
            rulings: Vec::new(),
            tasks: Vec::new(),
            history: Vec::new(),
            ..self.clone()
        }
    }

    /// Without what passes or counts up.
    fn lasting(&self, recorded: &Status) -> Status {
        let known: BTreeSet<_> = recorded.waiting.iter().map(key).collect();
        Status {
            waiting: self
                .waiting
                .iter()
                .filter(|wait| {
                    !PASSING.contains(&wait.reason.as_str()) || known.contains(&key(wait))
                })
                .map(lasting_wait)
                .collect(),
            invocations: self.invocations.iter().map(lasting_invocation).collect(),
            history: Vec::new(),
            joined: Shared::default(),
            ..self.clone()
        }
    }
}

fn key(wait: &Waiting) -> (String, String) {
    (wait.reason.clone(), wait.subject.clone())
}

fn lasting_wait(wait: &Waiting) -> Waiting {
    let counts = COUNTING.contains(&wait.reason.as_str());
    Waiting {
        message: if counts {
            String::new()
        } else {
            wait.message.clone()
        },
        ..wait.clone()
    }
}

fn lasting_invocation(known: &Invocation) -> Invocation {
    let never = Timestamp::UNIX_EPOCH;
    let phase = match &known.phase {
        Phase::InProgress { .. } => Phase::InProgress {
            ask_again: never,
            percent: None,
            message: String::new(),
        },
        Phase::Refused { reason, .. } => Phase::Refused {
            reason: reason.clone(),
            since: never,
            ask_again: never,
        },
        Phase::Failing { reason, .. } => Phase::Failing {
            reason: reason.clone(),
            message: String::new(),
            failures: 0,
            ask_again: never,
        },
        other => other.clone(),
    };
    Invocation {
        attempts: 0,
        is_recorded: false,
        phase,
        ..known.clone()
    }
}
