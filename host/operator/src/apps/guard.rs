//! The own-write guard: an app never plans on a cache that is older than its own last write.
//!
//! Each write leaves an expectation. A created or changed object is settled when the watch of its kind has passed the version that the API answered; a
//! deleted one when the cache shows that UID terminating or gone. A write whose outcome is unknown is settled by a live read.

use std::collections::BTreeMap;

use serde_json::Value;

use super::steps::collection;
use crate::api::{Api, ApiError};
use crate::watch::{Index, Kind};

/// What a write did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wrote {
    /// The object has this version now.
    Version(u64),
    /// The object of this UID is being deleted.
    Leaving(String),
    /// Nobody knows.
    Unknown,
}

/// The expectations that the cache has not met yet.
#[derive(Default)]
pub(super) struct Guard(BTreeMap<(Kind, String), Wrote>);

impl Guard {
    pub(super) fn expect(&mut self, kind: Kind, name: &str, wrote: Wrote) {
        self.0.insert((kind, name.to_owned()), wrote);
    }

    /// Whether the cache has caught up with every write. Settled expectations are dropped.
    pub(super) fn is_settled(&mut self, index: &Index, namespace: &str) -> bool {
        self.0.retain(|(kind, name), wrote| match wrote {
            Wrote::Version(version) => index.highest(*kind) < *version,
            Wrote::Leaving(uid) => match index.known(*kind, namespace, name) {
                Some((known, is_terminating)) => known == *uid && !is_terminating,
                None => false,
            },
            Wrote::Unknown => true,
        });
        self.0.is_empty()
    }

    pub(super) fn has_unknown(&self) -> bool {
        self.0.values().any(|wrote| *wrote == Wrote::Unknown)
    }

    /// Reads what is expected from the API: afterwards every outcome is known, and what is gone there is expected no more.
    pub(super) async fn look(&mut self, api: &Api, namespace: &str) -> Result<(), ApiError> {
        let expected: Vec<_> = self.0.keys().cloned().collect();
        for (kind, name) in expected {
            let key = (kind, name);
            match api.get(collection(kind), namespace, &key.1).await {
                Ok(object) => {
                    if self.0.get(&key) == Some(&Wrote::Unknown) {
                        self.0.insert(key, Wrote::Version(version(&object)));
                    }
                }
                // Gone: the cache may still show it, which a delete by UID and a create by name survive.
                Err(ApiError::NotFound { .. }) => {
                    self.0.remove(&key);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The resourceVersion of an answered object.
pub(super) fn version(object: &Value) -> u64 {
    let version = object
        .pointer("/metadata/resourceVersion")
        .and_then(Value::as_str);
    version
        .and_then(|version| version.parse().ok())
        .unwrap_or(0)
}
