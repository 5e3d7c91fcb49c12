//! What exec and port forwarding share: the switch to WebSocket, and messages that begin with the number of a channel.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use super::{Answer, text};

/// How long a client may take to answer a close.
const PATIENCE: Duration = Duration::from_secs(5);

/// Messages that wait for the client; whoever writes more waits, too.
const UNSENT: usize = 64;

pub(super) type Socket = WebSocketStream<TokioIo<Upgraded>>;
pub(super) type FromClient = SplitStream<Socket>;

/// The protocol to speak: the first of ours that the client offers.
pub(super) fn chosen(request: &Request<Incoming>, ours: &[&'static str]) -> Option<&'static str> {
    let offered = request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL);
    first_of(ours, offered.iter().filter_map(|value| value.to_str().ok()))
}

fn first_of<'a>(
    ours: &[&'static str],
    offered: impl Iterator<Item = &'a str>,
) -> Option<&'static str> {
    let offered: Vec<&str> = offered
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .collect();
    ours.iter()
        .copied()
        .find(|protocol| offered.contains(protocol))
}

/// Switches to WebSocket; the conversation goes on beside.
pub(super) fn switch<F>(
    mut request: Request<Incoming>,
    protocol: &'static str,
    conversation: impl FnOnce(Socket) -> F + Send + 'static,
) -> Answer
where
    F: Future<Output = ()> + Send,
{
    let Some(key) = request.headers().get(header::SEC_WEBSOCKET_KEY) else {
        return text(
            StatusCode::BAD_REQUEST,
            "this is served over WebSocket; the request does not ask to upgrade",
        );
    };
    let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) else {
        return text(StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is malformed");
    };
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        match upgrade.await {
            Ok(upgraded) => {
                let upgraded = TokioIo::new(upgraded);
                conversation(WebSocketStream::from_raw_socket(upgraded, Role::Server, None).await)
                    .await;
            }
            Err(error) => tracing::debug!(%error, "connection not upgraded"),
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

/// Runs a conversation that reads from the client and writes messages, then closes the socket in good order.
pub(super) async fn converse(
    socket: Socket,
    conversation: impl AsyncFnOnce(&mut FromClient, mpsc::Sender<Message>),
) {
    let (mut to_client, mut from_client) = socket.split();
    let (messages, outgoing) = mpsc::channel(UNSENT);
    tokio::join!(
        send_all(&mut to_client, outgoing),
        conversation(&mut from_client, messages)
    );
    // The client answers the close; hanging up before could cut off what it has not read yet.
    let closing = async { while let Some(Ok(_)) = from_client.next().await {} };
    let _impolite = tokio::time::timeout(PATIENCE, closing).await;
}

/// Until nobody can write any more, or the client is gone.
async fn send_all(
    to_client: &mut SplitSink<Socket, Message>,
    mut outgoing: mpsc::Receiver<Message>,
) {
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
}

/// The next bytes of the client; `None` when it is gone.
pub(super) async fn next_bytes(from_client: &mut FromClient) -> Option<Bytes> {
    while let Some(Ok(message)) = from_client.next().await {
        match message {
            Message::Binary(bytes) => return Some(bytes),
            Message::Close(_) => return None,
            _ => {}
        }
    }
    None
}

/// Copies a stream into messages of a channel until it ends or the client is gone.
pub(super) async fn copy(
    channel: u8,
    mut output: impl AsyncRead + Unpin,
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

pub(super) fn framed(channel: u8, bytes: &[u8]) -> Message {
    let mut message = BytesMut::with_capacity(bytes.len() + 1);
    message.extend_from_slice(&[channel]);
    message.extend_from_slice(bytes);
    Message::Binary(Bytes::from(message))
}

#[cfg(test)]
mod tests {
    use super::first_of;

    #[test]
    fn the_newest_protocol_that_both_know_is_chosen() {
        let ours = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
        for (offered, chosen) in [
            (
                "v4.channel.k8s.io, v5.channel.k8s.io",
                Some("v5.channel.k8s.io"),
            ),
            ("v4.channel.k8s.io", Some("v4.channel.k8s.io")),
            ("v3.channel.k8s.io", None),
        ] {
            assert_eq!(first_of(&ours, [offered].into_iter()), chosen);
        }
    }
}
