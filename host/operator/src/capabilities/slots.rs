//! The values that an app's owner bound to slots: keys of Secrets and of ConfigMaps in the app's own namespace.
//!
//! A call that changes something reads them anew. Probes come all the time, so they read what a watch of that one object shows: while nothing changes, they
//! cost no request. A watch that cannot be had (the rights are missing, say) makes them read like the others.

mod watched;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::api::{Api, ApiError, Collection};
use crate::crd::SecretKey;
use crate::events::Subject;
use watched::{Seen, Watched};

/// Keys and values of one object.
type Values = BTreeMap<String, Vec<u8>>;

/// Values of secrets that are remembered for an app, so that they are masked in its later calls.
const MOST_KNOWN: usize = 32;

/// What a slot is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Secret,
    ConfigMap,
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    kind: Kind,
    namespace: String,
    name: String,
}

/// The values that slots are bound to, for all apps.
pub(crate) struct Slots {
    api: Api,
    watched: Watched,
    /// Values of secrets that calls have read, by the UID of their app.
    known: Mutex<BTreeMap<String, BTreeSet<Vec<u8>>>>,
}

/// The value cannot be had. Texts name the slot and the object, never a value.
#[derive(Debug, thiserror::Error)]
pub(super) enum SlotError {
    #[error(
        "the plugin wants the {what} slot {slot:?}, which the app binds to nothing: add spec.plugin.{field}.{slot} with name and key of a {kind}"
    )]
    Unbound {
        what: &'static str,
        field: &'static str,
        kind: Kind,
        slot: String,
    },
    #[error("{place}, bound to the slot {slot:?}, does not exist: create it with the key {key:?}")]
    Missing {
        place: String,
        slot: String,
        key: String,
    },
    #[error("{place}, bound to the slot {slot:?}, has no key {key:?}: add it")]
    NoKey {
        place: String,
        slot: String,
        key: String,
    },
    #[error("{place}, bound to the slot {slot:?}, cannot be read: {why}")]
    Unreadable {
        place: String,
        slot: String,
        why: String,
    },
}

/// How old a value may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    /// As a watch shows it.
    Watched,
    /// As it is now.
    Now,
}

impl Slots {
    pub(crate) fn new(api: Api) -> Slots {
        Slots {
            watched: Watched::new(api.client().clone()),
            api,
            known: Mutex::default(),
        }
    }

    /// The value of this slot of the app.
    pub(super) async fn read(
        &self,
        app: &Subject,
        kind: Kind,
        slot: &str,
        bound: Option<&SecretKey>,
        freshness: Freshness,
    ) -> Result<Vec<u8>, SlotError> {
        let slot = slot.to_owned();
        let Some(SecretKey { name, key }) = bound.cloned() else {
            let (what, field) = match kind {
                Kind::Secret => ("secret", "secrets"),
                Kind::ConfigMap => ("config", "config"),
            };
            return Err(SlotError::Unbound {
                what,
                field,
                kind,
                slot,
            });
        };
        let place = Place {
            kind,
            namespace: app.namespace.clone(),
            name,
        };
        let seen = match freshness {
            Freshness::Watched => self.watched.get(&place).await,
            Freshness::Now => None,
        };
        let found = match seen {
            Some(Seen::Found(values)) => Ok(Some(values)),
            Some(Seen::Missing) => Ok(None),
            None => self.now(&place).await,
        };
        let place = place.to_string();
        match found {
            Err(why) => Err(SlotError::Unreadable { place, slot, why }),
            Ok(None) => Err(SlotError::Missing { place, slot, key }),
            Ok(Some(values)) => match values.get(&key) {
                Some(value) => Ok(value.clone()),
                None => Err(SlotError::NoKey { place, slot, key }),
            },
        }
    }

    async fn now(&self, place: &Place) -> Result<Option<Arc<Values>>, String> {
        let collection = match place.kind {
            Kind::Secret => Collection::Secrets,
            Kind::ConfigMap => Collection::ConfigMaps,
        };
        match (self.api.get(collection, &place.namespace, &place.name)).await {
            Ok(object) => decoded(place.kind, &object).map(|values| Some(Arc::new(values))),
            Err(ApiError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    /// A call has read this secret: later calls of the app mask it too.
    pub(super) fn remember(&self, app: &str, value: &[u8]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let values = known.entry(app.to_owned()).or_default();
        if !values.contains(value) && values.len() >= MOST_KNOWN {
            values.pop_first();
        }
        values.insert(value.to_vec());
    }

    pub(super) fn known(&self, app: &str) -> Vec<Vec<u8>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let values = known.get(app).into_iter().flatten();
        values.cloned().collect()
    }

    /// The app is gone.
    pub(crate) fn forget(&self, app: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(app);
    }
}

/// The values of an object as the API gives it.
fn decoded(kind: Kind, object: &Value) -> Result<Values, String> {
    let mut values = Values::new();
    let text = |field: &str| {
        object
            .get(field)
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
    };
    let encoded = match kind {
        Kind::Secret => "data",
        Kind::ConfigMap => {
            for (key, value) in text("data") {
                let value = value.as_str().unwrap_or_default();
                values.insert(key.clone(), value.as_bytes().to_vec());
            }
            "binaryData"
        }
    };
    for (key, value) in text(encoded) {
        // The error of the decoder would show a part of the value.
        let value = STANDARD.decode(value.as_str().unwrap_or_default());
        let value = value.map_err(|_| format!("the value of {key:?} is not base64"))?;
        values.insert(key.clone(), value);
    }
    Ok(values)
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Secret => "Secret",
            Kind::ConfigMap => "ConfigMap",
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}
