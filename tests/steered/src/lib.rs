//! A plugin that answers as it is told, hook by hook: `settings` of the app is an object of answers by the hook's name, and what is not named is `done`.
//!
//! | answer | means |
//! |---|---|
//! | `done` | the purpose is reached |
//! | `refuse: why` | not now |
//! | `again: what` | on the way, to be asked again after a minute |
//! | `panic` (`validate` too) | none |
//! | `death` | refuses, with what is known of the end of the holder of `primary` |
//! | `claim` | the role `primary` for the member, or for the target or the lowest other ready one; then done |
//! | `replace`, `discard`, `quarantine` | asks for that of the member, or of the highest one; then done |
//! | `order: 1,0,2` (update-order) | that order |
//! | `unwell`, `want: task`, `figure: lag=3` (probe) | an unhealthy first member; one that wants a task; a figure of each |
//!
//! Every act hook tells by an event that it was called, with the id and the reason.

#[cfg(target_arch = "wasm32")]
mod bindings {
    #![allow(
        unsafe_code,
        clippy::indexing_slicing,
        unused_qualifications,
        unreachable_pub,
        reason = "generated code"
    )]
    wit_bindgen::generate!({ path: "../../wit", world: "everything", generate_all });
}
#[cfg(target_arch = "wasm32")]
mod hooks;
