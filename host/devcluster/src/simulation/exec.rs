//! Programs in pods, answered by a function: no node, no socket, and so no time.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use crate::api::{Body, BoxError};
use crate::in_process;

/// A program that somebody starts in a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// The namespace of the pod.
    pub namespace: String,
    /// The name of the pod.
    pub pod: String,
    /// The program and its arguments.
    pub argv: Vec<String>,
}

/// How it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exited {
    /// The exit code.
    pub code: i32,
    /// What it wrote.
    pub stdout: String,
}

pub(super) type Members = Arc<dyn Fn(Started) -> Exited + Send + Sync>;

const PROTOCOL: &str = "v5.channel.k8s.io";
const STDOUT: u8 = 1;
const STATUS: u8 = 3;

/// The words of the command in a query.
pub(super) fn argv(query: &str) -> Vec<String> {
    form_urlencoded::parse(query.as_bytes())
        .filter(|(key, _)| key == "command")
        .map(|(_, word)| word.into_owned())
        .collect()
}

/// Runs the program, and answers as a node does: over a WebSocket, here one that stays in memory.
pub(super) async fn answer(
    members: Members,
    request: Request<kube::client::Body>,
) -> Result<Response<Body>, BoxError> {
    let mut parts = request.uri().path().split('/').skip(4);
    let namespace = parts.next().unwrap_or_default().to_owned();
    let pod = parts.nth(1).unwrap_or_default().to_owned();
    let started = Started {
        namespace,
        pod,
        argv: argv(request.uri().query().unwrap_or_default()),
    };
    let exited = members(started);
    let answered = in_process::upgrade(request, move |request| {
        let response = switch(request, exited.clone());
        async move { Ok::<_, Infallible>(response) }
    });
    Ok(answered.await?)
}

fn switch(mut request: Request<Incoming>, exited: Exited) -> Response<Body> {
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY);
    let accept = key.map(|key| derive_accept_key(key.as_bytes()));
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(converse(upgrade, exited));
    let nothing = Empty::new().map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(nothing);
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(
        header::SEC_WEBSOCKET_PROTOCOL,
        HeaderValue::from_static(PROTOCOL),
    );
    if let Some(Ok(accept)) = accept.map(HeaderValue::try_from) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

async fn converse(upgrade: OnUpgrade, exited: Exited) {
    let upgraded: Upgraded = match upgrade.await {
        Ok(upgraded) => upgraded,
        Err(error) => {
            tracing::debug!(%error, "the upgrade was not completed");
            return;
        }
    };
    let mut socket =
        WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
    let status = match exited.code {
        0 => json!({ "metadata": {}, "status": "Success" }),
        code => json!({
            "metadata": {}, "status": "Failure", "reason": "NonZeroExitCode",
            "message": format!("command terminated with non-zero exit code: exit status {code}"),
            "details": { "causes": [{ "reason": "ExitCode", "message": code.to_string() }] },
        }),
    };
    let end = CloseFrame {
        code: CloseCode::Normal,
        reason: "".into(),
    };
    let messages = [
        framed(STDOUT, exited.stdout.as_bytes()),
        framed(STATUS, status.to_string().as_bytes()),
        Message::Close(Some(end)),
    ];
    for message in messages {
        if socket.send(message).await.is_err() {
            return;
        }
    }
    // The client answers the close.
    while let Some(Ok(_)) = socket.next().await {}
}

fn framed(channel: u8, bytes: &[u8]) -> Message {
    let mut message = Vec::with_capacity(bytes.len() + 1);
    message.push(channel);
    message.extend_from_slice(bytes);
    Message::Binary(Bytes::from(message))
}
