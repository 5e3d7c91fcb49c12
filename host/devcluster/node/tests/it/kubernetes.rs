//! The same node under a real API server: what the embedded API is lenient about shows here.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::Api;
use kube::runtime::wait::await_condition;
use stateward_controlplane::{ControlPlane, NodeProgram, Options};
use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::bed::{PATIENCE, end, is_ready, phase, waiting};
use crate::kubectl::{
    Said, Typist, a_container_is_attached_to, a_terminal_is_as_large_as_the_users,
    files_are_copied_to_and_fro, logs_are_read_in_every_way, ports_are_forwarded,
};
use crate::ports::a_port_answers_and_another_says_why_not;
use crate::processes::WRITER;

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
        &["exec", "writer-0", "--", "cat", "/data/name"],
        "",
    )
    .await;
    assert_eq!(
        (kept.code, kept.out.as_str()),
        (Some(0), "writer-0\n"),
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
    assert_eq!(logs.out, "said\n", "{}", logs.err);

    let user = User(namespace);
    user.reads(&["exec", "writer-0", "--", "touch", "/data/left"], "")
        .await;
    user.reads(&["delete", "pod", "writer-0"], "").await;
    user.applies(WRITER).await;
    user.waits_for_ready("writer-0").await;
    user.reads(&["exec", "writer-0", "--", "test", "-e", "/data/left"], "")
        .await;
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

    let failed = |pod: &Pod| phase(pod) == Some("Failed");
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

    let waits = |pod: &Pod| matches!(waiting(pod), Some("ErrImagePull" | "ImagePullBackOff"));
    until(&namespace, "unknown", "not to be pulled", waits).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_reads_logs_in_every_way() {
    let user = User::of_namespace("logs").await;
    logs_are_read_in_every_way(&user).await;
    a_container_is_attached_to(&user).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_and_kube_forward_ports() {
    let user = User::of_namespace("forwarded").await;
    ports_are_forwarded(&user).await;

    let client = kubernetes().await.client().await.expect("a client");
    a_port_answers_and_another_says_why_not(&Api::namespaced(client, &user.0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_has_a_terminal_in_a_pod_and_copies_files() {
    let user = User::of_namespace("terminal").await;
    a_terminal_is_as_large_as_the_users(&user).await;
    files_are_copied_to_and_fro(&user).await;
}

/// While a finalizer holds it, its end can be seen: it did not hear the signal.
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_pod_that_a_finalizer_holds_has_ended() {
    let user = User::of_namespace("held").await;
    user.applies(
        r#"
apiVersion: v1
kind: Pod
metadata: { name: held, finalizers: [example.com/hold] }
spec:
  terminationGracePeriodSeconds: 1
  containers: [{ name: main, image: busybox, command: [sh, -c, "trap '' TERM; touch /tmp/deaf; while :; do sleep 1000; done"],
    readinessProbe: { exec: { command: [test, -e, /tmp/deaf] }, periodSeconds: 1 } }]
"#,
    )
    .await;
    user.waits_for_ready("held").await;

    user.reads(&["delete", "pod", "held", "--wait=false"], "")
        .await;

    let failed = |pod: &Pod| phase(pod) == Some("Failed");
    let ended = until(&user.0, "held", "failed", failed).await;
    assert!(ended.metadata.deletion_timestamp.is_some());
    assert_eq!(end(&ended).map(|end| end.exit_code), Some(137));
    let release = r#"{"metadata":{"finalizers":null}}"#;
    user.reads(&["patch", "pod", "held", "--type=merge", "-p", release], "")
        .await;
    user.reads(&["wait", "--for=delete", "--timeout=60s", "pod/held"], "")
        .await;
}

/// Volumes on demand, all the way: made when the scheduler chose a node, grown, kept or taken away with their claim.
#[tokio::test(flavor = "multi_thread")]
async fn the_provisioner_serves_a_cluster_whose_own_controllers_bind() {
    let user = User::of_namespace("storage").await;
    let (kept, gone) = (format!("{}-keeping", user.0), format!("{}-lazy", user.0));
    user.applies(&format!(
        r#"
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {{ name: {kept} }}
provisioner: any
reclaimPolicy: Retain
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {{ name: {gone} }}
provisioner: any
volumeBindingMode: WaitForFirstConsumer
allowVolumeExpansion: true
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{ name: kept }}
spec: {{ storageClassName: {kept}, accessModes: [ReadWriteOnce], resources: {{ requests: {{ storage: 1Mi }} }} }}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{ name: gone }}
spec: {{ storageClassName: {gone}, accessModes: [ReadWriteOnce], resources: {{ requests: {{ storage: 1Mi }} }} }}
---
apiVersion: v1
kind: Pod
metadata: {{ name: user }}
spec:
  terminationGracePeriodSeconds: 1
  containers: [{{ name: main, image: pause, volumeMounts: [{{ name: kept, mountPath: /kept }}, {{ name: gone, mountPath: /gone }}] }}]
  volumes: [{{ name: kept, persistentVolumeClaim: {{ claimName: kept }} }}, {{ name: gone, persistentVolumeClaim: {{ claimName: gone }} }}]
"#
    ))
    .await;
    user.waits_for_ready("user").await;
    let mut volumes = Vec::new();
    for claim in ["pvc/kept", "pvc/gone"] {
        let name = user
            .reads(&["get", claim, "-o", "jsonpath={.spec.volumeName}"], "")
            .await;
        volumes.push(name);
    }

    let larger = r#"{"spec":{"resources":{"requests":{"storage":"3Mi"}}}}"#;
    user.reads(&["patch", "pvc", "gone", "-p", larger], "")
        .await;
    let grown = "--for=jsonpath={.status.capacity.storage}=3Mi";
    user.reads(&["wait", grown, "--timeout=60s", "pvc/gone"], "")
        .await;

    user.reads(&["delete", "pod/user", "pvc/kept", "pvc/gone"], "")
        .await;
    let volume = |at: usize| format!("pv/{}", volumes[at]);
    let released = "--for=jsonpath={.status.phase}=Released";
    user.reads(&["wait", released, "--timeout=60s", &volume(0)], "")
        .await;
    user.reads(&["wait", "--for=delete", "--timeout=60s", &volume(1)], "")
        .await;
    user.reads(&["delete", &volume(0)], "").await;
}
