//! The four ways to change an object by a patch.

pub(crate) mod managed;
pub(crate) mod strategic;
