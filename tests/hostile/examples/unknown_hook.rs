//! A hook that this host has never heard of.

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
        package stateward:plugin@0.1.0;
        interface describe { manifest: func() -> string; }
        interface teleport { run: func() -> string; }
        world plugin { export describe; export teleport; }
    "# });

    struct Plugin;

    impl exports::stateward::plugin::describe::Guest for Plugin {
        fn manifest() -> String {
            r#"{ "name": "unknown", "version": "1" }"#.to_owned()
        }
    }

    impl exports::stateward::plugin::teleport::Guest for Plugin {
        fn run() -> String {
            String::new()
        }
    }

    export!(Plugin);
}
