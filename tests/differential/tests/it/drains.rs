//! `kubectl drain` as it is, on Kubernetes itself: evictions are refused until the plugin has prepared a member, and the drain ends.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::api::Api;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, ResourceExt};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::task::JoinHandle;

use crate::managed::{Managed, said, uids};

/// Longer than a drain takes; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(120);

/// UIDs of the pods whose deletion began, in its order, whoever asked for it.
struct Leaving {
    seen: Arc<Mutex<Vec<String>>>,
    watch: JoinHandle<()>,
}

impl Leaving {
    fn watch(client: Client, namespace: &str) -> Leaving {
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let pods: Api<Pod> = Api::namespaced(client, namespace);
        let record = Arc::clone(&seen);
        let watch = tokio::spawn(async move {
            let events = watcher(pods, watcher::Config::default())
                .default_backoff()
                .touched_objects();
            let mut events = std::pin::pin!(events);
            while let Some(event) = events.next().await {
                let Ok(pod) = event else { continue };
                let uid = pod.uid().unwrap();
                let mut record = record.lock().unwrap();
                if pod.metadata.deletion_timestamp.is_some() && !record.contains(&uid) {
                    record.push(uid);
                }
            }
        });
        Leaving { seen, watch }
    }

    fn so_far(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_drain_ends_and_every_member_was_prepared_before_it_went() {
    let mut managed = Managed::new().await;
    // Given members that are all on one node
    let settings = json!({ "pre-delete": "refuse: still copying" });
    let namespace = managed.app("drained", 3, settings).await;
    let before = managed.pods(&namespace).await;
    managed.add_node("node-2").await;
    managed
        .until_app(&namespace, "evictions are refused", |app| {
            app["status"]["conditions"]
                .to_string()
                .contains("BudgetInPlace")
        })
        .await;
    let leaving = Leaving::watch(managed.client.clone(), &namespace);

    // when the node is drained
    let timeout = format!("--timeout={}s", PATIENCE.as_secs());
    let mut drain = (managed.kubernetes.kubectl())
        .args(["drain", "node-1", &timeout])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = BufReader::new(drain.stderr.take().unwrap()).lines();

    // then the API server refuses every eviction while the plugin does, and nobody goes
    let mut refused = std::collections::BTreeSet::new();
    while refused.len() < 3 {
        let line = errors.next_line().await.unwrap().expect("it goes on");
        if line.contains("disruption budget") {
            refused.extend(line.split('"').nth(1).map(str::to_owned));
        }
    }
    managed
        .until_app(&namespace, "the drain waits for the plugin", |app| {
            let waiting = app["status"]["waiting"].to_string();
            waiting.contains("still copying") && waiting.contains("DrainQueued")
        })
        .await;
    assert!(leaving.so_far().is_empty(), "{:?}", leaving.so_far());

    // and when the plugin says done, the drain ends by itself
    managed
        .patch_app(
            &namespace,
            json!({ "spec": { "plugin": { "settings": null } } }),
        )
        .await;
    let rest = tokio::spawn(async move {
        let mut rest = String::new();
        while let Ok(Some(line)) = errors.next_line().await {
            rest = rest + &line + "\n";
        }
        rest
    });
    let output = drain.wait_with_output().await.unwrap();
    let rest = rest.await.unwrap();
    assert!(output.status.success(), "{}{rest}", said(&output));
    assert!(said(&output).contains("node/node-1 drained"), "{rest}");

    // and every member is back on the other node, each having left once, after its pre-delete
    managed
        .until_app(&namespace, "all members are back", |app| {
            app["status"]["readyReplicas"] == 3
        })
        .await;
    let after = managed.pods(&namespace).await;
    for pod in &after {
        let node = pod.spec.as_ref().unwrap().node_name.as_deref();
        assert_eq!(node, Some("node-2"), "{}", pod.name_any());
    }
    let mut members = uids(&before);
    members.reverse();
    assert_eq!(leaving.so_far(), members, "from the last to the first");
    let events = managed.events(&namespace).await;
    for uid in &members {
        let evicted = format!("Called: pre-delete/{uid}/evict Cause::Evict");
        assert!(events.contains(&evicted), "{evicted} in {events:#?}");
        let hastily = format!("pre-delete/{uid}/external");
        let hastily = events.iter().find(|event| event.contains(&hastily));
        assert_eq!(hastily, None);
    }
    managed.end().await;
}
