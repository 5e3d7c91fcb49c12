//! Claims and volumes.

use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod};
use kube::api::{Patch, PatchParams};
use kube::runtime::wait::await_condition;
use kube::{Api, ResourceExt};
use serde_json::json;

use crate::bed::{Bed, PATIENCE, condition};

fn claim(name: &str, class: &str, size: &str) -> String {
    format!(
        r#"
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{ name: {name} }}
spec:
  {class}
  accessModes: [ReadWriteOnce]
  resources: {{ requests: {{ storage: {size} }} }}
"#
    )
}

fn user(name: &str, claim: &str) -> String {
    format!(
        r#"
apiVersion: v1
kind: Pod
metadata: {{ name: {name} }}
spec:
  containers: [{{ name: main, image: whatever }}]
  volumes: [{{ name: data, persistentVolumeClaim: {{ claimName: {claim} }} }}]
"#
    )
}

fn is_bound(claim: &PersistentVolumeClaim) -> bool {
    claim
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref())
        == Some("Bound")
}

fn volume_of(claim: &PersistentVolumeClaim) -> String {
    claim
        .spec
        .as_ref()
        .and_then(|spec| spec.volume_name.clone())
        .expect("a volume")
}

#[tokio::test]
async fn a_claim_without_a_class_gets_a_folder_of_the_default_class_that_goes_with_it() {
    let bed = Bed::simulated().await;
    bed.apply(&claim("data", "", "1Gi")).await;
    let bound = bed.until("data", "bound", is_bound).await;

    let name = volume_of(&bound);
    assert_eq!(name, format!("pvc-{}", bound.uid().expect("a uid")));
    let folder = bed
        .path()
        .join("volumes")
        .join(format!("default-data-{name}"));
    assert!(folder.is_dir());
    let volumes: Api<PersistentVolume> = Api::all(bed.client.clone());
    let volume = volumes.get(&name).await.expect("the volume");
    let spec = volume.spec.expect("a spec");
    assert_eq!(spec.storage_class_name.as_deref(), Some("local-path"));

    bed.api::<PersistentVolumeClaim>()
        .delete("data", &Default::default())
        .await
        .expect("deleted");
    bed.until_gone::<PersistentVolumeClaim>("data").await;
    let gone = async {
        while volumes.get_opt(&name).await.expect("answered").is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone)
        .await
        .expect("the volume goes");
    assert!(!folder.exists());
}

#[tokio::test]
async fn any_class_with_a_provisioner_is_served_also_by_the_old_annotation() {
    let bed = Bed::simulated().await;
    bed.apply("apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: { name: sc-nfs }\nprovisioner: nfs-client\nreclaimPolicy: Delete\n")
        .await;
    bed.apply(&claim("plain", "storageClassName: sc-nfs", "1Mi"))
        .await;
    let annotated = claim("old", "", "1Mi").replace(
        "{ name: old }",
        "{ name: old, annotations: { volume.beta.kubernetes.io/storage-class: sc-nfs } }",
    );
    bed.apply(&annotated).await;

    for name in ["plain", "old"] {
        let bound = bed.until(name, "bound", is_bound).await;
        let volume = Api::<PersistentVolume>::all(bed.client.clone())
            .get(&volume_of(&bound))
            .await
            .expect("the volume");
        let class = volume.spec.and_then(|spec| spec.storage_class_name);
        assert_eq!(class.as_deref(), Some("sc-nfs"), "{name}");
    }
}

