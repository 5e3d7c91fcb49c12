//! What is left when its owner goes.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;
use stateward_controlplane::{Built, built};
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Ready {
    folder: PathBuf,
    components: BTreeMap<String, u32>,
}

/// `up` with what is quick to start, as an owner holds it.
fn started() -> (Child, Ready) {
    let program = built(Built::ControlPlane).expect("the control plane is built");
    let mut up = Command::new(program)
        .args(["up", "-without", "kube-controller-manager,kube-scheduler"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    BufReader::new(up.stdout.take().expect("its output"))
        .read_line(&mut line)
        .expect("it speaks");
    let ready: Ready = serde_json::from_str(&line).expect("it is ready");
    (up, ready)
}

/// A zombie whose parent went is for the first process to collect.
fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.chars().next());
    state.is_some_and(|state| state != 'Z' && state != 'X')
}

#[test]
fn when_its_owner_dies_every_process_ends_and_the_folder_goes() {
    let (mut up, ready) = started();
    assert_eq!(
        ready.components.keys().collect::<Vec<_>>(),
        ["etcd", "front", "kube-apiserver"]
    );
    assert!(ready.components.values().all(|&pid| runs(pid)));

    // All that the kernel does for it when an owner is killed.
    drop(up.stdin.take());

    assert!(up.wait().expect("it ends").success());
    assert!(!ready.components.values().any(|&pid| runs(pid)));
    assert!(!ready.folder.exists());
}

#[test]
fn when_it_is_killed_itself_its_components_die_with_it() {
    let (mut up, ready) = started();

    up.kill().expect("it is killed");
    up.wait().expect("it is gone");

    // The kernel kills them, and only then do they go.
    let begin = Instant::now();
    while ready.components.values().any(|&pid| runs(pid)) {
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "{:?}",
            ready.components
        );
        std::thread::yield_now();
    }
    remove(&ready.folder);
}

fn remove(folder: &Path) {
    std::fs::remove_dir_all(folder).expect("nobody writes there any more");
}
