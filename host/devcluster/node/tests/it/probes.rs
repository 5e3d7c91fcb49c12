//! Probes, hooks and last words of containers that are processes.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{ContainerStateTerminated, Pod};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::bed::{Bed, PATIENCE, end, first_container, is_ready, restarts};

fn last_end(pod: &Pod) -> Option<ContainerStateTerminated> {
    first_container(pod)?
        .last_state
        .as_ref()?
        .terminated
        .clone()
}

/// A server with a certificate that nobody signed. It answers 200.
async fn https_server() -> u16 {
    let own =
        rcgen::generate_simple_self_signed(["example.test".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .expect("a configuration");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let mut seen = [0; 1024];
            let _read = stream.read(&mut seen).await;
            let _written = stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .await;
            let _closed = stream.shutdown().await;
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_over_https_asks_whether_it_answers_and_not_who_it_is() {
    let bed = Bed::process().await;
    let port = https_server().await;
    bed.apply(&format!(
        r#"
apiVersion: v1
kind: Pod
metadata: {{ name: secure }}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: busybox
    command: [sleep, "1000"]
    readinessProbe: {{ httpGet: {{ scheme: HTTPS, host: 127.0.0.1, port: {port} }}, periodSeconds: 1 }}
"#
    ))
    .await;
    bed.until_ready("secure").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn startup_comes_before_liveness_and_a_failed_liveness_restarts_with_its_last_words() {
    let bed = Bed::process().await;
    bed.apply(
        r#"
apiVersion: v1
kind: Pod
metadata: { name: sick }
spec:
  terminationGracePeriodSeconds: 5
  containers:
  - name: main
    image: busybox
    command: [sh, -c, "trap 'echo bye > /dev/termination-log; exit 3' TERM; echo start >> /kept/starts; touch /tmp/up; while :; do sleep 0.05; done"]
    startupProbe: { exec: { command: [test, -e, /tmp/up] }, periodSeconds: 1, failureThreshold: 100 }
    livenessProbe: { exec: { command: [sh, -c, "test ! -e /tmp/sick"] }, periodSeconds: 1, failureThreshold: 1 }
    volumeMounts: [{ name: kept, mountPath: /kept }]
  volumes: [{ name: kept, emptyDir: {} }]
"#,
    )
    .await;
    let started = bed.until_ready("sick").await;
    assert_eq!(restarts(&started), 0);

    bed.exec("sick", &["touch", "/tmp/sick"], "").await;

    let again = bed
        .until("sick", "restarted and ready", |pod: &Pod| {
            restarts(pod) == 1 && is_ready(pod)
        })
        .await;
    let end = last_end(&again).expect("it ended once");
    assert_eq!(
        (end.exit_code, end.reason.as_deref(), end.message.as_deref()),
        (3, Some("Error"), Some("bye\n"))
    );
    let starts = bed.exec("sick", &["cat", "/kept/starts"], "").await;
    assert_eq!(starts.stdout, "start\nstart\n");
    let told = bed.told("sick", "Unhealthy").await;
    assert!(told.starts_with("Liveness probe failed: "), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hook_that_fails_is_told_and_the_end_of_the_log_stands_in_for_last_words() {
    let bed = Bed::process().await;
    bed.apply(
        r#"
apiVersion: v1
kind: Pod
metadata: { name: hooked }
spec:
  terminationGracePeriodSeconds: 5
  restartPolicy: Never
  containers:
  - name: main
    image: busybox
    command: [sh, -c, "echo what went wrong; until test -e /tmp/end; do sleep 0.05; done; exit 4"]
    terminationMessagePolicy: FallbackToLogsOnError
  - name: beside
    image: busybox
    command: [sleep, "1000"]
    lifecycle: { preStop: { exec: { command: [sh, -c, "echo not now >&2; exit 1"] } } }
"#,
    )
    .await;
    bed.until_ready("hooked").await;

    bed.exec("hooked", &["touch", "/tmp/end"], "").await;
    let ended = bed
        .until("hooked", "its first container ended", |pod: &Pod| {
            end(pod).is_some()
        })
        .await;
    let end = end(&ended).expect("an end");
    assert_eq!(
        (end.exit_code, end.message.as_deref()),
        (4, Some("what went wrong"))
    );

    bed.api::<Pod>()
        .delete("hooked", &Default::default())
        .await
        .expect("deleted");
    let told = bed.told("hooked", "FailedPreStopHook").await;
    assert!(told.contains("not now"), "{told}");
    bed.until_gone::<Pod>("hooked").await;
}

/// Answers 200 to everything, and tells the paths.
async fn listener() -> (u16, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let (tell, told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut seen = [0; 1024];
            let length = stream.read(&mut seen).await.unwrap_or_default();
            let request = String::from_utf8_lossy(&seen[..length]);
            let path = request.split(' ').nth(1).unwrap_or_default();
            let _over = tell.send(path.to_owned());
            let _written = stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .await;
        }
    });
    (port, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_ask_over_http() {
    let bed = Bed::process().await;
    let (port, mut told) = listener().await;
    bed.apply(&format!(
        r#"
apiVersion: v1
kind: Pod
metadata: {{ name: hooked }}
spec:
  terminationGracePeriodSeconds: 30
  containers:
  - name: main
    image: busybox
    command: [sleep, "1000"]
    lifecycle:
      postStart: {{ httpGet: {{ host: 127.0.0.1, port: {port}, path: /started }} }}
      preStop: {{ httpGet: {{ host: 127.0.0.1, port: {port}, path: /stopping }} }}
"#
    ))
    .await;
    bed.until_ready("hooked").await;
    let mut next = async || {
        let path = tokio::time::timeout(PATIENCE, told.recv()).await;
        path.expect("asked in time").expect("a path")
    };
    assert_eq!(next().await, "/started");

    bed.api::<Pod>()
        .delete("hooked", &Default::default())
        .await
        .expect("deleted");

    assert_eq!(next().await, "/stopping");
    bed.until_gone::<Pod>("hooked").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_follows_what_a_page_answers() {
    let bed = Bed::process().await;
    bed.apply(
        r#"
apiVersion: v1
kind: Pod
metadata: { name: site }
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: httpd
    ports: [{ name: web, containerPort: 80 }]
    readinessProbe: { httpGet: { path: /ready.html, port: web }, periodSeconds: 1, failureThreshold: 1 }
"#,
    )
    .await;
    // A probe that comes before the server listens is refused, which is told, too.
    let told = (bed.told_with("site", "Unhealthy", "statuscode: 404")).await;
    assert!(told.starts_with("Readiness probe failed: "), "{told}");

    let folder = "/usr/local/apache2/htdocs";
    let script = |line: &str| format!("mkdir -p {folder} && cd {folder} && {line}");
    let made = script("touch ready.html");
    bed.exec("site", &["sh", "-c", &made], "").await;
    bed.until_ready("site").await;
    let moved = script("mv ready.html gone.html");
    bed.exec("site", &["sh", "-c", &moved], "").await;
    let unready = bed
        .until("site", "unready", |pod: &Pod| !is_ready(pod))
        .await;
    assert_eq!(restarts(&unready), 0);
}
