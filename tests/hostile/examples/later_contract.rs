//! A later contract altogether.

#[cfg(target_arch = "wasm32")]
mod plugin {
    #![allow(
        unsafe_code,
        clippy::indexing_slicing,
        unused_qualifications,
        unreachable_pub,
        reason = "generated code"
    )]
    wit_bindgen::generate!({ inline: r#"
        package stateward:plugin@0.2.0;
        interface describe { manifest: func() -> string; }
        world plugin { export describe; }
    "# });

    struct Plugin;

    impl exports::stateward::plugin::describe::Guest for Plugin {
        fn manifest() -> String {
            r#"{ "name": "later", "version": "1" }"#.to_owned()
        }
    }

    export!(Plugin);
}
