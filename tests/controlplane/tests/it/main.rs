//! A real control plane: that it starts, serves, can be hurt, and leaves nothing behind.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails here"
)]

mod components;
mod life;
