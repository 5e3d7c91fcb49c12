//! Health and metrics.

use std::net::{SocketAddr, TcpListener};

use stateward_operator::{Admission, CalledAt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::bed::{Bed, app};

pub(crate) async fn get(address: SocketAddr, path: &str) -> Result<String, String> {
    let mut stream = TcpStream::connect(address)
        .await
        .map_err(|error| error.to_string())?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .map_err(|error| error.to_string())?;
    let mut text = String::new();
    stream
        .read_to_string(&mut text)
        .await
        .map_err(|error| error.to_string())?;
    Ok(text)
}

/// Where nobody listens.
pub(crate) fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_tells_its_health_and_its_figures() {
    let bed = Bed::without_operator().await;
    let address = free_address();
    let mut options = bed.options();
    options.metrics = Some(address);
    let stop = CancellationToken::new();
    let operator = tokio::spawn(stateward_operator::run(options, stop.clone()));
    bed.create(app("StatefulApp", "web", 1)).await;
    bed.until_settled("StatefulApp", "web", 1).await;
    assert!(
        get(address, "/healthz")
            .await
            .unwrap()
            .starts_with("HTTP/1.1 200")
    );
    assert!(
        get(address, "/readyz")
            .await
            .unwrap()
            .starts_with("HTTP/1.1 200")
    );
    assert!(
        get(address, "/nothing")
            .await
            .unwrap()
            .starts_with("HTTP/1.1 404")
    );
    let metrics = get(address, "/metrics").await.unwrap();
    for expected in [
        "stateward_steps_total{step=\"create-pod\",result=\"done\"} 1",
        "stateward_reconciles_total{kind=\"StatefulApp\"}",
        "stateward_status_writes_total{result=\"written\"}",
        "stateward_apps 1",
    ] {
        assert!(
            metrics.contains(expected),
            "{expected} is missing in {metrics}"
        );
    }
    stop.cancel();
    operator.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn given_an_api_server_that_knows_no_webhooks_then_the_operator_manages_apps_all_the_same() {
    let bed = Bed::without_operator().await;
    let mut options = bed.options();
    options.admission = Some(Admission {
        listen: free_address(),
        called_at: CalledAt::Address,
    });
    let stop = CancellationToken::new();
    let operator = tokio::spawn(stateward_operator::run(options, stop.clone()));
    bed.create(app("StatefulApp", "web", 1)).await;
    bed.until_settled("StatefulApp", "web", 1).await;
    stop.cancel();
    operator.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_address_for_admission_that_is_taken_is_told() {
    let bed = Bed::without_operator().await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut options = bed.options();
    options.admission = Some(Admission {
        listen: taken.local_addr().unwrap(),
        called_at: CalledAt::Address,
    });
    let end = stateward_operator::run(options, CancellationToken::new()).await;
    let error = end.unwrap_err();
    assert_eq!(error.reason(), "AddressUnusable");
    let text = error.to_string();
    assert!(text.contains("for the admission of StatefulApps"), "{text}");
}
