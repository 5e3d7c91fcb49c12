//! StatefulSets are managed only where nobody else does.

use std::time::Duration;

use kube::api::{Api, ListParams, Patch, PatchParams};
use serde_json::json;
use stateward_operator::{OperatorError, Options, StatefulSetsFace, run};
use tokio_util::sync::CancellationToken;

use crate::bed::{Bed, app};

type Sets = Api<k8s_openapi::api::apps::v1::StatefulSet>;

fn options(bed: &Bed, patience: Duration) -> Options {
    Options {
        patience_with_rivals: patience,
        statefulsets: Some(StatefulSetsFace { embedded: false }),
        ..bed.options()
    }
}

async fn write_status(bed: &Bed, name: &str, replicas: i32) {
    let sets: Sets = Api::default_namespaced(bed.client.clone());
    let status = json!({ "status": { "observedGeneration": 1, "replicas": replicas } });
    let parameters = PatchParams::default();
    sets.patch_status(name, &parameters, &Patch::Merge(&status))
        .await
        .unwrap();
}

async fn sets(bed: &Bed) -> Vec<String> {
    let sets: Sets = Api::default_namespaced(bed.client.clone());
    let found = sets.list(&ListParams::default()).await.unwrap();
    (found.items.into_iter())
        .filter_map(|set| set.metadata.name)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_that_looks_at_the_probe_object_keeps_the_operator_away() {
    let bed = Bed::without_operator().await;
    let operator = tokio::spawn(run(
        options(&bed, Duration::from_secs(2)),
        CancellationToken::new(),
    ));
    let mut probe = String::new();
    bed.until("the probe object exists", || async {
        let names = sets(&bed).await;
        if names.is_empty() {
            Err("none".to_owned())
        } else {
            Ok(())
        }
    })
    .await;
    probe.push_str(&sets(&bed).await[0]);
    write_status(&bed, &probe, 0).await;
    let end = operator.await.unwrap();
    assert!(
        matches!(end, Err(OperatorError::ForeignController { .. })),
        "{end:?}"
    );
    assert!(
        sets(&bed).await.is_empty(),
        "the probe object is left behind"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_status_write_ends_the_operator() {
    let bed = Bed::without_operator().await;
    let operator = tokio::spawn(run(
        options(&bed, Duration::from_millis(1)),
        CancellationToken::new(),
    ));
    bed.create(app("StatefulSet", "web", 1)).await;
    bed.until_settled("StatefulSet", "web", 1).await;
    write_status(&bed, "web", 7).await;
    let end = operator.await.unwrap();
    assert!(
        matches!(end, Err(OperatorError::ForeignController { .. })),
        "{end:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_that_a_user_writes_is_no_controller() {
    let bed = Bed::without_operator().await;
    let stop = CancellationToken::new();
    let operator = tokio::spawn(run(options(&bed, Duration::from_millis(1)), stop.clone()));
    bed.create(app("StatefulSet", "web", 1)).await;
    bed.until_settled("StatefulSet", "web", 1).await;

    let sets: Sets = Api::default_namespaced(bed.client.clone());
    let parameters = PatchParams::default();
    // Kubernetes takes both without a time.
    let noted = [
        json!({ "type": "Noted", "status": "True", "lastTransitionTime": null }),
        json!({ "type": "Seen", "status": "False", "reason": "Because" }),
    ];
    let status = json!({ "status": { "conditions": noted } });
    sets.patch_status("web", &parameters, &Patch::Merge(&status))
        .await
        .unwrap();
    let larger = json!({ "spec": { "replicas": 2 } });
    sets.patch("web", &parameters, &Patch::Merge(&larger))
        .await
        .unwrap();

    bed.until_settled("StatefulSet", "web", 2).await;
    let set = bed.get("StatefulSet", "web").await;
    let conditions = set["status"]["conditions"].as_array().unwrap();
    let types: Vec<_> = conditions.iter().map(|one| &one["type"]).collect();
    assert_eq!(types, ["Noted", "Seen"], "they stay");
    stop.cancel();
    operator.await.unwrap().unwrap();
}
