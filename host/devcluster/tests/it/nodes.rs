//! What the API asks of a pod's node: exec and logs. The node here is a small server that tells what it was asked.

use std::convert::Infallible;

use anyhow::Result;
use http::{Request, Response, header};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::{Node, Pod, Secret};
use kube::api::{AttachParams, LogParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::json;
use stateward_devcluster::{Cluster, ServeOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{pod, refused};

/// Answers a log request with its own path and token, and an upgrade with the echo of one frame.
async fn node(mut request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let asked = request.uri().to_string();
    let token = request.headers()[header::AUTHORIZATION]
        .to_str()
        .unwrap()
        .to_owned();
    if !request.headers().contains_key(header::UPGRADE) {
        return Ok(Response::new(Full::from(format!("{asked} {token}"))));
    }
    let key = request.headers()["sec-websocket-key"].as_bytes().to_vec();
    tokio::spawn(async move {
        let upgraded = hyper::upgrade::on(&mut request).await.unwrap();
        let mut stream = TokioIo::new(upgraded);
        // One unmasked binary frame on channel 1 (standard output), then the status on channel 3, then the close.
        let status = json!({"status": "Success"}).to_string();
        for (channel, text) in [(1_u8, asked.as_str()), (3, status.as_str())] {
            let length = u8::try_from(text.len() + 1).unwrap();
            assert!(length < 126);
            stream.write_all(&[0x82, length, channel]).await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
        }
        stream.write_all(&[0x88, 2, 0x03, 0xe8]).await.unwrap();
        stream.flush().await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let response = Response::builder()
        .status(101)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header("sec-websocket-protocol", "v5.channel.k8s.io")
        .header("sec-websocket-accept", accept_key(&key))
        .body(Full::default());
    Ok(response.unwrap())
}

fn accept_key(key: &[u8]) -> String {
    tokio_tungstenite::tungstenite::handshake::derive_accept_key(key)
}

struct Bed {
    cluster: Cluster,
    server: JoinHandle<()>,
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A cluster with the pod `web-0` on a node.
async fn bed() -> Result<Bed> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let server = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(node))
                .with_upgrades();
            tokio::spawn(connection);
        }
    });
    let cluster = Cluster::in_memory();
    let client = cluster.client("default");
    let nodes: Api<Node> = Api::all(client.clone());
    let wanted = json!({
        "metadata": {"name": "n1"},
        "status": {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        },
    });
    nodes
        .create(&PostParams::default(), &serde_json::from_value(wanted)?)
        .await?;
    let secrets: Api<Secret> = Api::namespaced(client.clone(), "kube-system");
    let wanted = json!({
        "metadata": {"name": "stateward-node-token"},
        "stringData": {"token": "sesame"},
    });
    secrets
        .create(&PostParams::default(), &serde_json::from_value(wanted)?)
        .await?;
    let pods: Api<Pod> = Api::default_namespaced(client);
    pods.create(&PostParams::default(), &pod("web-0", "n1"))
        .await?;
    Ok(Bed { cluster, server })
}

async fn exec(client: Client) -> Result<String> {
    let pods: Api<Pod> = Api::default_namespaced(client);
    let params = AttachParams::default().stderr(false);
    let mut process = pods.exec("web-0", ["echo", "a b"], &params).await?;
    let mut told = String::new();
    process.stdout().unwrap().read_to_string(&mut told).await?;
    let status = process.take_status().unwrap().await;
    assert_eq!(
        status.and_then(|status| status.status).as_deref(),
        Some("Success")
    );
    Ok(told)
}

#[tokio::test]
async fn logs_come_from_the_node_with_its_token() -> Result<()> {
    let bed = bed().await?;
    let pods: Api<Pod> = Api::default_namespaced(bed.cluster.client("default"));
    let params = LogParams {
        tail_lines: Some(3),
        ..Default::default()
    };

    let told = pods.logs("web-0", &params).await?;

    assert_eq!(
        told,
        "/containerLogs/default/web-0/main?tailLines=3 Bearer sesame"
    );
    Ok(())
}

#[tokio::test]
async fn exec_reaches_the_node_from_within_the_process() -> Result<()> {
    let bed = bed().await?;

    let told = exec(bed.cluster.client("default")).await?;

    assert_eq!(
        told,
        "/exec/default/web-0/main?command=echo&command=a+b&output=1"
    );
    Ok(())
}

#[tokio::test]
async fn exec_reaches_the_node_over_https() -> Result<()> {
    let bed = bed().await?;
    let stop = CancellationToken::new();
    let serving = bed
        .cluster
        .serve(ServeOptions::default(), stop.clone())
        .await?;
    let kubeconfig = Kubeconfig::from_yaml(&serving.kubeconfig_yaml)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;

    let told = exec(Client::try_from(config)?).await?;

    assert!(told.starts_with("/exec/default/web-0/main?"), "{told}");
    stop.cancel();
    serving.stopped().await;
    Ok(())
}

#[tokio::test]
async fn a_pod_without_a_node_has_no_logs() -> Result<()> {
    let bed = bed().await?;
    let pods: Api<Pod> = Api::default_namespaced(bed.cluster.client("default"));
    pods.create(&PostParams::default(), &pod("web-1", ""))
        .await?;

    let status = refused(pods.logs("web-1", &LogParams::default()).await);

    assert_eq!(status.message, "pod web-1 does not have a host assigned");
    Ok(())
}