#[tokio::test]
async fn static_volumes_are_given_by_size_and_modes_and_the_last_claim_waits_with_its_pod() {
    let bed = Bed::simulated().await;
    for (name, size, modes) in [
        ("pv001", "2Gi", "ReadWriteMany, ReadWriteOnce"),
        ("pv002", "2Gi", "ReadWriteMany"),
        ("pv004", "4Gi", "ReadWriteMany, ReadWriteOnce"),
    ] {
        bed.apply(&format!(
            "apiVersion: v1\nkind: PersistentVolume\nmetadata: {{ name: {name} }}\nspec:\n  nfs: {{ path: /v/{name}, server: nfs1 }}\n  accessModes: [{modes}]\n  capacity: {{ storage: {size} }}\n"
        ))
        .await;
    }
    for name in ["a", "b"] {
        bed.apply(&claim(name, "storageClassName: \"\"", "2Gi"))
            .await;
        bed.until(name, "bound", is_bound).await;
    }
    let a: PersistentVolumeClaim = bed.api().get("a").await.expect("a");
    let b: PersistentVolumeClaim = bed.api().get("b").await.expect("b");
    assert_eq!(
        (volume_of(&a).as_str(), volume_of(&b).as_str()),
        ("pv001", "pv004")
    );

    bed.apply(&claim("c", "storageClassName: \"\"", "2Gi"))
        .await;
    bed.apply(&user("waiting", "c")).await;
    let told = bed.told("waiting", "FailedScheduling").await;
    assert!(told.contains("persistentvolumeclaim \"c\""), "{told}");
    let told = bed.told("c", "FailedBinding").await;
    assert!(told.contains("no persistent volumes available"), "{told}");
    let pod: Pod = bed
        .until("waiting", "unschedulable", |pod| {
            condition(pod, "PodScheduled").as_deref() == Some("False")
        })
        .await;
    assert_eq!(
        pod.status.and_then(|status| status.phase).as_deref(),
        Some("Pending")
    );

    bed.apply("apiVersion: v1\nkind: PersistentVolume\nmetadata: { name: late }\nspec: { hostPath: { path: /nowhere }, accessModes: [ReadWriteOnce], capacity: { storage: 3Gi } }\n")
        .await;
    bed.until_ready("waiting").await;
}

#[tokio::test]
async fn a_claim_in_use_is_kept_until_its_pod_has_gone() {
    let bed = Bed::simulated().await;
    bed.apply(&claim("data", "", "1Mi")).await;
    bed.apply(&user("web-0", "data")).await;
    bed.until_ready("web-0").await;

    bed.api::<PersistentVolumeClaim>()
        .delete("data", &Default::default())
        .await
        .expect("deleted");
    let kept: PersistentVolumeClaim = bed.api().get("data").await.expect("still there");
    assert!(kept.metadata.deletion_timestamp.is_some());

    bed.api::<Pod>()
        .delete("web-0", &Default::default())
        .await
        .expect("deleted");
    bed.until_gone::<PersistentVolumeClaim>("data").await;
}

#[tokio::test]
async fn a_lazy_class_waits_for_a_pod_and_a_claim_grows() {
    let bed = Bed::simulated().await;
    bed.apply("apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: { name: lazy }\nprovisioner: any\nvolumeBindingMode: WaitForFirstConsumer\nallowVolumeExpansion: true\n")
        .await;
    bed.apply(&claim("data", "storageClassName: lazy", "1Gi"))
        .await;
    bed.told("data", "WaitForFirstConsumer").await;

    bed.apply(&user("web-0", "data")).await;
    bed.until_ready("web-0").await;

    let bigger = json!({ "spec": { "resources": { "requests": { "storage": "3Gi" } } } });
    bed.api::<PersistentVolumeClaim>()
        .patch("data", &PatchParams::default(), &Patch::Merge(bigger))
        .await
        .expect("patched");
    bed.until("data", "grown", |claim: &PersistentVolumeClaim| {
        let capacity = claim
            .status
            .as_ref()
            .and_then(|status| status.capacity.as_ref());
        capacity
            .and_then(|capacity| capacity.get("storage"))
            .is_some_and(|size| size.0 == "3Gi")
    })
    .await;
}

fn volume(name: &str, more: &str, spec: &str) -> String {
    format!(
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {{ name: {name}{more} }}\nspec: {{ hostPath: {{ path: /v/{name} }}, accessModes: [ReadWriteOnce], capacity: {{ storage: 1Gi }}, {spec} }}\n"
    )
}

async fn until_phase(bed: &Bed, name: &str, phase: &str) {
    let volumes: Api<PersistentVolume> = Api::all(bed.client.clone());
    let is = |volume: Option<&PersistentVolume>| {
        let status = volume.and_then(|volume| volume.status.as_ref());
        status.and_then(|status| status.phase.as_deref()) == Some(phase)
    };
    let waited = tokio::time::timeout(PATIENCE, await_condition(volumes, name, is)).await;
    waited
        .unwrap_or_else(|_| panic!("{name} does not become {phase}"))
        .expect("watched");
}

