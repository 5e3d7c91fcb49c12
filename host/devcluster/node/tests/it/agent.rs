//! The agent as a process of its own, against the embedded API over TLS.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use stateward_devcluster::{Cluster, ServeOptions, Serving};
use tempfile::TempDir;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// A cluster that waits for its nodes; gone when it is dropped.
pub(crate) struct Served {
    pub(crate) cluster: Cluster,
    pub(crate) folder: TempDir,
    pub(crate) kubeconfig: PathBuf,
    stop: CancellationToken,
    _serving: Serving,
}

pub(crate) fn own_program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_stateward-node"))
}

impl Served {
    pub(crate) async fn new() -> Self {
        let (cluster, stop) = (Cluster::in_memory(), CancellationToken::new());
        let serving = cluster
            .serve(ServeOptions::on_port(0), stop.clone())
            .await
            .expect("served");
        let folder = tempfile::tempdir().expect("a folder");
        let kubeconfig = folder.path().join("kubeconfig");
        std::fs::write(&kubeconfig, &serving.kubeconfig_yaml).expect("written");
        Self {
            cluster,
            folder,
            kubeconfig,
            stop,
            _serving: serving,
        }
    }

    /// A node with its controllers, not started yet; it is killed when it is dropped.
    pub(crate) fn agent(&self, program: &Path, home: &Path, pods: &str) -> Command {
        let mut agent = Command::new(program);
        agent
            .env("KUBECONFIG", &self.kubeconfig)
            .args(["--controllers", "--pod-addresses", pods, "--folder"])
            .arg(home.join("node"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        agent
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
