//! What an app waits for. One source for status, events, `stateward why` and metrics.
//!
//! A rule that decides answers with a gate; the value that closes it is what people read later.

mod list;
mod text;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::journal::{Act, InvocationId};

pub(crate) use list::rendered;

/// Who can end the wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Owner {
    Kubernetes,
    Plugin,
    Quota,
    User,
    Clock,
}

/// One thing waited for, ready to be read by people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    pub owner: Owner,
    /// Stable, CamelCase: `PodNotAvailable`, `PluginRefuses` …
    pub reason: String,
    /// What it is about: `pod mariadb-1`, `claim data-mariadb-1`, `scale to 5`.
    pub subject: String,
    /// What is waited for, a sentence.
    pub message: String,
    /// What would end the wait, a sentence.
    pub unblocks: String,
    /// Id of the invocation that it is for, as `stateward invocation` takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invocation: Option<InvocationId>,
    /// Kept from the recorded entry of the same owner, reason and subject.
    pub since: Timestamp,
}

/// May it be done now?
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Gate {
    Open,
    Wait(WaitingFor),
}

/// One thing that the app waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum WaitingFor {
    /// A pod's containers do not all run yet.
    PodStarting {
        pod: String,
        hindrance: Option<String>,
    },
    /// Its containers run; it is not Ready.
    PodNotReady {
        pod: String,
        hindrance: Option<String>,
    },
    /// Ready, but not for `minReadySeconds` yet.
    PodReadyLongEnough {
        pod: String,
        seconds: u32,
    },
    PodTerminating {
        pod: String,
    },
    ClaimTerminating {
        claim: String,
        pod: String,
    },
    /// The former pod owns the claim; garbage collection will delete it.
    ClaimStale {
        claim: String,
        pod: String,
    },
    /// Another controller has the claim, so that its retention is not ours to keep.
    ClaimControlled {
        claim: String,
        by: String,
    },
    /// A claim that has not got all the storage that it asks for.
    ClaimGrowing {
        claim: String,
        capacity: String,
        requested: String,
        standing: Option<String>,
    },
    /// Its pods keep ending, so many one after another where they are counted; the next one is created later.
    PodKeepsEnding {
        pod: String,
        count: Option<u32>,
        until: Timestamp,
    },
    /// A pod of this name exists that is not ours.
    NameTaken {
        pod: String,
    },
    /// An act hook has not answered `done`.
    Hook {
        act: Act,
        standing: HookStanding,
    },
    MemberConfig {
        pod: String,
        problem: Option<(String, String)>,
    },
    /// `validate` was not answered yet.
    Validation,
    ValidationRefused {
        message: String,
    },
    ValidationFailed {
        reason: String,
        message: String,
    },
    PluginUnavailable {
        name: String,
        reason: String,
        message: String,
    },
    /// Scaling waits until the present spec is accepted.
    UnfinishedScale {
        target: u32,
    },
    /// Nobody that could take over a role is available.
    NoCandidate {
        role: String,
        pod: String,
    },
    RoleUnheld {
        role: String,
    },
    /// A switchover must wait for another move of the role.
    SwitchoverQueued {
        role: String,
    },
    Partition {
        partition: u32,
        pods: Vec<String>,
        revision: String,
    },
    OnDelete {
        pods: Vec<String>,
        revision: String,
    },
    /// The plugin tidies up after the member that had this ordinal.
    Departure {
        ordinal: u32,
        id: InvocationId,
    },
    /// The plugin asked that this member is not started again.
    Quarantined {
        ordinal: u32,
        why: String,
    },
    /// The claims of this member are being deleted.
    Discarding {
        ordinal: u32,
        why: String,
    },
    /// Somebody gave the purpose up.
    Aborted {
        act: Act,
    },
    /// Somebody decided that the role does not move.
    RoleStays {
        role: String,
        pod: String,
    },
    /// The member's node is drained, and it is not its turn.
    Drain {
        pod: String,
        node: String,
    },
    /// The member is prepared, and whoever drains its node may evict it.
    Eviction {
        pod: String,
        until: Timestamp,
    },
    /// The spec says that rollouts stand still.
    Paused {
        pods: Vec<String>,
    },
    /// The status must be written first; over in a moment, and told to nobody.
    Recording,
}

/// How far the hook is that is waited for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum HookStanding {
    /// The call is about to be made, or in flight.
    Asked,
    /// Another invocation has the lane.
    Queued {
        behind: InvocationId,
    },
    InProgress {
        percent: Option<u8>,
        message: String,
    },
    Refused {
        reason: String,
    },
    Failing {
        reason: String,
        message: String,
        failures: u32,
    },
    Fatal {
        message: String,
    },
    /// `done`, but the role has the holder that it had.
    DidNotMove,
}
