//! What an app is told.

use std::sync::Arc;

use stateward_runtime::{CallError, Failure, Probed};
use tokio::sync::oneshot;

use super::steps::Outcome;
use crate::events::Note;
use crate::hooks::{Called, Decided};
use crate::plugins::Serving;

pub(crate) enum Message {
    /// Something that the app depends on changed.
    Changed,
    /// Something changed that it hardly depends on.
    Stirring,
    /// The watch brings the app with another status, maybe the one that we wrote.
    StatusWritten,
    /// A call of an act hook ended.
    Called(Box<Called>),
    /// Something for the app's owner.
    Tell(Note),
    /// A decide hook answered.
    Decided(Box<Decided>),
    /// A step ended that nobody waited for.
    Carried {
        title: String,
        kind: &'static str,
        outcome: Box<Outcome>,
    },
    /// A probe ended.
    Probed {
        pod: String,
        ordinal: u32,
        result: Box<Result<Probed, CallError>>,
        /// The version that was asked.
        serving: Arc<Serving>,
        took: std::time::Duration,
    },
    /// A plugin stores a value in its `state`.
    PutState {
        key: String,
        value: Vec<u8>,
        after_version: u64,
        reply: oneshot::Sender<Result<u64, Failure>>,
    },
    /// A secret was read, or why it could not be.
    Secret {
        slot: String,
        missing: Option<String>,
    },
}
