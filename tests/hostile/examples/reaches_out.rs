//! Reads a file and opens a socket, as no plugin may.

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
            let file = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
            let open = std::net::TcpStream::connect("127.0.0.1:80").is_ok();
            format!("{file} {open}")
        }
    }

    export!(Plugin);
}
