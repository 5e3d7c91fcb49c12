//! The committed bindings are those that the contract gives. After a change of `wit/`, write them anew:
//! `STATEWARD_WRITE_BINDINGS=1 cargo test -p stateward-sdk bindings`.

use std::fs;
use std::path::{Path, PathBuf};

use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::{Files, WorldGenerator};
use wit_bindgen_rust::{Opts, WithOption};

const HOOKS: [&str; 11] = [
    "describe",
    "validate",
    "member-config",
    "update-order",
    "probe",
    "pre-scale",
    "post-ready",
    "pre-delete",
    "post-delete",
    "move-role",
    "task",
];

/// Shared by all worlds: generated once, in the world `host`.
const SHARED: [&str; 14] = [
    "types", "view", "requests", "tcp", "http", "exec", "config", "secret", "state", "log",
    "events", "metrics", "clock", "random",
];

#[test]
fn the_committed_bindings_are_those_of_the_contract() {
    let write = std::env::var_os("STATEWARD_WRITE_BINDINGS").is_some();
    let mut wanted = vec![("host".to_owned(), host())];
    wanted.extend(
        HOOKS
            .iter()
            .map(|hook| (format!("on_{}", hook.replace('-', "_")), on(hook))),
    );
    for (name, text) in wanted {
        let path = folder().join(format!("{name}.rs"));
        if write {
            fs::write(&path, text).expect("bindings can be written");
        } else {
            let committed = fs::read_to_string(&path).unwrap_or_default();
            assert!(
                committed == text,
                "{} is out of date: run STATEWARD_WRITE_BINDINGS=1 cargo test -p stateward-sdk bindings",
                path.display()
            );
        }
    }
}

fn host() -> String {
    generate(
        "host",
        Opts {
            // Reports and findings are used by hooks only, and all hooks are to share them.
            generate_unused_types: true,
            generate_all: true,
            ..options()
        },
    )
}

fn on(hook: &str) -> String {
    let shared = |name: &&str| {
        (
            format!("stateward:plugin/{name}@0.1.0"),
            WithOption::Path(format!("crate::bindings::host::stateward::plugin::{name}")),
        )
    };
    generate(
        &format!("on-{hook}"),
        Opts {
            pub_export_macro: true,
            export_macro_name: Some(format!("export_{}", hook.replace('-', "_"))),
            default_bindings_module: Some(format!(
                "stateward_sdk::__private::on_{}",
                hook.replace('-', "_")
            )),
            with: SHARED.iter().map(shared).collect(),
            // The hook itself.
            generate_all: true,
            ..options()
        },
    )
}

fn options() -> Opts {
    Opts {
        format: true,
        ..Opts::default()
    }
}

fn generate(world: &str, options: Opts) -> String {
    let mut resolve = Resolve::default();
    let (package, _) = resolve
        .push_path(folder().join("../../../wit"))
        .expect("the contract parses");
    let world = resolve
        .select_world(&[package], Some(world))
        .expect("the world exists");
    let mut files = Files::default();
    options
        .build()
        .generate(&mut resolve, world, &mut files)
        .expect("bindings can be generated");
    let (_, text) = files.iter().next().expect("one file is generated");
    String::from_utf8(text.to_vec()).expect("the bindings are text")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bindings")
}
