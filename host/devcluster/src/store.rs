//! The objects of the cluster and how they changed.
//!
//! | part | holds |
//! |---|---|
//! | [`objects`] | what is: one ordered table per resource, and who owns whom |
//! | [`history`] | what happened last: the changes that watches resume from |
//! | [`persistence`] | the same on disk |
//!
//! One counter numbers every write of the cluster; an object's `resourceVersion` is the number of its last write.

pub(crate) mod history;
pub(crate) mod objects;
pub(crate) mod persistence;

pub(crate) use history::{Change, ChangeType};
pub(crate) use objects::{Key, Store};
