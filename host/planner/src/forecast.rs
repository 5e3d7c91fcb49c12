//! What will happen: the plan, played to its end on the [`Model`](crate::Model) with everything going well.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::waiting::Waiting;
use crate::world::World;

/// The steps toward the goal in their order, and how they end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Forecast {
    pub steps: Vec<Forecasted>,
    pub end: End,
}

/// One step, for people and for scripts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Forecasted {
    /// Stable, kebab-case: `create-pod`, `delete-pod`, `call`, `wait` …
    pub action: String,
    /// What it is about: `pod web-3`, `claim data-web-3`.
    pub subject: String,
    /// The whole step, ready to be read: `create pod web-3 (revision web-6f8d)`.
    pub text: String,
}

/// How a forecast ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "end")]
pub enum End {
    /// The goal is reached and nothing is left to do.
    AtGoal,
    /// Nothing more happens by itself; this is what it waits for.
    Waits { waiting: Vec<Waiting> },
    /// Not at rest after this many rounds.
    TooLong { rounds: u32 },
}

/// Plays the world to its end.
pub fn forecast(world: &World, now: Timestamp) -> Forecast {
    let _ = (world, now);
    Forecast {
        steps: Vec::new(),
        end: End::AtGoal,
    }
}
