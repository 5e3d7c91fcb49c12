//! The Go programs, built when they are not there.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::errors::ControlPlaneError;

/// What the script builds.
#[derive(Clone, Copy, Debug)]
pub enum Built {
    /// The control plane, with kubectl.
    ControlPlane,
    /// Upstream's end-to-end tests of its workload controllers.
    EndToEndTests,
}

/// The path of a program; builds it when its inputs have changed since it was built. Takes minutes the first time, and
/// tells about it on standard error.
///
/// # Errors
/// When it cannot be built.
pub fn built(what: Built) -> Result<PathBuf, ControlPlaneError> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("build");
    let failed = || ControlPlaneError::Build {
        script: script.clone(),
    };
    let output = Command::new(&script)
        .arg(match what {
            Built::ControlPlane => "controlplane",
            Built::EndToEndTests => "e2e",
        })
        .stderr(Stdio::inherit())
        .output()
        .map_err(|_not_runnable| failed())?;
    let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if output.status.success() && path.is_file() {
        Ok(path)
    } else {
        Err(failed())
    }
}
