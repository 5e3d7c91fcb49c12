//! The API over HTTPS.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use futures::TryStreamExt;
use http::Request;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{PostParams, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use stateward_devcluster::{Cluster, ServeOptions, Serving};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
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

/// Time stands still but for the waits: what takes a server half a minute takes the test none.
#[tokio::test(start_paused = true)]
async fn who_only_drips_is_hung_up_on() -> Result<()> {
    let served = Served::start().await?;
    let address = served.serving.address;

    let mut silent = TcpStream::connect(address).await?;
    silent.write_all(b"\x16\x03\x01").await?;
    let mut heard = Vec::new();
    // An end of the stream or a reset: both are an end.
    let _ = silent.read_to_end(&mut heard).await;
    assert!(heard.len() < 16, "{heard:?}");

    const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let drips: [(&str, &[u8], &[u8]); 4] = [
        ("http/1.1", b"GET /version HTTP/1.1\r\nHost: a\r\nX: ", b"x"),
        ("http/1.1", b"", b""),
        ("h2", GREETING, b"\0"),
        ("h2", b"", b""),
    ];
    for (protocol, first, then) in drips {
        let mut dripping = over_tls(&served, protocol).await?;
        let (mut reading, mut writing) = tokio::io::split(&mut dripping);
        let mut heard = Vec::new();
        let drip = async {
            for byte in first.iter().chain(then.iter().cycle()) {
                if writing.write_all(&[*byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            // Who says nothing at all waits for the other.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            () = drip => {}
            _ = reading.read_to_end(&mut heard) => {}
        }
        let heard = String::from_utf8_lossy(&heard);
        assert!(!heard.contains(" 200 "), "{protocol}: {heard}");
    }

    assert_eq!(served.client().await?.apiserver_version().await?.major, "1");
    served.end().await;
    Ok(())
}

#[tokio::test]
async fn a_flood_of_aborted_requests_ends_its_connection_and_no_other() -> Result<()> {
    let served = Served::start().await?;
    let mut flood = over_tls(&served, "h2").await?;
    flood
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await?;
    let mut heard = Vec::new();
    let (mut reading, mut writing) = tokio::io::split(&mut flood);
    let aborted = async {
        for stream in (1_u32..20_001).step_by(2) {
            let id = stream.to_be_bytes();
            // GET, https, `/`: all from the static table; and at once no more of it.
            let open = [&[0, 0, 3, 1, 5][..], &id, &[0x82, 0x87, 0x84]].concat();
            let abort = [&[0, 0, 4, 3, 0][..], &id, &[0, 0, 0, 8]].concat();
            if writing.write_all(&[open, abort].concat()).await.is_err() {
                break;
            }
        }
        let _ = writing.shutdown().await;
    };
    let _ = tokio::join!(aborted, reading.read_to_end(&mut heard));

    assert_eq!(served.client().await?.apiserver_version().await?.major, "1");
    served.end().await;
    Ok(())
}

/// A connection as a client makes it that says everything by itself.
async fn over_tls(served: &Served, protocol: &str) -> Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    for root in served.config().await?.root_cert.unwrap_or_default() {
        roots.add(root.into())?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let address = served.serving.address;
    let stream = TcpStream::connect(address).await?;
    let connector = TlsConnector::from(Arc::new(config));
    Ok(connector.connect(address.ip().into(), stream).await?)
}
