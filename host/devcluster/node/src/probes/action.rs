//! One probe: a command, an HTTP request or a connection.

use std::net::Ipv4Addr;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::{Container, HTTPGetAction, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::runtime::ContainerHandle;

/// How much of a command's output goes into a message.
const SHOWN: u64 = 512;

pub(crate) async fn probe(
    handle: &dyn ContainerHandle,
    container: &Container,
    probe: &Probe,
    address: Option<Ipv4Addr>,
) -> Result<(), String> {
    if let Some(exec) = &probe.exec {
        return command(handle, exec.command.as_deref().unwrap_or_default()).await;
    }
    if let Some(http) = &probe.http_get {
        return get(container, http, address).await;
    }
    if let Some(tcp) = &probe.tcp_socket {
        let host = host(tcp.host.as_deref(), address)?;
        return connect(&host, port(container, &tcp.port)?).await.map(drop);
    }
    Err("only exec, httpGet and tcpSocket probes are served by this node".to_owned())
}

/// Runs a command; its output goes into the message when it fails.
pub(crate) async fn command(
    handle: &dyn ContainerHandle,
    command: &[String],
) -> Result<(), String> {
    let mut session = handle
        .exec(command, false)
        .map_err(|error| error.to_string())?;
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let mut seen = (session.stdout).take(SHOWN);
    let mut seen_errors = (session.stderr).take(SHOWN);
    // Output that cannot be read is left out of the message.
    let _read = tokio::join!(
        seen.read_to_end(&mut stdout),
        seen_errors.read_to_end(&mut stderr)
    );
    drop(session.stdin.take());
    match session.exit.await {
        0 => Ok(()),
        code => {
            let said = if stderr.is_empty() { stdout } else { stderr };
            let said = String::from_utf8_lossy(&said);
            Err(format!("command exited with {code}: {}", said.trim_end()))
        }
    }
}

pub(crate) async fn get(
    container: &Container,
    action: &HTTPGetAction,
    address: Option<Ipv4Addr>,
) -> Result<(), String> {
    if action.scheme.as_deref() == Some("HTTPS") {
        return Err(
            "httpGet with scheme HTTPS is not served by this node; use tcpSocket or exec"
                .to_owned(),
        );
    }
    let (host, port) = (
        host(action.host.as_deref(), address)?,
        port(container, &action.port)?,
    );
    let stream = connect(&host, port).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    let path = action
        .path
        .as_deref()
        .filter(|path| !path.is_empty())
        .unwrap_or("/");
    let mut request = http::Request::get(path)
        .header(http::header::HOST, format!("{host}:{port}"))
        .header(http::header::USER_AGENT, "kube-probe");
    for header in action.http_headers.iter().flatten() {
        request = request.header(&header.name, &header.value);
    }
    let request = request
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let asking = async {
        sender
            .send_request(request)
            .await
            .map_err(|error| error.to_string())
    };
    let response = tokio::select! {
        response = asking => response?,
        // It ends before the answer only when the peer hangs up.
        ended = connection => return Err(ended.err().map_or_else(|| "connection closed".to_owned(), |error| error.to_string())),
    };
    let status = response.status();
    if status.is_success() || status.is_redirection() {
        Ok(())
    } else {
        Err(format!(
            "HTTP probe failed with statuscode: {}",
            status.as_u16()
        ))
    }
}

async fn connect(host: &str, port: u16) -> Result<TcpStream, String> {
    TcpStream::connect((host, port))
        .await
        .map_err(|error| format!("dial tcp {host}:{port}: {error}"))
}

fn host(named: Option<&str>, address: Option<Ipv4Addr>) -> Result<String, String> {
    named
        .filter(|host| !host.is_empty())
        .map(str::to_owned)
        .or_else(|| address.map(|address| address.to_string()))
        .ok_or_else(|| "the pod has no address yet".to_owned())
}

fn port(container: &Container, port: &IntOrString) -> Result<u16, String> {
    let number = match port {
        IntOrString::Int(number) => Some(*number),
        IntOrString::String(name) => container
            .ports
            .iter()
            .flatten()
            .find(|port| port.name.as_deref() == Some(name))
            .map(|port| port.container_port)
            .or_else(|| name.parse().ok()),
    };
    number
        .and_then(|number| u16::try_from(number).ok())
        .ok_or_else(|| format!("the container has no port {port:?}"))
}