#[tokio::test]
async fn a_claim_chooses_its_volume_by_labels_by_name_and_by_class() {
    let bed = Bed::simulated().await;
    for (name, labels, spec) in [
        ("any", "", ""),
        ("fast", ", labels: { disk: fast, zone: a }", ""),
        ("slow", ", labels: { disk: slow, zone: a }", ""),
        ("named", "", ""),
        ("classy", "", "storageClassName: manual"),
        (
            "reserved",
            "",
            "claimRef: { namespace: default, name: owner }",
        ),
    ] {
        bed.apply(&volume(name, labels, spec)).await;
    }
    let none = "storageClassName: \"\"";
    for (name, more, expected) in [
        (
            "by-label",
            format!(
                "{none}\n  selector: {{ matchLabels: {{ zone: a }}, matchExpressions: [{{ key: disk, operator: NotIn, values: [fast] }}] }}"
            ),
            "slow",
        ),
        ("by-name", format!("{none}\n  volumeName: named"), "named"),
        ("by-class", "storageClassName: manual".to_owned(), "classy"),
        ("owner", none.to_owned(), "reserved"),
        ("the-rest", none.to_owned(), "any"),
    ] {
        bed.apply(&claim(name, &more, "1Gi")).await;
        let bound = bed.until(name, "bound", is_bound).await;
        assert_eq!(volume_of(&bound), expected, "{name}");
    }

    bed.apply(&claim(
        "too-late",
        &format!("{none}\n  volumeName: named"),
        "1Gi",
    ))
    .await;
    let told = bed.told("too-late", "FailedBinding").await;
    assert!(
        told.contains("already bound to a different claim"),
        "{told}"
    );
    bed.apply(&claim(
        "chooser",
        "storageClassName: local-path\n  selector: { matchLabels: { disk: none } }",
        "1Gi",
    ))
    .await;
    let told = bed.told("chooser", "ProvisioningFailed").await;
    assert!(told.contains("selector"), "{told}");
}

#[tokio::test]
async fn what_a_claim_leaves_behind_is_kept_or_taken_away_as_its_volume_says() {
    let bed = Bed::simulated().await;
    bed.apply("apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: { name: keeping }\nprovisioner: any\nreclaimPolicy: Retain\n")
        .await;
    let mut folders = Vec::new();
    for (name, class) in [("kept", "keeping"), ("gone", "nfs")] {
        bed.apply(&claim(name, &format!("storageClassName: {class}"), "1Mi"))
            .await;
        let volume = volume_of(&bed.until(name, "bound", is_bound).await);
        let folder = bed.path().join(format!("volumes/default-{name}-{volume}"));
        std::fs::write(folder.join("data"), "precious").expect("written");
        bed.api::<PersistentVolumeClaim>()
            .delete(name, &Default::default())
            .await
            .expect("deleted");
        folders.push((volume, folder));
    }
    let (kept, kept_folder) = &folders[0];
    let (gone, gone_folder) = &folders[1];
    until_phase(&bed, kept, "Released").await;
    assert!(kept_folder.join("data").exists());
    let volumes: Api<PersistentVolume> = Api::all(bed.client.clone());
    let is_gone = |volume: Option<&PersistentVolume>| volume.is_none();
    let waited = await_condition(volumes.clone(), gone, is_gone);
    let waited = tokio::time::timeout(PATIENCE, waited).await;
    waited.expect("it goes").expect("watched");
    assert!(!gone_folder.exists());

    // A released volume is nobody's until somebody takes the reference to its claim away.
    let freed = json!({ "spec": { "claimRef": null } });
    volumes
        .patch(kept, &PatchParams::default(), &Patch::Merge(freed))
        .await
        .expect("freed");
    until_phase(&bed, kept, "Available").await;
    bed.apply(&claim("again", "storageClassName: keeping", "1Mi"))
        .await;
    let again = volume_of(&bed.until("again", "bound", is_bound).await);
    assert_eq!(again, *kept);
}
