//! Values that many worlds have in common: looks at an app follow each other, and little changes from one to the next.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that is cheap to clone. Who changes a clone gets a copy of its own.
///
/// What plans derive from the value alone is kept beside it, so that it is derived once for all worlds that have it in common. It is no part of the value:
/// it is not written, not compared, and gone when the value changes.
pub struct Shared<T: Derive>(Arc<Kept<T>>);

/// From which plans derive something.
pub trait Derive {
    type Derived;

    fn derive(&self) -> Self::Derived;
}

struct Kept<T: Derive> {
    value: T,
    derived: OnceLock<T::Derived>,
}

impl<T: Derive> Shared<T> {
    pub(crate) fn derived(&self) -> &T::Derived {
        self.0.derived.get_or_init(|| self.0.value.derive())
    }
}

impl<T: Derive> From<T> for Shared<T> {
    fn from(value: T) -> Self {
        Self(Arc::new(Kept::from(value)))
    }
}

impl<T: Derive> From<T> for Kept<T> {
    fn from(value: T) -> Self {
        let derived = OnceLock::new();
        Kept { value, derived }
    }
}

/// A copy is made to be changed.
impl<T: Derive + Clone> Clone for Kept<T> {
    fn clone(&self) -> Self {
        Kept::from(self.value.clone())
    }
}

impl<T: Derive> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Derive> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T: Derive + Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        let kept = Arc::make_mut(&mut self.0);
        kept.derived = OnceLock::new();
        &mut kept.value
    }
}

impl<T: Derive + Default> Default for Shared<T> {
    fn default() -> Self {
        Self::from(T::default())
    }
}

impl<T: Derive + PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.value == other.0.value
    }
}

impl<T: Derive + Eq> Eq for Shared<T> {}

impl<T: Derive + std::fmt::Debug> std::fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.value.fmt(f)
    }
}

impl<T: Derive + Serialize> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.value.serialize(serializer)
    }
}

impl<'de, T: Derive + Deserialize<'de>> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{app, pod};

    #[test]
    fn what_was_derived_is_gone_when_the_value_changes_and_stays_with_who_shares_it() {
        let mut one = pod(&app(1), 0, "web-a").facts;
        let other = one.clone();
        assert_eq!(one.derived().ordinal, Some(0));
        one.name = "web-7".to_owned();
        assert_eq!(one.derived().ordinal, Some(7));
        one.name = "web-8".to_owned();
        assert_eq!(one.derived().ordinal, Some(8));
        assert_eq!(other.derived().ordinal, Some(0));
    }
}
