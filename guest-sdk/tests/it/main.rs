//! Tests of the SDK through its public face.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod answers;
mod bindings;
mod capabilities;
mod exports;
mod mock_host;
#[rustfmt::skip]
#[allow(unreachable_pub, reason = "an author's crate, whose tests run here too")]
#[path = "../../../examples/plugins/ring/src/lib.rs"]
mod ring;
