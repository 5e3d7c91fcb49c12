//! Logs, in cases that kubectl's own words do not reach (see `kubectl` for those).

use futures::AsyncBufReadExt;
use futures::TryStreamExt;
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;

use crate::bed::{Bed, PATIENCE, waiting};
use crate::kubectl::ENDLESS;

fn refusal(answer: kube::Result<String>) -> (u16, String) {
    match answer {
        Err(kube::Error::Api(status)) => (status.code, status.message),
        other => panic!("no refusal: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_waits_has_no_log_and_the_reason_is_told() {
    let bed = Bed::process().await;
    let pod = |name: &str, image: &str, more: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{ name: {name} }}\nspec:\n  containers: [{{ name: main, image: {image}, {more} }}]\n"
        )
    };
    let needs = "command: [sleep, \"1000\"], envFrom: [{ secretRef: { name: none } }]";
    bed.apply(&pod("unknown", "acme/unheard-of:3", "")).await;
    bed.apply(&pod("needy", "busybox", needs)).await;
    for (name, reason, told) in [
        (
            "unknown",
            "ImagePullBackOff",
            "trying and failing to pull image",
        ),
        (
            "needy",
            "CreateContainerConfigError",
            "CreateContainerConfigError",
        ),
    ] {
        bed.until(name, reason, |pod: &Pod| waiting(pod) == Some(reason))
            .await;
        let answer = bed.api::<Pod>().logs(name, &LogParams::default()).await;
        assert_eq!(
            refusal(answer),
            (
                400,
                format!("container \"main\" in pod \"{name}\" is waiting to start: {told}")
            )
        );
    }
}

/// While a container waits for its next start, its last run is the previous one and the one that is shown.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_container_in_back_off_is_current_and_previous() {
    let bed = Bed::process().await;
    bed.apply(
        r#"
apiVersion: v1
kind: Pod
metadata: { name: failing }
spec:
  containers:
  - name: main
    image: busybox
    command: [sh, -c, "echo run >> /kept/runs; cat /kept/runs; exit 1"]
    volumeMounts: [{ name: kept, mountPath: /kept }]
  volumes: [{ name: kept, emptyDir: {} }]
"#,
    )
    .await;
    bed.until("failing", "in back-off", |pod: &Pod| {
        waiting(pod) == Some("CrashLoopBackOff")
    })
    .await;

    for previous in [false, true] {
        let parameters = LogParams {
            previous,
            ..LogParams::default()
        };
        let log = bed.api::<Pod>().logs("failing", &parameters).await;
        assert_eq!(log.expect("a log"), "run\nrun\n", "previous: {previous}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_followed_log_ends_with_the_bytes_that_were_asked_for_and_with_its_pod() {
    let bed = Bed::process().await;
    bed.apply(ENDLESS).await;
    bed.until_ready("endless").await;
    let follow = |limit_bytes| LogParams {
        follow: true,
        limit_bytes,
        ..LogParams::default()
    };
    let reading = async {
        let limited = bed
            .api::<Pod>()
            .log_stream("endless", &follow(Some(20)))
            .await
            .expect("a log");
        let lines: Vec<String> = limited.lines().try_collect().await.expect("lines");
        assert_eq!(lines, ["again", "again", "again", "ag"]);

        let mut endless = bed
            .api::<Pod>()
            .log_stream("endless", &follow(None))
            .await
            .expect("a log")
            .lines();
        endless.try_next().await.expect("read").expect("a line");
        bed.api::<Pod>()
            .delete("endless", &Default::default())
            .await
            .expect("deleted");
        while endless.try_next().await.expect("read").is_some() {}
    };
    tokio::time::timeout(PATIENCE, reading)
        .await
        .expect("it ends");
}
