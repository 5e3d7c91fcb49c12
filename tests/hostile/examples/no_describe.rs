//! A component that implements a hook and says nothing about itself.

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
        interface validate { run: func() -> string; }
        world plugin { export validate; }
    "# });

    struct Plugin;

    impl exports::stateward::plugin::validate::Guest for Plugin {
        fn run() -> String {
            String::new()
        }
    }

    export!(Plugin);
}
