//! The operator ends in the middle and comes back: the end is the same, and nothing is restarted for it.

use serde_json::json;

use crate::bed::{Bed, app};

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_that_crashes_again_and_again_still_brings_the_app_up_in_order() {
    let mut bed = Bed::without_operator().await;
    bed.create(app("StatefulApp", "web", 4)).await;
    for ordinal in 0..4 {
        let pod = format!("web-{ordinal}");
        bed.kubelet.hold(&pod);
        bed.start();
        bed.until(&format!("{pod} exists"), || async {
            let names = bed.pod_names().await;
            if names.contains(&pod) {
                Ok(())
            } else {
                Err(format!("{names:?}"))
            }
        })
        .await;
        bed.crash().await;
        bed.kubelet.let_go(&pod);
    }
    bed.start();
    bed.until_settled("StatefulApp", "web", 4).await;
    let created: Vec<String> = (bed.kubelet.record().into_iter())
        .filter(|what| what.starts_with('+'))
        .collect();
    assert_eq!(created, ["+web-0", "+web-1", "+web-2", "+web-3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_at_rest_changes_nothing() {
    let mut bed = Bed::new().await;
    bed.create(app("StatefulSet", "web", 2)).await;
    bed.until_settled("StatefulSet", "web", 2).await;
    bed.stop().await;
    bed.kubelet.forget();
    let before = bed.get("StatefulSet", "web").await;
    bed.start();
    bed.merge("StatefulSet", "web", json!({ "spec": { "replicas": 3 } }))
        .await;
    bed.until_settled("StatefulSet", "web", 3).await;
    assert_eq!(bed.kubelet.record(), ["+web-2", "!web-2"]);
    let after = bed.get("StatefulSet", "web").await;
    assert_eq!(
        before["status"]["currentRevision"],
        after["status"]["currentRevision"]
    );
}
