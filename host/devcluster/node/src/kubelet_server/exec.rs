//! Running a command in a container for a client.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::{SinkExt, StreamExt};
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use super::channels::{self, CLOSE, ERROR, STDERR, STDIN, STDOUT};
use super::query::Query;
use super::{Answer, text};
use crate::pods::directory::Entry;
use crate::runtime::ExecSession;

/// How long a client may take to answer a close.
const PATIENCE: Duration = Duration::from_secs(5);

type Stdin = Option<Box<dyn AsyncWrite + Send + Unpin>>;

/// Switches to WebSocket and runs the command there.
pub(super) fn answer(mut request: Request<Incoming>, entry: Entry, query: &Query) -> Answer {
    let Some(key) = request.headers().get(header::SEC_WEBSOCKET_KEY).cloned() else {
        return text(
            StatusCode::BAD_REQUEST,
            "exec is served over WebSocket; this request does not ask to upgrade",
        );
    };
    let offered = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let Some(protocol) = channels::chosen(offered.iter().filter_map(|value| value.to_str().ok()))
    else {
        return text(
            StatusCode::BAD_REQUEST,
            "exec is served with v5.channel.k8s.io and v4.channel.k8s.io",
        );
    };
    let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) else {
        return text(StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is malformed");
    };
    let command = query.all("command");
    let session = match entry.handle {
        _ if command.is_empty() => Err("no command is given".to_owned()),
        Some(handle) => handle
            .exec(&command, query.is_set("input"))
            .map_err(|error| error.to_string()),
        None => Err("the container is not running".to_owned()),
    };
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        match upgrade.await {
            Ok(upgraded) => converse(upgraded, session).await,
            Err(error) => tracing::debug!(%error, "exec: connection not upgraded"),
        }
    });
    let mut answer = Response::new(Empty::new().boxed());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    headers.insert(
        header::SEC_WEBSOCKET_PROTOCOL,
        HeaderValue::from_static(protocol),
    );
    answer
}

async fn converse(upgraded: Upgraded, session: Result<ExecSession, String>) {
    let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
    let (mut to_client, mut from_client) = socket.split();
    let (messages, mut outgoing) = mpsc::channel::<Message>(64);
    let writing = async {
        while let Some(message) = outgoing.recv().await {
            if to_client.send(message).await.is_err() {
                return;
            }
        }
        // kubectl takes a close without a code for a failure.
        let end = CloseFrame {
            code: CloseCode::Normal,
            reason: "".into(),
        };
        let _client_is_gone = to_client.send(Message::Close(Some(end))).await;
    };
    let running = async {
        let outcome = match session {
            Err(message) => channels::failure(&message),
            Ok(session) => run(session, &mut from_client, &messages).await,
        };
        let _client_is_gone = messages
            .send(framed(ERROR, outcome.to_string().as_bytes()))
            .await;
        drop(messages);
    };
    tokio::join!(writing, running);
    // The client answers the close; hanging up before could cut off what it has not read yet.
    let closing = async { while let Some(Ok(_)) = from_client.next().await {} };
    let _impolite = tokio::time::timeout(PATIENCE, closing).await;
}

/// Until the command ended and all of its output is on the way, or the client is gone.
async fn run(
    session: ExecSession,
    from_client: &mut (impl StreamExt<Item = tokio_tungstenite::tungstenite::Result<Message>> + Unpin),
    messages: &mpsc::Sender<Message>,
) -> Value {
    let ExecSession {
        stdin,
        stdout,
        stderr,
        exit,
    } = session;
    let output = async {
        tokio::join!(
            copy(STDOUT, stdout, messages.clone()),
            copy(STDERR, stderr, messages.clone()),
        );
        exit.await
    };
    tokio::select! {
        code = output => channels::outcome(code),
        () = feed(stdin, from_client) => channels::failure("the client went before the command ended"),
    }
}

async fn copy(
    channel: u8,
    mut output: Box<dyn AsyncRead + Send + Unpin>,
    messages: mpsc::Sender<Message>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = output.read(&mut buffer).await {
        let bytes = buffer.get(..length).unwrap_or_default();
        if messages.send(framed(channel, bytes)).await.is_err() {
            return;
        }
    }
}

fn framed(channel: u8, bytes: &[u8]) -> Message {
    let mut message = BytesMut::with_capacity(bytes.len() + 1);
    message.extend_from_slice(&[channel]);
    message.extend_from_slice(bytes);
    Message::Binary(Bytes::from(message))
}

/// Gives the command its input; ends only when the client is gone.
async fn feed(
    mut stdin: Stdin,
    from_client: &mut (impl StreamExt<Item = tokio_tungstenite::tungstenite::Result<Message>> + Unpin),
) {
    while let Some(Ok(message)) = from_client.next().await {
        let bytes = match message {
            Message::Binary(bytes) => bytes,
            Message::Close(_) => return,
            _ => continue,
        };
        match bytes.split_first() {
            Some((&STDIN, input)) => {
                if let Some(open) = &mut stdin {
                    let written = async {
                        open.write_all(input).await?;
                        open.flush().await
                    };
                    // A command that reads no further goes on without this input.
                    if written.await.is_err() {
                        stdin = None;
                    }
                }
            }
            Some((&CLOSE, [STDIN, ..])) => stdin = None,
            _ => {}
        }
    }
}
