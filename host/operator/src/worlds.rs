//! From what was seen to the [`World`](stateward_planner::World) that a plan is made from.

mod build;
mod claims;
mod live;
mod names;
mod pods;
mod status;
mod wishes;

pub use live::world_of;

pub(crate) use build::{Parts, View, build, hold};
pub(crate) use names::{
    ends_in_ordinal, is_ordinal, is_ours_or_nobodys, may_be_a_member, ordinal_of, selects,
};
pub(crate) use pods::{goes_its_way, pod};
