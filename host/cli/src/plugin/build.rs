//! Builds a component with plain cargo.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::Value;

const TARGET: &str = "wasm32-wasip2";

/// What stands for the profile `plugin` in a workspace that has none: small, and a panic ends the call.
const SMALL: [&str; 4] = [
    "profile.release.opt-level=\"s\"",
    "profile.release.lto=true",
    "profile.release.codegen-units=1",
    "profile.release.strip=true",
];

/// What of `cargo metadata` matters here.
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_root: PathBuf,
}

#[derive(Debug, Deserialize)]
struct Package {
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
struct Target {
    kind: Vec<String>,
}

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    #[error("{path} is no crate: it has no Cargo.toml")]
    NoCrate { path: PathBuf },
    #[error("cannot start {program}: {source}; plugins are built with Rust: https://rustup.rs")]
    NoCargo {
        program: &'static str,
        source: std::io::Error,
    },
    #[error("Rust has no target {TARGET} here; run this once:\n  rustup target add {TARGET}")]
    NoTarget,
    #[error("cargo could not read {path}: {said}")]
    NoMetadata { path: PathBuf, said: String },
    #[error("cargo failed; what it said stands above")]
    CargoFailed,
    #[error(
        "{path} is not the crate of a plugin; the Cargo.toml of one has\n  [lib]\n  crate-type = [\"cdylib\", \"rlib\"]"
    )]
    NoComponent { path: PathBuf },
    #[error("cannot read what cargo says: {0}")]
    Unreadable(#[source] std::io::Error),
}

/// Builds the crate in `folder`; the path of the component.
pub(crate) fn component(folder: &Path) -> Result<PathBuf, BuildError> {
    let manifest = folder.join("Cargo.toml");
    if !manifest.is_file() {
        return Err(BuildError::NoCrate {
            path: folder.to_owned(),
        });
    }
    require_target(folder)?;
    let workspace = workspace_of(folder, &manifest)?;
    let mut cargo = Command::new("cargo");
    cargo
        .current_dir(folder)
        .args(["build", "--lib", "--target", TARGET])
        .arg("--message-format=json-render-diagnostics");
    if has_profile(&workspace) {
        cargo.args(["--profile", "plugin"]);
    } else {
        cargo.arg("--release");
        cargo.args(SMALL.iter().flat_map(|setting| ["--config", setting]));
    }
    let mut child = cargo
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(not_started("cargo"))?;
    let mut component = None;
    if let Some(messages) = child.stdout.take() {
        for message in BufReader::new(messages).lines() {
            let message = message.map_err(BuildError::Unreadable)?;
            component = component_of(&message).or(component);
        }
    }
    let status = child.wait().map_err(BuildError::Unreadable)?;
    if !status.success() {
        return Err(BuildError::CargoFailed);
    }
    component.ok_or_else(|| BuildError::NoComponent {
        path: folder.to_owned(),
    })
}

fn not_started(program: &'static str) -> impl FnOnce(std::io::Error) -> BuildError {
    move |source| BuildError::NoCargo { program, source }
}

/// Asked from the crate's folder, because a toolchain file there may choose another Rust.
fn require_target(folder: &Path) -> Result<(), BuildError> {
    let output = Command::new("rustc")
        .current_dir(folder)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(not_started("rustc"))?;
    let libraries = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && Path::new(libraries.trim()).is_dir() {
        Ok(())
    } else {
        Err(BuildError::NoTarget)
    }
}

/// The workspace's Cargo.toml, which is where cargo looks for profiles. Refuses a crate that would build in vain.
fn workspace_of(folder: &Path, manifest: &Path) -> Result<PathBuf, BuildError> {
    let output = Command::new("cargo")
        .current_dir(folder)
        .args(["metadata", "--no-deps", "--format-version=1"])
        .output()
        .map_err(not_started("cargo"))?;
    let unreadable = |said: String| BuildError::NoMetadata {
        path: folder.to_owned(),
        said,
    };
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(unreadable(said.trim().to_owned()));
    }
    let metadata: Metadata =
        serde_json::from_slice(&output.stdout).map_err(|error| unreadable(error.to_string()))?;
    let manifest = manifest.canonicalize().map_err(BuildError::Unreadable)?;
    let is_plugin = metadata.packages.iter().any(|package| {
        let mut kinds = package.targets.iter().flat_map(|target| &target.kind);
        package.manifest_path == manifest && kinds.any(|kind| kind == "cdylib")
    });
    if !is_plugin {
        return Err(BuildError::NoComponent {
            path: folder.to_owned(),
        });
    }
    Ok(metadata.workspace_root.join("Cargo.toml"))
}

fn has_profile(workspace: &Path) -> bool {
    std::fs::read_to_string(workspace)
        .is_ok_and(|text| text.lines().any(|line| line.trim() == "[profile.plugin]"))
}

/// The path in a message that tells of a library for the component model.
fn component_of(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    if message.get("reason")? != "compiler-artifact" {
        return None;
    }
    let kinds = message.pointer("/target/kind")?.as_array()?;
    if !kinds.iter().any(|kind| kind == "cdylib") {
        return None;
    }
    let files = message.get("filenames")?.as_array()?.iter();
    files
        .filter_map(|file| file.as_str())
        .find(|file| file.ends_with(".wasm"))
        .map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_component_is_the_wasm_file_of_the_library() {
        let library = r#"{"reason":"compiler-artifact","target":{"kind":["cdylib","rlib"]},"filenames":["/t/libmine.rlib","/t/mine.wasm"]}"#;
        assert_eq!(component_of(library), Some(PathBuf::from("/t/mine.wasm")));
        let script = r#"{"reason":"compiler-artifact","target":{"kind":["custom-build"]},"filenames":["/t/build.wasm"]}"#;
        assert_eq!(component_of(script), None);
        assert_eq!(
            component_of(r#"{"reason":"build-finished","success":true}"#),
            None
        );
        assert_eq!(component_of("warning: something"), None);
    }
}
