//! The verbs of the API, each on the state under its lock.

pub(crate) mod bind;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod evict;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod patch;
pub(crate) mod scale;
pub(crate) mod update;
pub(crate) mod watch;

use jiff::Timestamp;

use crate::request::{FieldValidation, Options};

/// What every verb knows about its request beside the target and the body.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) options: Options,
    pub(crate) now: Timestamp,
    /// Who writes: the `fieldManager` of the query, or the first word of the user agent.
    pub(crate) manager: String,
    pub(crate) is_dry_run: bool,
    pub(crate) field_validation: FieldValidation,
    /// Fields that the body names twice.
    pub(crate) duplicates: Vec<String>,
}

impl Context {
    pub(crate) fn new(options: Options, user_agent: &str, now: Timestamp) -> Self {
        let manager = match options.text("fieldManager") {
            "" => user_agent
                .split(['/', ' '])
                .next()
                .filter(|word| !word.is_empty())
                .unwrap_or("unknown"),
            given => given,
        };
        Self {
            manager: manager.chars().take(128).collect(),
            is_dry_run: options.is_dry_run(),
            field_validation: options.field_validation(),
            duplicates: Vec::new(),
            now,
            options,
        }
    }

    /// The moment as `metav1.Time` writes it.
    pub(crate) fn timestamp(&self) -> String {
        timestamp(self.now)
    }
}

pub(crate) fn timestamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
