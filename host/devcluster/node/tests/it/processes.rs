//! Real processes; run as root.

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};

use crate::bed::Bed;

const WRITER: &str = r#"
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data }
spec:
  accessModes: [ReadWriteOnce]
  resources: { requests: { storage: 1Mi } }
---
apiVersion: v1
kind: Pod
metadata: { name: writer-0 }
spec:
  terminationGracePeriodSeconds: 5
  containers:
  - name: main
    image: busybox
    command: [sh, -c, "hostname > /data/name; touch /etc/only-here; echo said; sleep 1000"]
    readinessProbe: { exec: { command: [test, -s, /data/name] }, periodSeconds: 1 }
    volumeMounts: [{ name: data, mountPath: /data }]
  volumes: [{ name: data, persistentVolumeClaim: { claimName: data } }]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_writes_its_hostname_into_its_claim() {
    let bed = Bed::process().await;

    bed.apply(WRITER).await;
    bed.until_ready("writer-0").await;

    let claim: PersistentVolumeClaim = bed.api().get("data").await.expect("the claim");
    let volume = claim.spec.and_then(|spec| spec.volume_name).expect("bound");
    let file = bed
        .path()
        .join("volumes")
        .join(format!("default-data-{volume}/name"));
    assert_eq!(
        std::fs::read_to_string(file).expect("the file"),
        "writer-0\n"
    );
    assert!(!std::path::Path::new("/etc/only-here").exists());

    bed.api::<Pod>()
        .delete("writer-0", &Default::default())
        .await
        .expect("deleted");
    bed.until_gone::<Pod>("writer-0").await;
}
