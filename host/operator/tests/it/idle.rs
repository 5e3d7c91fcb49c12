//! At rest the operator asks nothing and writes nothing, counted at the API server.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use stateward_devcluster::Cluster;
use tokio::time::{Instant, sleep};

use crate::bed::{Bed, app, tell};
use crate::hooks::{doing, hostile};

/// The longest that apps may take to settle, in the time of the test.
const PATIENCE: Duration = Duration::from_secs(300);
/// Longer than any renewal of a watch.
const REST: Duration = Duration::from_secs(3600);

/// The requests so far, but for the renewal of watches.
fn requests(cluster: &Cluster) -> BTreeMap<String, u64> {
    let mut counts = cluster.request_counts();
    counts.retain(|what, _| !what.starts_with("watch "));
    counts
}

/// What came between two countings.
fn since(before: &BTreeMap<String, u64>, now: &BTreeMap<String, u64>) -> Vec<String> {
    let was = |what: &String| before.get(what).copied().unwrap_or(0);
    (now.iter())
        .filter(|(what, count)| **count > was(what))
        .map(|(what, count)| format!("{} × {what}", count - was(what)))
        .collect()
}

/// Apps of both kinds, one with a plugin whose hooks and probes keep to themselves, one whose rollout is held back, one that is scaled to nothing; the pods
/// and revisions of each at rest.
#[tokio::test(start_paused = true)]
async fn settled_apps_cost_no_request_for_an_hour() {
    let mut bed = Bed::on(Cluster::simulated(1)).await;
    bed.create(hostile()).await;
    for face in ["StatefulSet", "StatefulApp"] {
        let kind = face.to_lowercase();
        bed.create(app(face, &format!("{kind}-web"), 3)).await;
        let mut parallel = app(face, &format!("{kind}-parallel"), 4);
        parallel["spec"]["podManagementPolicy"] = json!("Parallel");
        parallel["spec"]["minReadySeconds"] = json!(5);
        bed.create(parallel).await;
        bed.create(app(face, &format!("{kind}-none"), 0)).await;
        let mut held = app(face, &format!("{kind}-held"), 2);
        held["spec"]["updateStrategy"] = json!({ "type": "OnDelete" });
        bed.create(held).await;
    }
    bed.create(doing("db", "done", 2)).await;
    bed.start();
    for face in ["StatefulSet", "StatefulApp"] {
        let kind = face.to_lowercase();
        for (name, replicas) in [("web", 3), ("parallel", 4), ("none", 0), ("held", 2)] {
            bed.until_settled(face, &format!("{kind}-{name}"), replicas)
                .await;
        }
        // Pods of the old revision stay until somebody deletes them.
        let template = json!({ "metadata": { "annotations": { "version": "2" } } });
        let edit = json!({ "spec": { "template": template } });
        bed.merge(face, &format!("{kind}-held"), edit).await;
    }
    bed.until_settled("StatefulApp", "db", 2).await;

    let begin = Instant::now();
    let mut seen = requests(&bed.cluster);
    loop {
        sleep(Duration::from_secs(30)).await;
        let now = requests(&bed.cluster);
        if now == seen {
            break;
        }
        let last = since(&seen, &now);
        assert!(begin.elapsed() < PATIENCE, "it never rests: {last:?}");
        seen = now;
    }
    sleep(REST).await;
    let asked = since(&seen, &requests(&bed.cluster));
    assert!(asked.is_empty(), "{asked:?}");
    let watches = bed.cluster.request_counts();
    tell(format_args!("an hour at rest: no request but {watches:?}"));
}
