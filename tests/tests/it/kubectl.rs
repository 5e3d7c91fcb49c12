//! `kubectl` of the same release, unmodified, against the embedded API. No controller runs: what one would write, the
//! test writes.

use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use stateward_controlplane::{Built, built};
use stateward_devcluster::{Cluster, ServeOptions, Serving};
use tempfile::TempDir;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// A cluster, and somebody with `kubectl` in front of it.
struct Desk {
    program: PathBuf,
    home: TempDir,
    stop: CancellationToken,
    _serving: Serving,
}

impl Desk {
    async fn new() -> Result<Self> {
        let stop = CancellationToken::new();
        let cluster = Cluster::in_memory();
        let serving = cluster.serve(ServeOptions::default(), stop.clone()).await?;
        let home = tempfile::tempdir()?;
        let kubeconfig = home.path().join("config");
        std::fs::File::create(kubeconfig)?.write_all(serving.kubeconfig_yaml.as_bytes())?;
        let program = tokio::task::spawn_blocking(|| built(Built::ControlPlane)).await??;
        Ok(Self {
            program,
            home,
            stop,
            _serving: serving,
        })
    }

    /// Types a command; `input` is what it reads where it says `-f -`.
    async fn run(&self, words: &str, input: &Value) -> Result<(bool, String)> {
        let mut child = Command::new(&self.program)
            .arg("kubectl")
            .args(words.split(' '))
            .env("KUBECONFIG", self.home.path().join("config"))
            .env("HOME", self.home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut stdin = child.stdin.take().context("no input")?;
        tokio::io::AsyncWriteExt::write_all(&mut stdin, input.to_string().as_bytes()).await?;
        drop(stdin);
        let output = child.wait_with_output().await?;
        let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.push_str(&String::from_utf8_lossy(&output.stderr));
        Ok((output.status.success(), said))
    }

    /// Types a command that has to succeed and to say `expected`.
    async fn says(&self, words: &str, expected: &str) -> Result<()> {
        self.reads(words, &Value::Null, expected).await
    }

    async fn reads(&self, words: &str, input: &Value, expected: &str) -> Result<()> {
        let (is_fine, said) = self.run(words, input).await?;
        ensure!(is_fine, "kubectl {words}: {said}");
        ensure!(
            said.contains(expected),
            "kubectl {words} says no {expected:?}: {said}"
        );
        Ok(())
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn set(image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {
            "replicas": 2, "serviceName": "web", "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "main", "image": image}]},
            },
        },
    })
}

fn pod(name: &str, owner: Option<&str>) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "web"}},
        "spec": {"nodeName": "one", "containers": [{"name": "main", "image": "web:1"}]},
    });
    if let Some(uid) = owner {
        pod["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": uid,
            "controller": true, "blockOwnerDeletion": true,
        }]);
    }
    pod
}

async fn uid_of_set(desk: &Desk) -> Result<String> {
    let (_, uid) = desk
        .run(
            "get statefulset web -o jsonpath={.metadata.uid}",
            &Value::Null,
        )
        .await?;
    Ok(uid)
}

#[tokio::test]
async fn objects_are_applied_shown_changed_and_explained() -> Result<()> {
    let desk = Desk::new().await?;
    desk.reads(
        "apply --server-side -f -",
        &set("web:1"),
        "statefulset.apps/web serverside-applied",
    )
    .await?;
    desk.reads("apply --server-side --field-manager=other -f -", &json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "web"}, "spec": {"replicas": 3},
    }), "").await.expect_err("another manager's replicas are a conflict");
    desk.says("get statefulset -o wide", "web:1").await?;
    desk.says("describe statefulset web", "Replicas:").await?;
    desk.says(
        "label statefulset web tier=front",
        "statefulset.apps/web labeled",
    )
    .await?;
    desk.says(
        "annotate statefulset web note=kept",
        "statefulset.apps/web annotated",
    )
    .await?;
    desk.says(
        "get statefulset -l tier=front -o name",
        "statefulset.apps/web",
    )
    .await?;
    desk.says(
        "explain statefulset.spec.serviceName",
        "FIELD: serviceName <string>",
    )
    .await?;
    desk.says(
        "explain pod.spec.containers",
        "FIELD: containers <[]Container>",
    )
    .await?;
    desk.says("auth can-i create pods", "yes").await?;
    desk.says("auth whoami", "stateward").await?;

    let (is_same, said) = desk.run("diff --server-side -f -", &set("web:2")).await?;
    ensure!(!is_same && said.contains("web:2"), "{said}");
    desk.reads(
        "replace -f -",
        &set("web:2"),
        "statefulset.apps/web replaced",
    )
    .await?;
    desk.says(
        "wait --for=jsonpath={.spec.replicas}=2 statefulset/web --timeout=30s",
        "condition met",
    )
    .await?;
    desk.says("scale statefulset web --replicas=0", "scaled")
        .await?;
    desk.says("events", "").await?;
    desk.says("api-resources --api-group=apps", "statefulsets")
        .await?;
    let (is_fine, said) = desk.run("get deployments", &Value::Null).await?;
    ensure!(
        !is_fine && said.contains("doesn't have a resource type"),
        "{said}"
    );
    Ok(())
}

