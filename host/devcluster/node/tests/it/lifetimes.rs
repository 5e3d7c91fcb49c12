//! Pods and the life of their agent.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, chown};

use k8s_openapi::api::core::v1::{Node, Pod};
use kube::Api;

use crate::agent::{Served, own_program};
use crate::bed::{Bed, PATIENCE, address, is_ready, restarts};

const SLEEPER: &str = r#"
apiVersion: v1
kind: Pod
metadata: { name: sleeper }
spec:
  terminationGracePeriodSeconds: 2
  containers:
  - name: main
    image: busybox
    command: [sh, -c, "echo $(MARK) >> /kept/starts; sleep 1000"]
    env: [{ name: MARK, value: MARK-VALUE }]
    volumeMounts: [{ name: kept, mountPath: /kept }]
  volumes: [{ name: kept, emptyDir: {} }]
"#;

/// The user and the group that own nothing.
const NOBODY: u32 = 65534;

/// Processes of this machine whose environment holds the mark.
fn marked(mark: &str) -> usize {
    let entries = std::fs::read_dir("/proc").expect("/proc");
    entries
        .flatten()
        .filter_map(|entry| std::fs::read(entry.path().join("environ")).ok())
        .filter(|environment| String::from_utf8_lossy(environment).contains(mark))
        .count()
}

async fn until_none_is_marked(mark: &str) {
    let gone = async {
        while marked(mark) > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone)
        .await
        .expect("the pod's processes end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_dies_with_its_agent_and_is_restarted_by_the_next() {
    let mut bed = Bed::process().await;
    bed.apply(&SLEEPER.replace("MARK-VALUE", "dies-with-agent"))
        .await;
    let before = bed.until_ready("sleeper").await;
    assert!(marked("MARK=dies-with-agent") > 0);

    bed.kill_node().await;
    until_none_is_marked("MARK=dies-with-agent").await;

    bed.start_node();
    let after = bed
        .until("sleeper", "restarted and ready", |pod: &Pod| {
            restarts(pod) == 1 && is_ready(pod)
        })
        .await;
    assert_eq!(after.metadata.uid, before.metadata.uid);
    assert_eq!(address(&after), address(&before));
    let starts = bed.exec("sleeper", &["cat", "/kept/starts"], "").await;
    assert_eq!(starts.stdout, "dies-with-agent\ndies-with-agent\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_stopped_ends_its_pods_and_keeps_their_objects_and_logs() {
    let mut bed = Bed::process().await;
    bed.apply(
        &SLEEPER
            .replace("MARK-VALUE", "stopped")
            .replace("echo $(MARK)", "echo run $$; echo $(MARK)"),
    )
    .await;
    bed.until_ready("sleeper").await;

    bed.stop_node().await;

    assert_eq!(marked("MARK=stopped"), 0);
    let kept: Pod = bed.api().get("sleeper").await.expect("the object stays");
    assert!(kept.metadata.deletion_timestamp.is_none());

    bed.start_node();
    bed.until("sleeper", "ready again", |pod: &Pod| {
        restarts(pod) == 1 && is_ready(pod)
    })
    .await;
    let previous = kube::api::LogParams {
        previous: true,
        ..Default::default()
    };
    let logs = bed
        .api::<Pod>()
        .logs("sleeper", &previous)
        .await
        .expect("the log of the run before");
    assert!(logs.starts_with("run "), "{logs}");
}

/// The agent as a process of its own, against the API over TLS, killed as `kill -9` does.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_agent_leaves_no_process_behind() {
    let served = Served::new().await;
    let home = served.folder.path();
    let mut agent = served
        .agent(&own_program(), home, "127.102.0.0")
        .spawn()
        .expect("started");
    let bed = Bed::around(&served.cluster);
    bed.apply(&SLEEPER.replace("MARK-VALUE", "left-behind"))
        .await;
    bed.until_ready("sleeper").await;
    assert!(marked("MARK=left-behind") > 0);

    agent.kill().await.expect("killed");

    until_none_is_marked("MARK=left-behind").await;
}

/// The agent as somebody without privileges: no namespaces, so pods are plain processes, and end with it all the same.
#[tokio::test(flavor = "multi_thread")]
async fn without_privileges_pods_are_plain_processes_that_find_their_volumes_and_die_with_their_agent()
 {
    let served = Served::new().await;
    let home = served.folder.path().join("home");
    std::fs::create_dir(&home).expect("made");
    let opened = Permissions::from_mode(0o755);
    std::fs::set_permissions(served.folder.path(), opened.clone()).expect("opened");
    let readable = Permissions::from_mode(0o644);
    std::fs::set_permissions(&served.kubeconfig, readable).expect("opened");
    // Where this program is, nobody may look.
    let program = served.folder.path().join("agent");
    std::fs::copy(own_program(), &program).expect("copied");
    let told = home.join("told");
    let errors = std::fs::File::create(&told).expect("a file");
    let mut agent = served.agent(&program, &home, "127.103.0.0");
    agent.env("HOME", &home).current_dir(&home).stderr(errors);
    // Whoever runs the tests without privileges has dropped them already.
    if chown(&home, Some(NOBODY), Some(NOBODY)).is_ok() {
        agent.uid(NOBODY).gid(NOBODY);
    }
    let mut agent = agent.spawn().expect("started");
    let bed = Bed::around(&served.cluster);
    let orphan = SLEEPER
        .replace("MARK-VALUE", "plain-process")
        .replace("echo $(MARK)", "(setsid sleep 1000 &); echo $(MARK)");
    bed.apply(&orphan).await;
    bed.until_ready("sleeper").await;
    let read = "until test -s /kept/starts; do :; done; cat /kept/starts";
    let starts = bed.exec("sleeper", &["sh", "-c", read], "").await;
    assert_eq!(
        (starts.code, starts.stdout.as_str()),
        (0, "plain-process\n")
    );
    let terminal = bed.exec_in_terminal("sleeper", &["tty"]).await;
    assert!(terminal.starts_with("/dev/pts/"), "{terminal}");
    let told = std::fs::read_to_string(&told).expect("told");
    assert!(told.contains("reduced: no private root"), "{told}");
    assert!(marked("MARK=plain-process") > 1);

    agent.kill().await.expect("killed");

    until_none_is_marked("MARK=plain-process").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_ignores_the_signal_is_killed_after_its_grace_period() {
    let bed = Bed::process().await;
    bed.apply(
        r#"
apiVersion: v1
kind: Pod
metadata: { name: stubborn }
spec:
  terminationGracePeriodSeconds: 1
  containers: [{ name: main, image: busybox, command: [sh, -c, "trap '' TERM; while :; do sleep 1000; done"] }]
"#,
    )
    .await;
    bed.until_ready("stubborn").await;

    bed.api::<Pod>()
        .delete("stubborn", &Default::default())
        .await
        .expect("deleted");

    bed.until_gone::<Pod>("stubborn").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_registered_with_where_it_is_reached() {
    let bed = Bed::simulated().await;
    bed.apply(&SLEEPER.replace("MARK-VALUE", "registered"))
        .await;
    bed.until_ready("sleeper").await;

    let node = Api::<Node>::all(bed.client.clone())
        .get("node")
        .await
        .expect("the node");
    let status = node.status.expect("a status");

    let port = status
        .daemon_endpoints
        .and_then(|endpoints| endpoints.kubelet_endpoint);
    assert!(port.is_some_and(|endpoint| endpoint.port > 0));
    let addresses = status.addresses.unwrap_or_default();
    assert!(
        addresses
            .iter()
            .any(|address| address.type_ == "InternalIP" && address.address == "127.0.0.1")
    );
}
