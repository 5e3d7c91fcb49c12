//! The same scenario, played by upstream's StatefulSet controller and by ours; what the two leave behind is compared.
//!
//! ```text
//! scenario (text, or drawn from a seed)
//!    ├─► ours on the embedded API, in moved time ───────────► pictures, one per line of the scenario
//!    ├─► ours on a real control plane ──┐                        ▲
//!    └─► upstream's on the same one ────┴─► pictures, compared ──┘
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`scenario`] | the language: what a user does and what befalls the cluster |
//! | [`random`] | scenarios from seeds |
//! | [`shrinking`] | the shortest scenario that still fails |
//! | [`picture`] | what is seen after each line: order of creates and deletes, pods, claims, revisions, status, events |
//! | [`kubelet`] | pods become ready, fail and end as the scenario says |
//! | [`stage`] | a scenario on a cluster |
//! | [`rules`] | what must hold in every picture of ours |
//! | [`face`] | the kind that it is about |
//! | [`accepted`] | the differences that are meant, each with its reason |

#![allow(
    clippy::indexing_slicing,
    reason = "a JSON value answers null where it has nothing"
)]

pub mod accepted;
pub mod face;
pub mod kubelet;
pub mod picture;
pub mod random;
pub mod rules;
pub mod scenario;
pub mod shrinking;
pub mod stage;