#[tokio::test]
async fn the_rollout_of_a_set_is_followed_undone_and_restarted() -> Result<()> {
    let desk = Desk::new().await?;
    desk.reads("apply -f -", &set("web:2"), "statefulset.apps/web created")
        .await?;
    let uid = uid_of_set(&desk).await?;
    for (revision, image) in [(1, "web:1"), (2, "web:2")] {
        let data = json!({"spec": {"template": {
            "$patch": "replace", "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "main", "image": image}]},
        }}});
        let history = json!({
            "apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": revision, "data": data,
            "metadata": {
                "name": format!("web-{revision}"), "labels": {"app": "web"},
                "annotations": {"kubernetes.io/change-cause": format!("to {image}")},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web", "uid": uid, "controller": true}],
            },
        });
        desk.reads("create -f -", &history, "created").await?;
    }
    desk.says("rollout history statefulset web", "to web:1")
        .await?;
    desk.says("rollout history statefulset web --revision=1", "web:1")
        .await?;

    let status = r#"{"status":{"observedGeneration":1,"replicas":2,"readyReplicas":2,"currentReplicas":2,"updatedReplicas":2,"availableReplicas":2,"currentRevision":"web-2","updateRevision":"web-2"}}"#;
    let patch = format!("patch statefulset web --subresource=status --type=merge -p {status}");
    desk.says(&patch, "statefulset.apps/web patched").await?;
    desk.says(
        "rollout status statefulset web --timeout=30s",
        "partitioned roll out complete: 2 new pods have been updated",
    )
    .await?;
    desk.says(
        "rollout undo statefulset web",
        "statefulset.apps/web rolled back",
    )
    .await?;
    desk.says("get statefulset web -o wide", "web:1").await?;
    desk.says(
        "rollout restart statefulset web",
        "statefulset.apps/web restarted",
    )
    .await?;
    desk.says(
        "get statefulset web -o yaml",
        "kubectl.kubernetes.io/restartedAt",
    )
    .await
}

#[tokio::test]
async fn dependents_stay_or_go_with_their_owner_as_it_is_said() -> Result<()> {
    let desk = Desk::new().await?;
    desk.reads("create -f -", &set("web:1"), "created").await?;
    let uid = uid_of_set(&desk).await?;
    desk.reads("create -f -", &pod("web-0", Some(&uid)), "created")
        .await?;
    desk.says(
        "delete statefulset web --cascade=orphan --timeout=30s",
        "deleted",
    )
    .await?;
    desk.says("get pods", "web-0").await?;

    desk.reads("create -f -", &set("web:1"), "created").await?;
    let uid = uid_of_set(&desk).await?;
    let mut first = pod("web-1", Some(&uid));
    first["spec"]["nodeName"] = "".into();
    desk.reads("create -f -", &first, "created").await?;
    desk.says(
        "delete statefulset web --cascade=foreground --timeout=30s",
        "deleted",
    )
    .await?;
    let (_, said) = desk.run("get pod web-1", &Value::Null).await?;
    ensure!(said.contains("not found"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_node_is_drained_as_far_as_budgets_let_it() -> Result<()> {
    let desk = Desk::new().await?;
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "one"}});
    desk.reads("create -f -", &node, "node/one created").await?;
    desk.reads("create -f -", &pod("web-0", None), "created")
        .await?;
    let status =
        r#"{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}"#;
    let patch = format!("patch pod web-0 --subresource=status --type=merge -p {status}");
    desk.says(&patch, "patched").await?;
    desk.says(
        "create poddisruptionbudget web --selector=app=web --min-available=1",
        "created",
    )
    .await?;

    let (is_fine, said) = desk
        .run("drain one --force --timeout=1s", &Value::Null)
        .await?;
    ensure!(
        !is_fine && said.contains("violate the pod's disruption budget"),
        "{said}"
    );
    desk.says("get nodes", "SchedulingDisabled").await?;
    desk.says("delete poddisruptionbudget web", "deleted")
        .await?;
    // No agent ends the pod: the drain is left waiting, with the pod on its way.
    let (_, said) = desk
        .run("drain one --force --timeout=2s", &Value::Null)
        .await?;
    ensure!(said.contains("evicting pod default/web-0"), "{said}");
    desk.says("get pods", "Terminating").await?;
    desk.says("delete pod web-0 --force", "force deleted")
        .await?;
    desk.says("drain one --force", "node/one drained").await?;
    desk.says("uncordon one", "node/one uncordoned").await
}
