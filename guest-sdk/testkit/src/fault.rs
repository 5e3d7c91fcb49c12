//! What can go wrong, and where.

use std::fmt;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The host dies before an effect.
    CrashBeforeEffect,
    /// The host dies after an effect.
    CrashAfterEffect,
    /// The host dies before it takes an answer.
    CrashBeforeAnswer,
    /// The host dies after it has written an answer.
    CrashAfterAnswer,
    /// The host dies before a step of its plan.
    CrashBeforeStep,
    /// The host dies after a step of its plan.
    CrashAfterStep,
    /// The same call is made twice.
    Duplicate,
    /// A call sees the other members as they were at the call before.
    StaleSnapshot,
    /// The connection is lost before an effect.
    LostBeforeEffect,
    /// The connection is lost after an effect.
    LostAfterEffect,
    /// An effect takes place, its answer does not come in time.
    Timeout,
    /// The pod is replaced under the same name just before an effect.
    Replaced,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 12] = [
        Kind::CrashBeforeEffect,
        Kind::CrashAfterEffect,
        Kind::CrashBeforeAnswer,
        Kind::CrashAfterAnswer,
        Kind::CrashBeforeStep,
        Kind::CrashAfterStep,
        Kind::Duplicate,
        Kind::StaleSnapshot,
        Kind::LostBeforeEffect,
        Kind::LostAfterEffect,
        Kind::Timeout,
        Kind::Replaced,
    ];

    /// What it can happen to.
    pub(crate) fn at(self) -> Place {
        match self {
            Kind::CrashBeforeEffect | Kind::CrashAfterEffect => Place::Effect,
            Kind::CrashBeforeAnswer
            | Kind::CrashAfterAnswer
            | Kind::Duplicate
            | Kind::StaleSnapshot => Place::Call,
            Kind::CrashBeforeStep | Kind::CrashAfterStep => Place::Step,
            Kind::LostBeforeEffect | Kind::LostAfterEffect | Kind::Timeout | Kind::Replaced => {
                Place::Member
            }
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::CrashBeforeEffect => "the host dies before this effect",
            Kind::CrashAfterEffect => "the host dies after this effect",
            Kind::CrashBeforeAnswer => "the host dies before it takes this answer",
            Kind::CrashAfterAnswer => "the host dies after it has written this answer",
            Kind::CrashBeforeStep => "the host dies before this step",
            Kind::CrashAfterStep => "the host dies after this step",
            Kind::Duplicate => "the same call is made twice",
            Kind::StaleSnapshot => "the other members are seen as they were at the call before",
            Kind::LostBeforeEffect => "the connection is lost before this effect",
            Kind::LostAfterEffect => "the connection is lost after this effect",
            Kind::Timeout => "this takes effect, and its answer does not come in time",
            Kind::Replaced => "the pod is replaced under the same name just before this",
        })
    }
}

/// What faults happen to. Counted over one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// A step of the host's plan.
    Step,
    /// A call of an act hook.
    Call,
    /// Something that a hook changes: at a member, or in `state`.
    Effect,
    /// Something that a hook asks a member, in whatever hook.
    Member,
}

/// One fault at one point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    /// The point, counted from 0 over the run.
    pub(crate) point: usize,
}

/// Counts the points of a run, and says where the fault is.
#[derive(Debug, Clone, Default)]
pub(crate) struct Points {
    fault: Option<Fault>,
    steps: usize,
    calls: usize,
    effects: usize,
    members: usize,
    has_struck: bool,
}

impl Points {
    pub(crate) fn with(fault: Option<Fault>) -> Points {
        Points {
            fault,
            ..Points::default()
        }
    }

    /// Whether the fault has struck since this was last asked.
    pub(crate) fn has_struck(&mut self) -> bool {
        std::mem::take(&mut self.has_struck)
    }

    pub(crate) fn count(&self, place: Place) -> usize {
        match place {
            Place::Step => self.steps,
            Place::Call => self.calls,
            Place::Effect => self.effects,
            Place::Member => self.members,
        }
    }

    /// The next point of this place; the kind of the fault that strikes there.
    pub(crate) fn next(&mut self, place: Place) -> Option<Kind> {
        let counter = match place {
            Place::Step => &mut self.steps,
            Place::Call => &mut self.calls,
            Place::Effect => &mut self.effects,
            Place::Member => &mut self.members,
        };
        let point = *counter;
        *counter += 1;
        let fault = self.fault?;
        let strikes = fault.kind.at() == place && fault.point == point;
        self.has_struck |= strikes;
        strikes.then_some(fault.kind)
    }
}

/// Ends a hook as the death of its host does.
pub(crate) struct HostDied;

pub(crate) fn die() -> ! {
    // Not a panic: nothing is printed, and no plugin can mistake it for its own.
    std::panic::resume_unwind(Box::new(HostDied))
}
