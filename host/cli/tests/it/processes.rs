//! `stateward dev` with pods that are processes of this machine: with and without privileges, and its hard end.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::Api;
use kube::api::ListParams;
use kube::runtime::wait::await_condition;

use crate::stateward::{Dev, command, command_of, stateward};

/// Nobody's user and group.
const NOBODY: u32 = 65534;

/// Only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Leaves its mark in the environment of each of its processes, one of which has left its parent.
fn sleeper(mark: &str) -> String {
    format!(
        r#"
apiVersion: v1
kind: Pod
metadata: {{ name: sleeper }}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: busybox
    command: [sh, -c, "(setsid sleep 1000 &); echo $HOSTNAME > /data/name; exec sleep 1000"]
    env: [{{ name: MARK, value: {mark} }}]
    readinessProbe: {{ exec: {{ command: [grep, sleeper, /data/name] }}, periodSeconds: 1 }}
    volumeMounts: [{{ name: data, mountPath: /data }}]
  volumes: [{{ name: data, emptyDir: {{}} }}]
"#
    )
}

/// Processes of this machine whose environment holds the mark.
fn marked(mark: &str) -> usize {
    let mark = format!("MARK={mark}\0");
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| fs::read(entry.path().join("environ")).ok())
        .filter(|environment| String::from_utf8_lossy(environment).contains(&mark))
        .count()
}

fn until_none_is_marked(mark: &str) {
    let begin = Instant::now();
    while marked(mark) > 0 {
        assert!(begin.elapsed() < PATIENCE, "the pod's processes end");
        std::thread::yield_now();
    }
}

fn until_ready(dev: &Dev, restarts: i32) {
    let is_ready = |pod: Option<&Pod>| {
        let statuses = pod.and_then(|pod| pod.status.as_ref()?.container_statuses.as_ref());
        let status = statuses.and_then(|statuses| statuses.first());
        status.is_some_and(|status| status.ready && status.restart_count == restarts)
    };
    dev.ask(async |client| {
        let ready = await_condition(Api::default_namespaced(client), "sleeper", is_ready);
        let ready = tokio::time::timeout(PATIENCE, ready).await;
        ready.expect("the pod becomes ready").unwrap();
    });
}

#[test]
fn killed_it_leaves_no_process_behind_and_the_next_start_takes_the_pods_up_again() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("dev");
    let words = ["dev", "--no-operator", "--folder", folder.to_str().unwrap()];
    let dev = Dev::begin(command(&words));
    dev.create("pods", &sleeper("killed-dev"));
    until_ready(&dev, 0);
    assert!(marked("killed-dev") >= 2);

    dev.kill();
    until_none_is_marked("killed-dev");

    let again = Dev::begin(command(&words));
    until_ready(&again, 1);
    assert_eq!(again.end(), 0);
    assert_eq!(marked("killed-dev"), 0);
    let reset = stateward(&["dev", "reset", "--folder", folder.to_str().unwrap()]);
    assert_eq!(reset.code, 0, "{}", reset.err);
    assert!(!folder.exists());
}

/// The program where nobody can read it, and a folder that is theirs.
fn for_nobody(place: &Path) -> (std::path::PathBuf, std::path::PathBuf) {
    fs::set_permissions(place, fs::Permissions::from_mode(0o755)).unwrap();
    let program = place.join("stateward");
    if fs::hard_link(env!("CARGO_BIN_EXE_stateward"), &program).is_err() {
        fs::copy(env!("CARGO_BIN_EXE_stateward"), &program).unwrap();
    }
    let home = place.join("home");
    fs::create_dir(&home).unwrap();
    (program, home)
}

#[test]
fn without_privileges_it_says_what_is_reduced_and_pods_run_and_die_with_it() {
    let place = tempfile::tempdir().unwrap();
    let (program, home) = for_nobody(place.path());
    let told = home.join("told");
    let errors = fs::File::create(&told).unwrap();
    let folder = home.join("dev");
    let mut command = command_of(
        &program,
        &["dev", "--no-operator", "--folder", folder.to_str().unwrap()],
    );
    command.stderr(errors).env("HOME", &home).current_dir(&home);
    // Whoever runs the tests without privileges has dropped them already.
    if chown(&home, Some(NOBODY), Some(NOBODY)).is_ok() {
        command.uid(NOBODY).gid(NOBODY);
    }

    let dev = Dev::begin(command);
    let told = fs::read_to_string(&told).unwrap();
    let first = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap();
    let ports = format!("no ports below {}: ", first.trim());
    let mut reductions = vec!["no private root", "no mounts"];
    // Where the kernel gives all ports to everybody, nothing of this is reduced.
    if first.trim() != "0" {
        reductions.extend([ports.as_str(), "no names"]);
    }
    for what in reductions {
        let lines = told
            .lines()
            .filter(|line| line.starts_with(&format!("reduced: {what}")));
        assert_eq!(lines.count(), 1, "{what}: {told}");
    }
    dev.create("pods", &sleeper("unprivileged-dev"));
    until_ready(&dev, 0);
    assert!(marked("unprivileged-dev") >= 2);

    dev.kill();
    until_none_is_marked("unprivileged-dev");
}

#[test]
fn there_are_as_many_nodes_as_asked_for() {
    let place = tempfile::tempdir().unwrap();
    let dev = Dev::start(
        &place.path().join("dev"),
        &["--no-operator", "--nodes", "3"],
    );
    let mut names: Vec<String> = dev.ask(async |client| {
        let nodes = Api::<Node>::all(client).list(&ListParams::default()).await;
        let names = nodes.unwrap().items.into_iter();
        names.filter_map(|node| node.metadata.name).collect()
    });
    names.sort();
    assert_eq!(names, ["dev", "dev-2", "dev-3"]);
}
