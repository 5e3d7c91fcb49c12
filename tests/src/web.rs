//! Plain HTTP to a pod's address, as `curl` would do it.

use std::io::ErrorKind;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The body of `GET http://address:port/path`.
pub async fn get(address: &str, port: u16, path: &str) -> Result<String> {
    ask(address, port, "GET", path, "").await
}

/// The answer to `POST http://address:port/path`.
pub async fn post(address: &str, port: u16, path: &str, body: &str) -> Result<String> {
    ask(address, port, "POST", path, body).await
}

/// As `curl --retry-connrefused`: a pod without a readiness probe counts as ready before its program listens.
async fn connect(address: &str, port: u16) -> std::io::Result<TcpStream> {
    loop {
        match TcpStream::connect((address, port)).await {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            connected => return connected,
        }
    }
}

async fn ask(address: &str, port: u16, method: &str, path: &str, body: &str) -> Result<String> {
    let exchange = async {
        let mut stream = connect(address, port).await?;
        let request = format!(
            "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = tokio::time::timeout(Duration::from_secs(20), exchange)
        .await
        .with_context(|| format!("{method} http://{address}:{port}{path} took too long"))?
        .with_context(|| format!("{method} http://{address}:{port}{path}"))?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").context("no HTTP answer")?;
    let status = head.split_whitespace().nth(1).unwrap_or_default();
    if !status.starts_with('2') {
        bail!("{method} http://{address}:{port}{path} answered {status}");
    }
    Ok(body.to_owned())
}
