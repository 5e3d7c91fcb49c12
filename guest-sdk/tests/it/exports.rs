//! A built component exports exactly the hooks that were written, and imports nothing but the contract and what `std` always brings.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use wit_bindgen_core::wit_parser::{Resolve, WorldItem, WorldKey};
use wit_component::DecodedWasm;

#[test]
fn the_component_of_the_example_is_what_its_author_wrote() {
    let component = std::fs::read(build_ring()).unwrap();
    let DecodedWasm::Component(resolve, world) = wit_component::decode(&component).unwrap() else {
        panic!("no component");
    };
    let world = &resolve.worlds[world];

    let exports = names(&resolve, &world.exports);
    let expected = ["stateward:plugin/describe", "stateward:plugin/pre-delete"];
    assert_eq!(exports, BTreeSet::from(expected.map(str::to_owned)));

    // std brings these whether it uses them or not; files, sockets and clocks are not among them.
    let baseline = ["wasi:cli/", "wasi:io/", "wasi:random/insecure-seed"];
    let of_contract = |name: &String| name.starts_with("stateward:plugin/");
    let of_std = |name: &String| baseline.iter().any(|start| name.starts_with(start));
    let imports = names(&resolve, &world.imports);
    let others: Vec<_> = imports
        .iter()
        .filter(|n| !of_contract(n) && !of_std(n))
        .collect();
    assert!(others.is_empty(), "{others:?}");
}

/// As its author builds it.
fn build_ring() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let crate_folder = root.join("examples/plugins/ring");
    // The versions of this workspace, which are there without a network; cargo leaves of them what the plugin needs.
    std::fs::copy(root.join("Cargo.lock"), crate_folder.join("Cargo.lock")).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ring");
    let output = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--target", "wasm32-wasip2"])
        .arg("--target-dir")
        .arg(&target)
        .current_dir(crate_folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    target.join("wasm32-wasip2/debug/ring.wasm")
}

fn names<'a>(
    resolve: &Resolve,
    items: impl IntoIterator<Item = (&'a WorldKey, &'a WorldItem)>,
) -> BTreeSet<String> {
    let without_version = |name: String| name.split('@').next().unwrap().to_owned();
    items
        .into_iter()
        .map(|(key, _)| without_version(resolve.name_world_key(key)))
        .collect()
}
