//! Stateful sets: defaults, rules, scale.

use anyhow::Result;
use k8s_openapi::api::apps::v1::StatefulSet;
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use stateward_devcluster::Cluster;

use crate::{raw, refused};

fn sets() -> Api<StatefulSet> {
    Api::default_namespaced(Cluster::in_memory().client("default"))
}

fn set() -> Value {
    json!({
        "metadata": {"name": "web"},
        "spec": {
            "serviceName": "web",
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "nginx:1"}]},
            },
            "volumeClaimTemplates": [{
                "metadata": {"name": "www"},
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": "1Gi"}},
                },
            }],
        },
    })
}

#[tokio::test]
async fn a_set_is_completed_as_kubernetes_does() -> Result<()> {
    let made = raw(sets()
        .create(&PostParams::default(), &serde_json::from_value(set())?)
        .await?);

    let spec = &made["spec"];
    assert_eq!(spec["replicas"], 1);
    assert_eq!(spec["podManagementPolicy"], "OrderedReady");
    assert_eq!(spec["revisionHistoryLimit"], 10);
    assert_eq!(
        spec["updateStrategy"],
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "partition": 0}})
    );
    assert_eq!(
        spec["persistentVolumeClaimRetentionPolicy"],
        json!({"whenDeleted": "Retain", "whenScaled": "Retain"})
    );
    assert_eq!(
        spec["volumeClaimTemplates"][0]["spec"]["volumeMode"],
        "Filesystem"
    );
    assert_eq!(made["metadata"]["generation"], 1);
    Ok(())
}

#[tokio::test]
async fn what_upstream_refuses_is_refused() -> Result<()> {
    let cases: &[(&str, Value, &str)] = &[
        (
            "/spec/replicas",
            json!(-1),
            "spec.replicas: Invalid value: -1",
        ),
        (
            "/spec/podManagementPolicy",
            json!("Any"),
            "spec.podManagementPolicy: Invalid value: \"Any\": must be 'OrderedReady' or 'Parallel'",
        ),
        (
            "/spec/selector",
            json!({}),
            "empty selector is invalid for statefulset",
        ),
        (
            "/spec/template/metadata/labels",
            json!({"app": "other"}),
            "`selector` does not match template `labels`",
        ),
        (
            "/spec/template/spec/restartPolicy",
            json!("Never"),
            "spec.template.spec.restartPolicy: Unsupported value: \"Never\"",
        ),
        (
            "/spec/template/spec/containers",
            json!([]),
            "spec.template.spec.containers: Required value",
        ),
        (
            "/spec/updateStrategy",
            json!({"type": "OnDelete", "rollingUpdate": {"partition": 1}}),
            "only allowed for updateStrategy 'RollingUpdate'",
        ),
        (
            "/metadata/name",
            json!("a.b"),
            "metadata.name: Invalid value: \"a.b\": must not contain dots",
        ),
    ];
    for (pointer, value, sentence) in cases {
        let mut wrong = set();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        wrong.pointer_mut(parent).unwrap()[field] = value.clone();

        let wanted = serde_json::from_value(wrong)?;
        let status = refused(sets().create(&PostParams::default(), &wanted).await);

        assert_eq!(status.code, 422, "{pointer}");
        assert!(status.message.contains(sentence), "{}", status.message);
    }
    Ok(())
}

#[tokio::test]
async fn only_some_fields_of_a_set_can_change() -> Result<()> {
    let api = sets();
    api.create(&PostParams::default(), &serde_json::from_value(set())?)
        .await?;
    let params = PatchParams::default();

    let more = Patch::Merge(json!({"spec": {"replicas": 3, "minReadySeconds": 2}}));
    let grown = api.patch("web", &params, &more).await?;
    let service = Patch::Merge(json!({"spec": {"serviceName": "other"}}));
    let status = refused(api.patch("web", &params, &service).await);

    assert_eq!(grown.metadata.generation, Some(2));
    assert_eq!(status.code, 422);
    assert!(
        status
            .message
            .contains("spec.serviceName: Invalid value: \"other\": field is immutable")
    );
    Ok(())
}

#[tokio::test]
async fn scale_shows_and_sets_the_replicas_alone() -> Result<()> {
    let api = sets();
    api.create(&PostParams::default(), &serde_json::from_value(set())?)
        .await?;

    let scale = api.get_scale("web").await?;
    assert_eq!(scale.spec.and_then(|spec| spec.replicas), Some(1));
    assert_eq!(
        scale.status.and_then(|status| status.selector).as_deref(),
        Some("app=web")
    );
    let five = Patch::Merge(json!({"spec": {"replicas": 5}}));
    api.patch_scale("web", &PatchParams::default(), &five)
        .await?;

    let set = api.get("web").await?;
    assert_eq!(set.spec.replicas, Some(5));
    Ok(())
}

#[tokio::test]
async fn counters_of_a_status_must_agree() -> Result<()> {
    let api = sets();
    api.create(&PostParams::default(), &serde_json::from_value(set())?)
        .await?;
    let status =
        |ready: i32| Patch::Merge(json!({"status": {"replicas": 1, "readyReplicas": ready}}));

    let refusal = refused(
        api.patch_status("web", &PatchParams::default(), &status(2))
            .await,
    );
    let accepted = api
        .patch_status("web", &PatchParams::default(), &status(1))
        .await?;

    assert!(
        refusal
            .message
            .contains("cannot be greater than status.replicas")
    );
    assert_eq!(accepted.metadata.generation, Some(1));
    Ok(())
}
