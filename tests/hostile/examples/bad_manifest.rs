//! A manifest without a version.

#[cfg(target_arch = "wasm32")]
mod plugin {
    #![allow(
        unsafe_code,
        clippy::indexing_slicing,
        unused_qualifications,
        unreachable_pub,
        reason = "generated code"
    )]
    wit_bindgen::generate!({ path: "../../wit", world: "on-describe", generate_all });

    struct Plugin;

    impl exports::stateward::plugin::describe::Guest for Plugin {
        fn manifest() -> String {
            r#"{ "name": "bad" }"#.to_owned()
        }
    }

    export!(Plugin);
}
