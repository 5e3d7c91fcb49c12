//! The API over HTTPS.

use anyhow::Result;
use futures::TryStreamExt;
use http::Request;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{PostParams, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::Value;
use stateward_devcluster::{Cluster, ServeOptions, Serving};
use tokio_util::sync::CancellationToken;

use crate::{config_map, refused};

struct Served {
    serving: Serving,
    stop: CancellationToken,
}

impl Served {
    async fn start() -> Result<Self> {
        let stop = CancellationToken::new();
        let cluster = Cluster::in_memory();
        let serving = cluster.serve(ServeOptions::default(), stop.clone()).await?;
        Ok(Self { serving, stop })
    }

    async fn config(&self) -> Result<Config> {
        let kubeconfig = Kubeconfig::from_yaml(&self.serving.kubeconfig_yaml)?;
        let options = KubeConfigOptions::default();
        let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
        config.default_retry = false;
        Ok(config)
    }

    async fn client(&self) -> Result<Client> {
        Ok(Client::try_from(self.config().await?)?)
    }

    async fn end(self) {
        self.stop.cancel();
        self.serving.stopped().await;
    }
}

#[tokio::test]
async fn the_kubeconfig_lets_a_client_in() -> Result<()> {
    let served = Served::start().await?;
    let client = served.client().await?;
    assert!(served.serving.address.ip().is_loopback());
    let api: Api<ConfigMap> = Api::default_namespaced(client.clone());

    let events = api.watch(&WatchParams::default(), "0").await?;
    api.create(&PostParams::default(), &config_map("one"))
        .await?;
    let seen = std::pin::pin!(events).try_next().await?;

    assert!(seen.is_some());
    assert_eq!(client.apiserver_version().await?.minor, "37");
    served.end().await;
    Ok(())
}

#[tokio::test]
async fn nobody_else_is_let_in() -> Result<()> {
    let served = Served::start().await?;
    let mut config = served.config().await?;
    config.auth_info.token = Some("guessed".to_owned().into());
    let client = Client::try_from(config)?;
    let api: Api<ConfigMap> = Api::default_namespaced(client.clone());

    let status = refused(api.get("one").await);
    let health = client
        .request_text(Request::get("/readyz").body(Vec::new())?)
        .await?;

    assert_eq!((status.code, status.reason.as_str()), (401, "Unauthorized"));
    assert_eq!(health, "ok");
    served.end().await;
    Ok(())
}

#[tokio::test]
async fn garbage_is_answered_and_the_server_lives_on() -> Result<()> {
    let served = Served::start().await?;
    let client = served.client().await?;
    let maps = "/api/v1/namespaces/default/configmaps";
    let json = "application/json";
    let big = format!("{{\"data\": \"{}\"}}", "x".repeat(3 * 1024 * 1024));
    let cases: Vec<(&str, String, &str, Vec<u8>, u16)> = vec![
        ("GET", "/api/v1/../etc/passwd".into(), json, vec![], 404),
        ("GET", "/nonsense".into(), json, vec![], 404),
        ("GET", format!("{maps}?limit=many"), json, vec![], 400),
        (
            "GET",
            format!("{maps}?labelSelector=a%20b%20c"),
            json,
            vec![],
            400,
        ),
        (
            "GET",
            format!("{maps}?resourceVersion=99999999"),
            json,
            vec![],
            504,
        ),
        (
            "GET",
            format!("{maps}?continue=nonsense"),
            json,
            vec![],
            400,
        ),
        ("POST", maps.into(), json, b"{not json".to_vec(), 400),
        ("POST", maps.into(), json, b"[1]".to_vec(), 400),
        ("POST", maps.into(), json, b"\"text\"".to_vec(), 400),
        (
            "POST",
            maps.into(),
            json,
            b"{\"kind\":\"Pod\",\"apiVersion\":\"v1\"}".to_vec(),
            400,
        ),
        ("POST", maps.into(), json, big.into_bytes(), 413),
        (
            "POST",
            maps.into(),
            "application/vnd.kubernetes.protobuf",
            b"k8s\0\xff\xff".to_vec(),
            400,
        ),
        ("PATCH", format!("{maps}/a"), json, b"{}".to_vec(), 415),
        ("PUT", maps.into(), json, b"{}".to_vec(), 405),
        ("BREW", maps.into(), json, vec![], 405),
        ("POST", format!("{maps}/a/exec"), json, vec![], 404),
    ];
    for (method, path, content_type, body, code) in cases {
        let request = Request::builder()
            .method(method)
            .uri(&path)
            .header("content-type", content_type)
            .body(body)?;

        let status = refused(client.request::<Value>(request).await);

        assert_eq!(status.code, code, "{method} {path}: {}", status.message);
    }
    assert_eq!(client.apiserver_version().await?.major, "1");
    served.end().await;
    Ok(())
}
