//! A new version of the operator, of the API server or of a plugin restarts no pod.

use serde_json::{Value, json};

use crate::bed::{Bed, app};
use crate::hooks::component;

async fn uids(bed: &Bed) -> Vec<String> {
    let pods = bed.list("Pod").await.into_iter();
    pods.filter_map(|pod| pod.metadata.uid).collect()
}

/// What an operator with another rule of revisions left behind: the same template in its own spelling, and pods that name this revision. The API server has
/// filled in its defaults in the pods, and none of them in the app's template.
#[tokio::test(flavor = "multi_thread")]
async fn given_a_revision_of_an_older_rule_when_a_new_operator_comes_then_no_pod_restarts() {
    let mut bed = Bed::without_operator().await;
    let mut web = app("StatefulApp", "web", 2);
    web["spec"]
        .as_object_mut()
        .unwrap()
        .remove("volumeClaimTemplates");
    let template = &mut web["spec"]["template"];
    template["spec"]["containers"][0]
        .as_object_mut()
        .unwrap()
        .remove("volumeMounts");
    template["spec"]["containers"][0]["resources"] = json!({ "requests": { "memory": "1Gi" } });
    let mut spelled = template.clone();
    spelled["$patch"] = json!("replace");
    spelled["spec"]["containers"][0]["resources"] = json!({ "requests": { "memory": "1024Mi" } });
    bed.create(json!({
        "apiVersion": "apps/v1", "kind": "ControllerRevision",
        "metadata": {
            "name": "web-old", "labels": { "app": "web" },
            "annotations": { "stateward.dev/revision-rule": "0" },
        },
        "data": { "spec": { "template": spelled } }, "revision": 7,
    }))
    .await;
    for ordinal in 0..2 {
        let name = format!("web-{ordinal}");
        let labels = json!({
            "app": "web", "controller-revision-hash": "web-old",
            "statefulset.kubernetes.io/pod-name": name, "apps.kubernetes.io/pod-index": ordinal.to_string(),
        });
        bed.create(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": name, "labels": labels },
            "spec": web["spec"]["template"]["spec"],
        }))
        .await;
    }
    let before = uids(&bed).await;
    bed.create(web).await;
    bed.start();
    bed.until_settled("StatefulApp", "web", 2).await;
    let status = bed.get("StatefulApp", "web").await["status"].clone();
    assert_eq!(status["updateRevision"], "web-old");
    assert_eq!(bed.list("ControllerRevision").await.len(), 1);
    assert_eq!(uids(&bed).await, before);
}

/// How often the API server was asked what it makes of a template.
fn questions(bed: &Bed) -> u64 {
    let counts = bed.cluster.request_counts();
    counts.get("create podtemplates").copied().unwrap_or(0)
}

/// StatefulSets show the new default at once; in a StatefulApp somebody writes it out.
#[tokio::test(flavor = "multi_thread")]
async fn given_an_api_server_that_completes_more_when_it_is_upgraded_then_no_pod_restarts() {
    for face in ["StatefulSet", "StatefulApp"] {
        let mut bed = Bed::new().await;
        bed.create(app(face, "web", 2)).await;
        bed.until_settled(face, "web", 2).await;
        bed.stop().await;
        let before = uids(&bed).await;
        let revision = bed.get(face, "web").await["status"]["updateRevision"].clone();
        bed.cluster
            .gain_default("shareProcessNamespace", &json!(false));
        if face == "StatefulApp" {
            let spec = json!({ "shareProcessNamespace": false, "dnsPolicy": "ClusterFirst" });
            let template = json!({ "spec": spec });
            bed.merge(face, "web", json!({ "spec": { "template": template } }))
                .await;
        }
        bed.start();
        bed.merge(face, "web", json!({ "spec": { "replicas": 3 } }))
            .await;
        bed.until_settled(face, "web", 3).await;
        let after = uids(&bed).await;
        assert!(before.iter().all(|pod| after.contains(pod)), "{face}");
        let status = bed.get(face, "web").await["status"].clone();
        assert_eq!(status["updateRevision"], revision, "{face}");
        assert_eq!(bed.list("ControllerRevision").await.len(), 1, "{face}");
        assert_eq!(questions(&bed), 2, "{face}: once, about two templates");

        // What is no default is another template.
        bed.kubelet.forget();
        let template = json!({ "spec": { "shareProcessNamespace": true } });
        bed.merge(face, "web", json!({ "spec": { "template": template } }))
            .await;
        bed.until("all pods are of another revision", || async {
            let status = bed.get(face, "web").await["status"].clone();
            match status["currentRevision"] != revision
                && status["currentRevision"] == status["updateRevision"]
            {
                true => Ok(()),
                false => Err(status.to_string()),
            }
        })
        .await;
        bed.until_settled(face, "web", 3).await;
        let gone = |what: &String| what.starts_with('-');
        assert_eq!(
            bed.kubelet.record().into_iter().filter(gone).count(),
            3,
            "{face}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn given_another_version_of_a_plugin_then_no_pod_restarts() {
    let bed = Bed::new().await;
    let file = bed.folder.path().join("steered.wasm");
    let component = std::fs::read(component("steered")).unwrap();
    std::fs::write(&file, &component).unwrap();
    let plugin = |generation: u32| {
        json!({
            "apiVersion": "stateward.dev/v1alpha1", "kind": "Plugin",
            "metadata": { "name": "steered", "annotations": { "generation": generation.to_string() } },
            "spec": { "source": { "file": file }, "grants": {
                "requests": true, "discardVolumes": true, "events": true,
            }},
        })
    };
    bed.create(plugin(1)).await;
    let mut web = app("StatefulApp", "web", 2);
    web["spec"]["plugin"] = json!({ "name": "steered", "settings": {} });
    bed.create(web).await;
    bed.until_settled("StatefulApp", "web", 2).await;
    let digest = bed.get("Plugin", "steered").await["status"]["digest"].clone();
    let before = uids(&bed).await;
    bed.kubelet.forget();

    // A custom section at the end: another digest, the same hooks.
    let other = bed.folder.path().join("newer.wasm");
    let newer = [
        component.as_slice(),
        &[0, 6, 5, b'n', b'e', b'w', b'e', b'r'],
    ]
    .concat();
    std::fs::write(&other, newer).unwrap();
    let source = json!({ "spec": { "source": { "file": other } } });
    bed.merge("Plugin", "steered", source).await;
    bed.until("the newer one serves", || async {
        let status = bed.get("Plugin", "steered").await["status"].clone();
        match status["digest"].is_string()
            && status["digest"] != digest
            && status["state"] == "Ready"
        {
            true => Ok(()),
            false => Err(status.to_string()),
        }
    })
    .await;
    // It is asked: the next member joins under it.
    bed.merge("StatefulApp", "web", json!({ "spec": { "replicas": 3 } }))
        .await;
    bed.until_settled("StatefulApp", "web", 3).await;
    let after = uids(&bed).await;
    assert!(
        before.iter().all(|pod| after.contains(pod)),
        "{before:?} {after:?}"
    );
    let left: Vec<String> = bed.kubelet.record();
    assert!(left.iter().all(|what| !what.starts_with('~')), "{left:?}");
    let app: Value = bed.get("StatefulApp", "web").await;
    assert_eq!(
        app["status"]["currentRevision"],
        app["status"]["updateRevision"]
    );
}
