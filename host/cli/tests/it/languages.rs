//! The same small plugin in three languages: each is built from the contract alone (Rust with the SDK), tested with every fault, and checked.
//!
//! Those that carry an interpreter take minutes to fetch, build and compile, so they are part of `make soak`.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::stateward::stateward;

/// The component of the ring in this language. What it takes is fetched once, and what did not change is not built again.
fn ring(language: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let component = target.join(format!("tmp/ring-{language}.wasm"));
    let output = Command::new(root.join("examples/plugins/build"))
        .arg(language)
        .arg(&component)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    component
}

fn keeps_its_promises(language: &str, name: &str) {
    let component = ring(language);
    let component = component.to_str().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let scenario = root.join("examples/plugins/scenario.yaml");
    let scenario = scenario.to_str().unwrap();

    let inspected = stateward(&["plugin", "inspect", component, "-o", "json"]);
    assert_eq!(inspected.code, 0, "{}", inspected.err);
    let inspected: Value = serde_json::from_str(&inspected.out).unwrap();
    assert_eq!(inspected["name"], name);
    assert_eq!(inspected["hooks"], serde_json::json!(["pre-delete"]));

    let tested = stateward(&["plugin", "test", component, scenario, "--no-faults"]);
    assert_eq!(tested.code, 0, "{}{}", tested.out, tested.err);
    let checked = stateward(&["plugin", "check", component, "--scenario", scenario]);
    assert_eq!(checked.code, 0, "{}{}", checked.out, checked.err);
    assert!(checked.out.contains(" 0 failed"), "{}", checked.out);
}

#[test]
fn the_ring_in_rust_keeps_its_promises() {
    keeps_its_promises("rust", "ring");
}

#[test]
#[ignore = "its tools and an interpreter to compile take minutes: make soak"]
fn the_ring_in_python_keeps_its_promises() {
    keeps_its_promises("python", "ring-python");
}

#[test]
#[ignore = "its tools and an interpreter to compile take minutes: make soak"]
fn the_ring_in_javascript_keeps_its_promises() {
    keeps_its_promises("javascript", "ring-javascript");
}
