//! The plan while the rules write it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::journal::{Act, InvocationId};
use crate::plan::{Question, Step};
use crate::status::Status;
use crate::waiting::WaitingFor;
use crate::world::World;

/// Twice as many as the status tells of, or as may be under way.
const CROWD: usize = 64;

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
    /// Somebody leaves only when another member can take its role, and none can.
    pub(crate) lacks_candidate: bool,
    /// What waits besides, and is not told by name: of a crowd the status has room for a few.
    pub(crate) unnamed: usize,
    asked: BTreeSet<Question>,
    /// Calls that are wanted for the first time, by hook.
    first: BTreeMap<&'static str, usize>,
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
            lacks_candidate: false,
            unnamed: 0,
            asked: BTreeSet::new(),
            first: BTreeMap::new(),
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

    /// A call that nobody began yet. Of a crowd that waits for the same hook most are only counted: few may go at a time, and few are told.
    pub(crate) fn want_first(&mut self, act: Act, id: InvocationId) {
        let first = self.first.entry(act.hook()).or_default();
        if *first < CROWD || self.known.contains(&id) {
            *first += 1;
            self.want_as(id, act, false);
        } else {
            self.unnamed += 1;
        }
    }

    pub(crate) fn want(&mut self, act: Act, cancelling: bool) {
        self.want_as(act.id(), act, cancelling);
    }

    fn want_as(&mut self, id: InvocationId, act: Act, cancelling: bool) {
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
