//! The plugin's `state`: a few small facts of the app, kept in its status under compare-and-set.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::hooks;
use crate::status::{StateEntry, Status};

/// Keys of one app, at most.
pub const MAX_KEYS: usize = 16;
/// Bytes of one value, at most, before base64.
pub const MAX_VALUE_BYTES: usize = 1024;
/// Characters of a key, at most.
pub const MAX_KEY_CHARACTERS: usize = 64;

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
        "{key:?} is no key of state: 1 to {MAX_KEY_CHARACTERS} letters, digits, '-', '_' or '.'"
    )]
    BadKey { key: String },
    #[error(
        "the app's status has no room for state {key} beside the checkpoints of open invocations; try again when some have ended"
    )]
    StatusFull { key: String },
}

impl StateError {
    /// Stable, CamelCase.
    pub fn reason(&self) -> &'static str {
        match self {
            StateError::Conflict { .. } => "StateConflict",
            StateError::TooManyKeys { .. } => "StateTooManyKeys",
            StateError::ValueTooLarge { .. } => "StateValueTooLarge",
            StateError::BadKey { .. } => "StateBadKey",
            StateError::StatusFull { .. } => "StatusFull",
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
    if !is_key(key) {
        return Err(StateError::BadKey {
            key: key.chars().take(MAX_KEY_CHARACTERS).collect(),
        });
    }
    let key = key.to_owned();
    if value.len() > MAX_VALUE_BYTES {
        let bytes = value.len();
        return Err(StateError::ValueTooLarge { key, bytes });
    }
    let known = status.state.get(&key);
    let version = known.map_or(0, |entry| entry.version);
    if version != after_version {
        return Err(StateError::Conflict {
            key,
            version,
            after_version,
        });
    }
    if known.is_none() && status.state.len() >= MAX_KEYS {
        return Err(StateError::TooManyKeys { key });
    }
    let version = version.saturating_add(1);
    let mut next = status.clone();
    let value = BASE64_STANDARD.encode(value);
    next.state
        .insert(key.clone(), StateEntry { value, version });
    if !hooks::admits(status, &next) {
        return Err(StateError::StatusFull { key });
    }
    Ok((next, version))
}

fn is_key(key: &str) -> bool {
    let is_allowed =
        |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    (1..=MAX_KEY_CHARACTERS).contains(&key.len()) && key.chars().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_put_after_the_version_that_was_read() {
        let (status, version) = put_state(&Status::default(), "fence", b"1", 0).unwrap();
        assert_eq!(version, 1);
        let error = put_state(&status, "fence", b"2", 0).unwrap_err();
        assert_eq!(error.reason(), "StateConflict");
        let (status, version) = put_state(&status, "fence", b"2", 1).unwrap();
        assert_eq!(version, 2);
        assert_eq!(status.state["fence"].value, "Mg==");
    }

    #[test]
    fn state_is_bounded() {
        let mut status = Status::default();
        for n in 0..MAX_KEYS {
            status = put_state(&status, &format!("key-{n}"), &[7; MAX_VALUE_BYTES], 0)
                .unwrap()
                .0;
        }
        let one_more = put_state(&status, "one-more", b"", 0).unwrap_err();
        assert_eq!(one_more.reason(), "StateTooManyKeys");
        let large = put_state(&status, "key-0", &[7; MAX_VALUE_BYTES + 1], 1).unwrap_err();
        assert_eq!(large.reason(), "StateValueTooLarge");
        for bad in ["", "a b", "ä", &"k".repeat(65)] {
            let error = put_state(&status, bad, b"", 0).unwrap_err();
            assert_eq!(error.reason(), "StateBadKey", "{bad}");
        }
    }
}
