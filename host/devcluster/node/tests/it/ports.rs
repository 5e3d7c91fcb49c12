//! Ports of pods, as kube forwards them: what reaches a member from outside of its network.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::bed::{Bed, PATIENCE};
use crate::kubectl::SITE;

/// The pod of [`SITE`] serves port 80 and nothing else.
pub(crate) async fn a_port_answers_and_another_says_why_not(pods: &Api<Pod>) {
    let asking = async {
        let mut forwarded = pods
            .portforward("site", &[80, 81])
            .await
            .expect("ports are forwarded");
        let mut web = forwarded.take_stream(80).expect("a stream");
        let refused = forwarded.take_error(81).expect("an error");
        web.write_all(b"GET / HTTP/1.1\r\nHost: site\r\nConnection: close\r\n\r\n")
            .await
            .expect("asked");
        let mut page = String::new();
        web.read_to_string(&mut page).await.expect("answered");
        assert!(page.contains("It works!"), "{page}");
        let told = refused.await.expect("told");
        assert!(
            told.starts_with("error forwarding port 81 to pod site")
                && told.contains("dial tcp 127."),
            "{told}"
        );
    };
    tokio::time::timeout(PATIENCE, asking)
        .await
        .expect("in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_answers_and_one_without_a_listener_says_so() {
    let bed = Bed::process().await;
    bed.apply(SITE).await;
    bed.until_ready("site").await;

    a_port_answers_and_another_says_why_not(&bed.api()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_does_not_run_has_no_ports() {
    let bed = Bed::process().await;
    bed.apply(&SITE.replace("image: httpd", "image: acme/unheard-of"))
        .await;
    bed.told("site", "Failed").await;

    let refused = bed.api::<Pod>().portforward("site", &[80]).await;

    assert!(refused.is_err());
}
