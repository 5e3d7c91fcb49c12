//! Names of revisions, and updates that replace all pods at once.

use serde_json::{Value, json};

use crate::bed::{Bed, app};

/// Upstream's rule (item 117), from the name that the set and its template have.
fn is_upstreams(name: &str) -> bool {
    const ALPHABET: &str = "bcdfghjklmnpqrstvwxz2456789";
    let Some(hash) = name.strip_prefix("web-") else {
        return false;
    };
    (1..=10).contains(&hash.len()) && hash.chars().all(|letter| ALPHABET.contains(letter))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statefulset_has_upstreams_revisions_and_a_rollback_makes_no_new_one() {
    let bed = Bed::new().await;
    bed.create(app("StatefulSet", "web", 1)).await;
    bed.until_settled("StatefulSet", "web", 1).await;
    let first = bed.get("StatefulSet", "web").await["status"]["currentRevision"].clone();
    assert!(is_upstreams(first.as_str().unwrap()), "{first}");
    let revision = bed.get("ControllerRevision", first.as_str().unwrap()).await;
    let hash = first.as_str().unwrap().strip_prefix("web-").unwrap();
    let metadata = &revision["metadata"];
    assert_eq!(metadata["labels"]["controller.kubernetes.io/hash"], hash);
    assert_eq!(metadata["annotations"], Value::Null, "none of ours");
    for image in ["example:2", "example:1"] {
        let template = app("StatefulSet", "web", 1)["spec"]["template"].clone();
        let mut containers = template["spec"]["containers"].clone();
        containers[0]["image"] = json!(image);
        let patch = json!({ "template": { "spec": { "containers": containers } } });
        bed.merge("StatefulSet", "web", json!({ "spec": patch }))
            .await;
        bed.until(&format!("web-0 runs {image}"), || async {
            let pod = bed.get("Pod", "web-0").await;
            match pod["spec"]["containers"][0]["image"] == image {
                true => Ok(()),
                false => Err(pod.to_string()),
            }
        })
        .await;
        bed.until_settled("StatefulSet", "web", 1).await;
    }
    let last = bed.get("StatefulSet", "web").await["status"]["currentRevision"].clone();
    assert_eq!(last, first);
    assert_eq!(bed.list("ControllerRevision").await.len(), 2);
}

/// Item 110.
#[tokio::test(flavor = "multi_thread")]
async fn recreate_lets_all_go_before_any_comes() {
    for face in ["StatefulApp", "StatefulSet"] {
        let bed = Bed::new().await;
        let mut web = app(face, "web", 2);
        web["spec"]["updateStrategy"] = json!({ "type": "Recreate" });
        bed.create(web).await;
        bed.until_settled(face, "web", 2).await;
        bed.kubelet.forget();
        let template = json!({ "metadata": { "annotations": { "restarted": "now" } } });
        bed.merge(face, "web", json!({ "spec": { "template": template } }))
            .await;
        bed.until("both are back", || async {
            let record = bed.kubelet.record();
            match record.iter().filter(|what| what.starts_with('!')).count() {
                2 => Ok(()),
                _ => Err(format!("{record:?}")),
            }
        })
        .await;
        bed.until_settled(face, "web", 2).await;
        let record = bed.kubelet.record();
        let last_gone = record.iter().rposition(|what| what.starts_with('-'));
        let first_made = record.iter().position(|what| what.starts_with('+'));
        assert!(last_gone < first_made, "{face}: {record:?}");
        let (type_, reason) = match face {
            "StatefulApp" => ("Progressing", "Complete"),
            _ => ("Progressing", "RecreateCompleted"),
        };
        bed.until("the condition says that it is over", || async {
            let app = bed.get(face, "web").await;
            let conditions = app["status"]["conditions"].as_array().cloned();
            let is_over = (conditions.unwrap_or_default().iter())
                .any(|one| one["type"] == type_ && one["reason"] == reason);
            match is_over {
                true => Ok(()),
                false => Err(app["status"].to_string()),
            }
        })
        .await;
    }
}
