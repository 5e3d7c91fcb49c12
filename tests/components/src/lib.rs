//! The components that tests load, built with what stands in the workspace: once per test program, and together, so that the compiler is asked once.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The mysql plugin, and those of `tests/` that a test of another crate loads.
const PACKAGES: [&str; 4] = [
    "stateward-wrong",
    "stateward-hostile",
    "stateward-steered",
    "stateward-plugin-mysql",
];

/// The file of the component of one of them: `wrong`, `hostile`, `steered`, `plugin-mysql`. It builds them all when it is first called, which takes its time
/// where nobody has built them before.
///
/// # Panics
///
/// When they cannot be built: `rustup target add wasm32-wasip2`.
pub fn built(name: &str) -> PathBuf {
    let package = format!("stateward-{name}");
    assert!(
        PACKAGES.contains(&package.as_str()),
        "{package} is none of {PACKAGES:?}"
    );
    folder().join(format!("{}.wasm", package.replace('-', "_")))
}

/// The file of an example of one of them, as [`built`].
///
/// # Panics
///
/// When they cannot be built.
pub fn example(name: &str) -> PathBuf {
    folder().join("examples").join(format!("{name}.wasm"))
}

/// Where the plugin `wrong` panics when it is told to: file, line and column, as a panic names them.
///
/// # Panics
///
/// When its source has no such place.
pub fn place_of_panic() -> String {
    let file = "tests/wrong/src/lib.rs";
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let source = std::fs::read_to_string(root.join(file)).unwrap();
    let mut lines = (1..).zip(source.lines());
    let found = lines.find_map(|(line, text)| Some((line, text.find("panic!(")? + 1)));
    let (line, column) = found.unwrap();
    format!("{file}:{line}:{column}")
}

fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--target", "wasm32-wasip2"])
            .args(["--profile", "plugin", "--lib", "--examples"])
            .args(PACKAGES.map(|package| ["-p", package]).as_flattened())
            .current_dir(root)
            .status()
            .unwrap();
        assert!(status.success(), "rustup target add wasm32-wasip2");
        // target/<profile>/deps/<this test> -> target/wasm32-wasip2/plugin
        let this = std::env::current_exe().unwrap();
        let target = this.ancestors().nth(3).unwrap();
        target.join("wasm32-wasip2/plugin")
    })
}
