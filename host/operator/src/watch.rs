//! What is watched, and the picture that comes of it.
//!
//! ```text
//! watches ──► follow: one task per kind ──► Index: slim objects by namespace and name ──► the apps that are affected
//! ```
//!
//! Only the fields that plans and hooks need are kept; of objects that belong to somebody else, nothing is. Per kind the index remembers the highest
//! resourceVersion that it has seen, which is how an app knows that its own writes have come back.

mod app;
mod claim;
mod deaths;
mod drains;
mod endings;
mod follow;
mod index;
mod kinds;
mod metadata;
mod pod;
mod raw_pod;
mod slim;

pub(crate) use app::{AppKey, AppObject};
pub(crate) use claim::SlimClaim;
pub(crate) use follow::{News, Scope, follow_all};
pub(crate) use index::{Index, Kind};
pub(crate) use pod::SlimPod;
pub(crate) use raw_pod::RawPod;
pub(crate) use slim::{Meta, RawClaim, RawPlugin, SlimRevision, version_number};
