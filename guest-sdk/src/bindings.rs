//! The contract as `wit-bindgen` writes it, committed so that authors need neither WIT files nor the generator.
//! Not to be edited: `tests/it/bindings.rs` writes and compares them.
#![allow(
    missing_docs,
    unsafe_code,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    reason = "generated"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]

pub mod host;
pub mod on_describe;
pub mod on_member_config;
pub mod on_move_role;
pub mod on_post_delete;
pub mod on_post_ready;
pub mod on_pre_delete;
pub mod on_pre_scale;
pub mod on_probe;
pub mod on_task;
pub mod on_update_order;
pub mod on_validate;
