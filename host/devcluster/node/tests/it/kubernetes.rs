//! The same node under a real API server: what the embedded API is lenient about shows here.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::Api;
use kube::runtime::wait::await_condition;
use stateward_controlplane::{ControlPlane, NodeProgram, Options};
use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::bed::{PATIENCE, is_ready};
use crate::kubectl::{
    Said, Typist, a_terminal_is_as_large_as_the_users, files_are_copied_to_and_fro,
    logs_are_read_in_every_way, ports_are_forwarded,
};

static KUBERNETES: OnceCell<ControlPlane> = OnceCell::const_new();

/// One for all tests here, with one node whose pods are processes; each test has its own namespace.
async fn kubernetes() -> &'static ControlPlane {
    let start = || async {
        let kubernetes = ControlPlane::start(Options::default())
            .await
            .expect("Kubernetes starts");
        let node = NodeProgram {
            name: "node".to_owned(),
            program: env!("CARGO_BIN_EXE_stateward-node").into(),
            ..NodeProgram::default()
        };
        kubernetes
            .start_node(node)
            .await
            .expect("the node becomes ready");
        kubernetes
    };
    KUBERNETES.get_or_init(start).await
}

/// Somebody with upstream's kubectl in a namespace.
struct User(String);

impl User {
    async fn of_namespace(topic: &str) -> Self {
        let namespace = kubernetes().await.namespace(topic).await;
        Self(namespace.expect("a namespace"))
    }
}

impl Typist for User {
    async fn kubectl(&self) -> Command {
        let mut kubectl = kubernetes().await.kubectl();
        kubectl.args(["--namespace", &self.0]);
        kubectl
    }
}

async fn kubectl(namespace: &str, words: &[&str], input: &str) -> Said {
    User(namespace.to_owned()).types(words, input).await
}

async fn apply(namespace: &str, manifest: &str) {
    User(namespace.to_owned()).applies(manifest).await;
}

async fn until(namespace: &str, pod: &str, what: &str, holds: impl Fn(&Pod) -> bool) -> Pod {
    let client = kubernetes().await.client().await.expect("a client");
    let pods: Api<Pod> = Api::namespaced(client, namespace);
    let condition = |pod: Option<&Pod>| pod.is_some_and(&holds);
    let waited =
        tokio::time::timeout(PATIENCE, await_condition(pods.clone(), pod, condition)).await;
    match waited {
        Ok(Ok(Some(pod))) => pod,
        _ => panic!(
            "{pod} does not become {what}: {:#?}",
            pods.get_opt(pod).await
        ),
    }
}

const WRITER: &str = r#"
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data }
spec:
  accessModes: [ReadWriteOnce]
  resources: { requests: { storage: 1Mi } }
---
apiVersion: v1
kind: Pod
metadata: { name: writer-0 }
spec:
  terminationGracePeriodSeconds: 5
  containers:
  - name: main
    image: busybox
    command: [sh, -c, "echo kept > /data/file; echo said; echo loudly >&2; touch /tmp/said; sleep 1000"]
    readinessProbe: { exec: { command: [test, -e, /tmp/said] }, periodSeconds: 1 }
    volumeMounts: [{ name: data, mountPath: /data }]
  volumes: [{ name: data, persistentVolumeClaim: { claimName: data } }]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_runs_with_its_claim_and_kubectl_reaches_into_it() {
    let namespace = kubernetes()
        .await
        .namespace("writer")
        .await
        .expect("a namespace");
    apply(&namespace, WRITER).await;
    until(&namespace, "writer-0", "ready", is_ready).await;

    let client = kubernetes().await.client().await.expect("a client");
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client, &namespace);
    let claim = claims.get("data").await.expect("the claim");
    let phase = claim.status.and_then(|status| status.phase);
    assert_eq!(phase.as_deref(), Some("Bound"));

    let kept = kubectl(
        &namespace,
        &["exec", "writer-0", "--", "cat", "/data/file"],
        "",
    )
    .await;
    assert_eq!(
        (kept.code, kept.out.as_str()),
        (Some(0), "kept\n"),
        "{}",
        kept.err
    );

    let script = "echo out; echo err >&2; exit 7";
    let failed = kubectl(
        &namespace,
        &["exec", "writer-0", "--", "sh", "-c", script],
        "",
    )
    .await;
    assert_eq!(
        (failed.code, failed.out.as_str()),
        (Some(7), "out\n"),
        "{}",
        failed.err
    );
    assert!(failed.err.starts_with("err\n"), "{}", failed.err);

    let input = "x".repeat(100_000);
    let counted = kubectl(
        &namespace,
        &["exec", "-i", "writer-0", "--", "wc", "-c"],
        &input,
    )
    .await;
    assert_eq!(counted.out.trim(), "100000", "{}", counted.err);

    let logs = kubectl(&namespace, &["logs", "writer-0"], "").await;
    let mut lines: Vec<&str> = logs.out.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["loudly", "said"], "{}", logs.err);

    let gone = kubectl(&namespace, &["delete", "pod", "writer-0"], "").await;
    assert_eq!(gone.code, Some(0), "{}", gone.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_whose_host_port_is_taken_fails() {
    let namespace = kubernetes()
        .await
        .namespace("ports")
        .await
        .expect("a namespace");
    let pod = |name: &str| {
        format!(
            r#"
apiVersion: v1
kind: Pod
metadata: {{ name: {name} }}
spec:
  nodeName: node
  terminationGracePeriodSeconds: 1
  containers: [{{ name: main, image: pause, ports: [{{ containerPort: 80, hostPort: 21017 }}] }}]
"#
        )
    };
    apply(&namespace, &pod("first")).await;
    until(&namespace, "first", "ready", is_ready).await;

    apply(&namespace, &pod("second")).await;

    let phase = |pod: &Pod| pod.status.as_ref().and_then(|status| status.phase.clone());
    let failed = |pod: &Pod| phase(pod).as_deref() == Some("Failed");
    let second = until(&namespace, "second", "failed", failed).await;
    let reason = second.status.and_then(|status| status.reason);
    assert_eq!(reason.as_deref(), Some("NodePorts"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_without_a_recipe_is_not_pulled() {
    let namespace = kubernetes()
        .await
        .namespace("images")
        .await
        .expect("a namespace");
    let manifest = r#"
apiVersion: v1
kind: Pod
metadata: { name: unknown }
spec:
  containers: [{ name: main, image: registry.example/no-such-image }]
"#;
    apply(&namespace, manifest).await;

    let waits = |pod: &Pod| {
        let containers = pod
            .status
            .as_ref()
            .and_then(|status| status.container_statuses.as_ref());
        let first = containers.and_then(|containers| containers.first());
        let waiting = first.and_then(|container| container.state.as_ref()?.waiting.as_ref());
        let reason = waiting.and_then(|waiting| waiting.reason.as_deref());
        matches!(reason, Some("ErrImagePull" | "ImagePullBackOff"))
    };
    until(&namespace, "unknown", "not to be pulled", waits).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_reads_logs_in_every_way() {
    logs_are_read_in_every_way(&User::of_namespace("logs").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_forwards_ports() {
    ports_are_forwarded(&User::of_namespace("forwarded").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_has_a_terminal_in_a_pod_and_copies_files() {
    let user = User::of_namespace("terminal").await;
    a_terminal_is_as_large_as_the_users(&user).await;
    files_are_copied_to_and_fro(&user).await;
}
