//! The plan while the rules write it.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::journal::{Act, InvocationId};
use crate::plan::{Question, Step};
use crate::status::Status;
use crate::waiting::WaitingFor;
use crate::world::World;

/// A call of an act hook that some rule waits for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    pub(crate) id: InvocationId,
    pub(crate) act: Act,
    /// To undo what was begun.
    pub(crate) cancelling: bool,
}

pub(crate) struct Draft {
    pub(crate) steps: Vec<Step>,
    pub(crate) status: Status,
    pub(crate) is_urgent: bool,
    pub(crate) wake_at: Option<Timestamp>,
    pub(crate) forget: BTreeSet<InvocationId>,
    pub(crate) waits: Vec<WaitingFor>,
    pub(crate) wanted: Vec<Wanted>,
    /// Claims of members that are to leave get their owners first.
    pub(crate) holds_condemned: bool,
    asked: BTreeSet<Question>,
    /// Of calls that were wanted at some time of this plan.
    known: BTreeSet<InvocationId>,
}

impl Draft {
    pub(crate) fn of(world: &World) -> Draft {
        Draft {
            steps: Vec::new(),
            status: (*world.recorded).clone(),
            is_urgent: false,
            wake_at: None,
            forget: BTreeSet::new(),
            waits: Vec::new(),
            wanted: Vec::new(),
            holds_condemned: false,
            asked: BTreeSet::new(),
            known: BTreeSet::new(),
        }
    }

    pub(crate) fn wait(&mut self, wait: WaitingFor) {
        self.waits.push(wait);
    }

    /// Look again at this time.
    pub(crate) fn wake(&mut self, at: Timestamp) {
        self.wake_at = Some(self.wake_at.map_or(at, |known| known.min(at)));
    }

    pub(crate) fn ask(&mut self, question: Question) {
        if self.asked.insert(question.clone()) {
            self.steps.push(Step::Decide { question });
        }
    }

    pub(crate) fn want(&mut self, act: Act, cancelling: bool) {
        let id = act.id();
        let is_new = self.known.insert(id.clone());
        let wanted = Wanted {
            id,
            act,
            cancelling,
        };
        if is_new || !self.wanted.contains(&wanted) {
            self.wanted.push(wanted);
        }
    }
}
