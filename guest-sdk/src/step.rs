//! How an act hook answers.
//!
//! | answer | means |
//! |---|---|
//! | [`done()`] | the purpose is reached |
//! | [`again("…")`](again) | on the way: ask again, by default after a second, with the checkpoint that was handed back |
//! | [`refuse("…")`](refuse) | not now, and why: asked again when something changes, or after 60 s |
//! | `?` on a [`Failure`](crate::Failure) | [`Fault::Retry`]: ask again, with backoff |
//! | [`Fault::Fatal`] | asking again is useless until the spec or the plugin changes |

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// What an act hook returns.
pub type Step = Result<Outcome, Fault>;

/// The longest checkpoint that the host keeps, in bytes.
pub const CHECKPOINT_MAX: usize = 2 * 1024;

/// How an act hook answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The purpose is reached.
    Done,
    /// Not done yet, and on the way.
    InProgress(Progress),
    /// Not now, and why. Asked again when the spec, a role or a member's health changes, or after 60 s.
    Refuse(String),
}

/// Not done yet, and on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Handed to the next call under the same id.
    pub checkpoint: Vec<u8>,
    /// 0 to 100.
    pub percent: Option<u8>,
    /// For people: what it waits for.
    pub message: String,
    /// When to ask again. The host asks no sooner, but at once when the spec's generation changes, or what the invocation is about: its member's readiness, role
    /// or health, or who holds its role.
    pub again_after: Duration,
}

/// How a hook fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Try again, with backoff.
    Retry(String),
    /// Trying again is useless until the spec or the plugin changes.
    Fatal(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Retry(text) | Fault::Fatal(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Fault {}

/// The purpose is reached.
pub fn done() -> Step {
    Ok(Outcome::Done)
}

/// Not done yet: ask again after a second, or as [`Pacing`] says. The message tells people what it waits for.
///
/// ```
/// use stateward_sdk::prelude::*;
///
/// fn waits() -> Step {
///     again("handing its data over").after(secs(5)).percent(40)
/// }
/// # assert!(matches!(waits(), Ok(Outcome::InProgress(p)) if p.percent == Some(40)));
/// ```
pub fn again(message: impl Into<String>) -> Step {
    Ok(Outcome::InProgress(Progress {
        checkpoint: Vec::new(),
        percent: None,
        message: message.into(),
        again_after: Duration::from_secs(1),
    }))
}

/// Not now, and why.
pub fn refuse(reason: impl Into<String>) -> Step {
    Ok(Outcome::Refuse(reason.into()))
}

/// That many seconds.
pub const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// That many milliseconds.
pub const fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// What can be added to [`again`]. It leaves every other answer as it is.
pub trait Pacing: Sized {
    /// When to ask again.
    fn after(self, wait: Duration) -> Step;
    /// How far it is, 0 to 100.
    fn percent(self, percent: u8) -> Step;
    /// What the next call under the same id is handed, see [`Call::checkpoint`](crate::Call::checkpoint). At most
    /// [`CHECKPOINT_MAX`] bytes as JSON; more is [`Fault::Fatal`].
    fn checkpoint<T: Serialize>(self, checkpoint: &T) -> Step;
}

impl Pacing for Step {
    fn after(mut self, wait: Duration) -> Step {
        if let Ok(Outcome::InProgress(progress)) = &mut self {
            progress.again_after = wait;
        }
        self
    }

    fn percent(mut self, percent: u8) -> Step {
        if let Ok(Outcome::InProgress(progress)) = &mut self {
            progress.percent = Some(percent.min(100));
        }
        self
    }

    fn checkpoint<T: Serialize>(mut self, checkpoint: &T) -> Step {
        if let Ok(Outcome::InProgress(progress)) = &mut self {
            progress.checkpoint = serde_json::to_vec(checkpoint)
                .map_err(|error| Fault::Fatal(format!("the checkpoint is no JSON: {error}")))?;
            let bytes = progress.checkpoint.len();
            if bytes > CHECKPOINT_MAX {
                return Err(Fault::Fatal(format!(
                    "the checkpoint has {bytes} bytes, the host keeps at most {CHECKPOINT_MAX}"
                )));
            }
        }
        self
    }
}
