//! One probe: a command, an HTTP request, a connection, a gRPC health check.

use std::net::Ipv4Addr;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::{Container, HTTPGetAction, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;

use super::{grpc, tls};
use crate::runtime::{ContainerHandle, Streams};

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
    if let Some(grpc) = &probe.grpc {
        let (host, port) = (
            host(None, address)?,
            port(container, &IntOrString::Int(grpc.port))?,
        );
        let service = grpc.service.as_deref().unwrap_or_default();
        let stream = connect(&host, port).await?;
        return grpc::check(stream, &format!("{host}:{port}"), service).await;
    }
    Err("the probe asks nothing: exec, httpGet, tcpSocket or grpc has to be given".to_owned())
}

/// Runs a command; its output goes into the message when it fails.
pub(crate) async fn command(
    handle: &dyn ContainerHandle,
    command: &[String],
) -> Result<(), String> {
    let mut session = handle
        .exec(command, Streams::Output)
        .await
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
    let (host, port) = (
        host(action.host.as_deref(), address)?,
        port(container, &action.port)?,
    );
    let stream = connect(&host, port).await?;
    let authority = format!("{host}:{port}");
    if action.scheme.as_deref() == Some("HTTPS") {
        let stream = tls::connect(&host, stream).await?;
        request(action, &authority, stream).await
    } else {
        request(action, &authority, stream).await
    }
}

async fn request(
    action: &HTTPGetAction,
    authority: &str,
    stream: impl AsyncRead + AsyncWrite + Unpin,
) -> Result<(), String> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    let path = action
        .path
        .as_deref()
        .filter(|path| !path.is_empty())
        .unwrap_or("/");
    let mut request = http::Request::get(path).header(http::header::USER_AGENT, "kube-probe");
    let own = || action.http_headers.iter().flatten();
    if !own().any(|header| header.name.eq_ignore_ascii_case("host")) {
        request = request.header(http::header::HOST, authority);
    }
    for header in own() {
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
    let mut asking = std::pin::pin!(asking);
    let response = tokio::select! {
        response = &mut asking => response?,
        // It may have ended with the answer, which is then there.
        ended = connection => {
            ended.map_err(|error| error.to_string())?;
            asking.await?
        }
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
