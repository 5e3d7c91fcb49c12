//! What `kubectl port-forward` speaks: SPDY frames in WebSocket messages. For every connection the client opens two
//! streams with one `requestID`: `error`, on which it never writes, and `data`.

use std::collections::HashMap;

use bytes::Bytes;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio_tungstenite::tungstenite::Message;

use super::spdy::{self, Frame, Frames, Malformed, Replies};
use super::{Target, UNWRITTEN, write_all};
use crate::kubelet_server::websocket::{self, FromClient};

type Messages = mpsc::Sender<Message>;

/// A connection, named after its `data` stream.
struct Connection {
    /// Dropped when the client has nothing more to say.
    input: Option<mpsc::Sender<Bytes>>,
    task: AbortHandle,
}

struct Tunnel {
    target: Target,
    messages: Messages,
    replies: Replies,
    /// By `requestID`: error streams whose data stream is still to come.
    errors: HashMap<String, u32>,
    connections: HashMap<u32, Connection>,
    tasks: JoinSet<()>,
}

/// Until the client is gone, or says what cannot be understood; all connections end then.
pub(super) async fn serve(from_client: &mut FromClient, messages: Messages, target: Target) {
    let mut tunnel = Tunnel {
        target,
        messages,
        replies: Replies::default(),
        errors: HashMap::new(),
        connections: HashMap::new(),
        tasks: JoinSet::new(),
    };
    if let Err(error) = tunnel.run(from_client).await {
        tracing::debug!(%error, "a tunnel of forwarded ports is cut");
    }
}

impl Tunnel {
    async fn run(&mut self, from_client: &mut FromClient) -> Result<(), Malformed> {
        let mut frames = Frames::default();
        while let Some(bytes) = websocket::next_bytes(from_client).await {
            frames.add(&bytes);
            while let Some(frame) = frames.next()? {
                if frame == Frame::GoAway {
                    return Ok(());
                }
                self.take(frame).await;
            }
        }
        Ok(())
    }

    async fn take(&mut self, frame: Frame) {
        match frame {
            Frame::Open {
                stream,
                headers,
                is_finished,
            } => {
                send(&self.messages, self.replies.accept(stream)).await;
                self.open(stream, &headers);
                if is_finished {
                    self.finish(stream);
                }
            }
            Frame::Data {
                stream,
                bytes,
                is_finished,
            } => {
                let connection = self.connections.get(&stream);
                if let Some(input) = connection.and_then(|connection| connection.input.as_ref()) {
                    // A connection that has ended takes nothing.
                    let _ended = input.send(bytes).await;
                }
                if is_finished {
                    self.finish(stream);
                }
            }
            Frame::Reset { stream } => {
                if let Some(connection) = self.connections.remove(&stream) {
                    connection.task.abort();
                }
            }
            Frame::Ping(ping) => send(&self.messages, spdy::pong(&ping)).await,
            Frame::GoAway | Frame::Other => {}
        }
    }

    fn open(&mut self, stream: u32, headers: &[(String, String)]) {
        while self.tasks.try_join_next().is_some() {}
        self.connections
            .retain(|_, connection| !connection.task.is_finished());
        let header = |name: &str| {
            let found = headers.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let request = header("requestid");
        if header("streamtype") == "error" {
            self.errors.insert(request, stream);
            return;
        }
        let error = self.errors.remove(&request);
        let port = header("port").parse().ok().filter(|port| *port > 0);
        let (input, received) = mpsc::channel(UNWRITTEN);
        let streams = Streams {
            data: stream,
            error,
            messages: self.messages.clone(),
        };
        let task = self
            .tasks
            .spawn(streams.forward(self.target.clone(), port, received));
        let input = Some(input);
        self.connections.insert(stream, Connection { input, task });
    }

    fn finish(&mut self, stream: u32) {
        if let Some(connection) = self.connections.get_mut(&stream) {
            connection.input = None;
        }
    }
}

/// The streams of one connection.
struct Streams {
    data: u32,
    error: Option<u32>,
    messages: Messages,
}

impl Streams {
    async fn forward(self, target: Target, port: Option<u16>, input: mpsc::Receiver<Bytes>) {
        let connected = match port {
            Some(port) => target.connect(port).await,
            None => Err("the stream names no port".to_owned()),
        };
        match connected {
            Ok(connection) => {
                let (from_pod, to_pod) = connection.into_split();
                tokio::select! {
                    () = self.copy(from_pod) => {}
                    () = write_all(input, to_pod) => {}
                }
            }
            Err(message) => {
                if let Some(error) = self.error {
                    send(&self.messages, spdy::data(error, message.as_bytes())).await;
                }
            }
        }
        for stream in self.error.into_iter().chain([self.data]) {
            send(&self.messages, spdy::end(stream)).await;
        }
    }

    async fn copy(&self, mut from_pod: impl AsyncReadExt + Unpin) {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(length @ 1..) = from_pod.read(&mut buffer).await {
            let bytes = buffer.get(..length).unwrap_or_default();
            send(&self.messages, spdy::data(self.data, bytes)).await;
        }
    }
}

async fn send(messages: &Messages, frame: Vec<u8>) {
    // The client is gone, which ends everything.
    let _gone = messages.send(Message::Binary(Bytes::from(frame))).await;
}
