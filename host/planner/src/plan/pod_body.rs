//! The body of a pod that is to be made, drawn when somebody looks at it: most plans are made anew before all of their steps are taken.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

type Draw = Box<dyn FnOnce() -> Value + Send>;

/// A pod as the API takes it. Cheap to clone, and drawn once.
#[derive(Clone)]
pub struct PodBody(Arc<LazyLock<Value, Draw>>);

impl PodBody {
    pub(crate) fn drawn_by(draw: impl FnOnce() -> Value + Send + 'static) -> PodBody {
        PodBody(Arc::new(LazyLock::new(Box::new(draw))))
    }
}

impl Deref for PodBody {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.0
    }
}

impl From<Value> for PodBody {
    fn from(body: Value) -> PodBody {
        PodBody::drawn_by(move || body)
    }
}

impl PartialEq for PodBody {
    fn eq(&self, other: &PodBody) -> bool {
        **self == **other
    }
}

impl fmt::Debug for PodBody {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(out)
    }
}

impl Serialize for PodBody {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PodBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PodBody, D::Error> {
        Value::deserialize(deserializer).map(PodBody::from)
    }
}
