//! What an app waits for. One source for status, events, `stateward why` and metrics.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Who can end the wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// Kept from the recorded entry of the same owner, reason and subject.
    pub since: Timestamp,
}
