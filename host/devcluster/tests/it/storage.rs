//! Claims, volumes and classes.

use anyhow::Result;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use stateward_devcluster::Cluster;

use crate::{raw, refused};

async fn class(client: &Client, name: &str, fields: Value) -> Result<Value> {
    let mut class = json!({"metadata": {"name": name}, "provisioner": "example.com/folders"});
    json_patch::merge(&mut class, &fields);
    let api: Api<StorageClass> = Api::all(client.clone());
    let class = serde_json::from_value(class)?;
    Ok(raw(api.create(&PostParams::default(), &class).await?))
}

fn claim(name: &str) -> PersistentVolumeClaim {
    serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }))
    .unwrap()
}

#[tokio::test]
async fn a_claim_without_a_class_gets_the_default_one() -> Result<()> {
    let client = Cluster::in_memory().client("default");
    let plain = class(&client, "plain", json!({})).await?;
    assert_eq!(plain["reclaimPolicy"], "Delete");
    assert_eq!(plain["volumeBindingMode"], "Immediate");
    let mark = "storageclass.kubernetes.io/is-default-class";
    class(
        &client,
        "usual",
        json!({"metadata": {"annotations": {mark: "true"}}}),
    )
    .await?;
    let claims: Api<PersistentVolumeClaim> = Api::default_namespaced(client);

    let made = raw(claims
        .create(&PostParams::default(), &claim("data"))
        .await?);
    let mut without = claim("static");
    without.spec.as_mut().unwrap().storage_class_name = Some(String::new());
    let without = raw(claims.create(&PostParams::default(), &without).await?);

    assert_eq!(made["spec"]["storageClassName"], "usual");
    assert_eq!(made["status"]["phase"], "Pending");
    assert_eq!(without["spec"]["storageClassName"], "");
    Ok(())
}

#[tokio::test]
async fn a_bound_claim_grows_where_its_class_allows_it() -> Result<()> {
    let client = Cluster::in_memory().client("default");
    class(&client, "fixed", json!({})).await?;
    class(&client, "elastic", json!({"allowVolumeExpansion": true})).await?;
    let claims: Api<PersistentVolumeClaim> = Api::default_namespaced(client);
    let params = PatchParams::default();
    let bound = Patch::Merge(json!({"status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}}));
    for name in ["fixed", "elastic"] {
        let mut claim = claim(name);
        claim.spec.as_mut().unwrap().storage_class_name = Some(name.to_owned());
        claims.create(&PostParams::default(), &claim).await?;
        let volume = Patch::Merge(json!({"spec": {"volumeName": "pv"}}));
        claims.patch(name, &params, &volume).await?;
        claims.patch_status(name, &params, &bound).await?;
    }
    let size =
        |size: &str| Patch::Merge(json!({"spec": {"resources": {"requests": {"storage": size}}}}));

    assert_eq!(
        refused(claims.patch("fixed", &params, &size("2Gi")).await).code,
        403
    );
    claims.patch("elastic", &params, &size("2Gi")).await?;
    let shrunk = refused(claims.patch("elastic", &params, &size("500Mi")).await);
    let moved = Patch::Merge(json!({"spec": {"volumeName": "other"}}));
    let moved = refused(claims.patch("elastic", &params, &moved).await);

    assert!(
        shrunk
            .message
            .contains("field can not be less than status.capacity")
    );
    assert!(moved.message.contains("spec is immutable after creation"));
    Ok(())
}

#[tokio::test]
async fn a_volume_has_one_source_and_keeps_it() -> Result<()> {
    let api: Api<PersistentVolume> = Api::all(Cluster::in_memory().client("default"));
    let volume = |sources: Value| {
        let mut volume = json!({
            "metadata": {"name": "pv001"},
            "spec": {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "2Gi"}},
        });
        json_patch::merge(&mut volume, &json!({"spec": sources}));
        serde_json::from_value::<PersistentVolume>(volume)
    };
    let nfs = json!({"nfs": {"server": "nfs1", "path": "/v1"}});

    let none = refused(
        api.create(&PostParams::default(), &volume(json!({}))?)
            .await,
    );
    let made = raw(api.create(&PostParams::default(), &volume(nfs)?).await?);
    let other = Patch::Merge(json!({"spec": {"nfs": {"path": "/v2"}}}));
    let changed = refused(api.patch("pv001", &PatchParams::default(), &other).await);

    assert!(none.message.contains("must specify a volume type"));
    assert_eq!(made["spec"]["persistentVolumeReclaimPolicy"], "Retain");
    assert!(changed.message.contains("immutable after creation"));
    Ok(())
}
