//! A plugin that misbehaves as it is told: `settings` of the app is `"<deed>"` or `"<deed>:<argument>"`, or an object of one field with the same:
//! `deed`; `acting`, which `validate` lets pass; `joining`, which only hooks about a member do. What it finds out comes back as the text of a refusal (act
//! hooks), of a finding (`validate`) or of the role (`probe`).

#[cfg(target_arch = "wasm32")]
mod asks;
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
mod deeds;
#[cfg(target_arch = "wasm32")]
mod hooks;
#[cfg(target_arch = "wasm32")]
mod ledger;
#[cfg(target_arch = "wasm32")]
mod reach;
