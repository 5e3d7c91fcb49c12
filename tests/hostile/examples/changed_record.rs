//! A contract in which a record has one field more.

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
        interface types {
            record claim { role: string, ordinal: u32, pod: string, epoch: u64, color: string, extra: list<tuple<string, string>> }
            record figure { name: string, value: f64, unit: string }
            record report {
                healthy: bool, role: option<string>, note: list<u8>, figures: list<figure>, wants: list<string>,
                extra: list<tuple<string, string>>,
            }
        }
        interface describe { manifest: func() -> string; }
        interface probe { use types.{report, claim}; run: func(held: claim) -> report; }
        world plugin { export describe; export probe; }
    "# });

    struct Plugin;

    impl exports::stateward::plugin::describe::Guest for Plugin {
        fn manifest() -> String {
            r#"{ "name": "changed", "version": "1" }"#.to_owned()
        }
    }

    impl exports::stateward::plugin::probe::Guest for Plugin {
        fn run(held: stateward::plugin::types::Claim) -> stateward::plugin::types::Report {
            stateward::plugin::types::Report {
                healthy: true,
                role: Some(held.color),
                note: Vec::new(),
                figures: Vec::new(),
                wants: Vec::new(),
                extra: Vec::new(),
            }
        }
    }

    export!(Plugin);
}
