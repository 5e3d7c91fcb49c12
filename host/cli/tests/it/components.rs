//! The components that tests are made with.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Those of tests/ that a command of the program is tried with, and the mysql plugin.
const PACKAGES: [&str; 4] = [
    "stateward-wrong",
    "stateward-hostile",
    "stateward-steered",
    "stateward-plugin-mysql",
];

/// The folder that they are in.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--target", "wasm32-wasip2"])
            .args(["--profile", "plugin", "--lib"])
            .args(PACKAGES.map(|package| ["-p", package]).as_flattened())
            .current_dir(&root)
            .status()
            .unwrap();
        assert!(status.success());
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        target.join("wasm32-wasip2/plugin")
    })
}

/// The file of one: `wrong`, `hostile`, `steered`, `plugin_mysql`.
pub(crate) fn component(name: &str) -> String {
    let path = built().join(format!("stateward_{name}.wasm"));
    path.to_str().unwrap().to_owned()
}
