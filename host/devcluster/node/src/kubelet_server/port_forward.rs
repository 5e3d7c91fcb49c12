//! Connections to a pod's ports, over one WebSocket.
//!
//! | protocol | who speaks it | how connections are told apart |
//! |---|---|---|
//! | `v4.channel.k8s.io` | kube | one for each `port` of the query: a channel for its bytes and one for its error |
//! | `SPDY/3.1+portforward.k8s.io` | kubectl | as many as come: a stream each ([`tunnel`]) |

mod header_block;
mod spdy;
mod tunnel;

use std::net::Ipv4Addr;

use bytes::Bytes;
use http::{Request, StatusCode};
use hyper::body::Incoming;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

use super::channels::CLOSE;
use super::query::Query;
use super::websocket::{self, FromClient, copy, framed};
use super::{Answer, text};

const CHANNELS: &str = "v4.channel.k8s.io";
const TUNNEL: &str = "SPDY/3.1+portforward.k8s.io";

/// A message begins with the number of a channel, of which every port has two.
const MOST_PORTS: usize = 100;

/// Bytes that wait for the pod, in messages.
const UNWRITTEN: usize = 16;

/// The pod whose ports are meant.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) pod: String,
    pub(super) address: Ipv4Addr,
}

impl Target {
    async fn connect(&self, port: u16) -> Result<TcpStream, String> {
        TcpStream::connect((self.address, port))
            .await
            .map_err(|error| {
                let Self { pod, address } = self;
                format!(
                    "error forwarding port {port} to pod {pod}: dial tcp {address}:{port}: {error}"
                )
            })
    }
}

/// Switches to WebSocket and forwards connections there.
pub(super) fn answer(request: Request<Incoming>, target: Target, query: &Query) -> Answer {
    match websocket::chosen(&request, &[TUNNEL, CHANNELS]) {
        Some(TUNNEL) => websocket::switch(request, TUNNEL, |socket| {
            websocket::converse(socket, async move |from_client, messages| {
                tunnel::serve(from_client, messages, target).await;
            })
        }),
        Some(_) => match ports(query) {
            Err(message) => text(StatusCode::BAD_REQUEST, &message),
            Ok(ports) => websocket::switch(request, CHANNELS, |socket| {
                websocket::converse(socket, async move |from_client, messages| {
                    forward_all(from_client, messages, target, ports).await;
                })
            }),
        },
        None => text(
            StatusCode::BAD_REQUEST,
            "ports are forwarded over WebSocket with v4.channel.k8s.io and SPDY/3.1+portforward.k8s.io",
        ),
    }
}

fn ports(query: &Query) -> Result<Vec<u16>, String> {
    let named = query.all("port");
    let words = named.iter().flat_map(|list| list.split(','));
    let ports: Vec<u16> = words
        .map(|word| match word.parse() {
            Ok(0) | Err(_) => Err(format!("unable to parse {word:?} as a port")),
            Ok(port) => Ok(port),
        })
        .collect::<Result<_, _>>()?;
    match ports.len() {
        0 => Err("query parameter \"port\" is required".to_owned()),
        1..=MOST_PORTS => Ok(ports),
        _ => Err(format!("at most {MOST_PORTS} ports are forwarded at once")),
    }
}

/// Until all connections have ended, or the client is gone.
async fn forward_all(
    from_client: &mut FromClient,
    messages: mpsc::Sender<Message>,
    target: Target,
    ports: Vec<u16>,
) {
    let mut inputs = Vec::new();
    let mut connections = JoinSet::new();
    for (port, data) in ports.into_iter().zip((0_u8..).step_by(2)) {
        let (input, received) = mpsc::channel(UNWRITTEN);
        inputs.push(Some(input));
        connections.spawn(forward(
            target.clone(),
            port,
            data,
            received,
            messages.clone(),
        ));
    }
    drop(messages);
    let feeding = async {
        while let Some(mut bytes) = websocket::next_bytes(from_client).await {
            let channel = bytes.split_to(bytes.len().min(1));
            match (channel.first(), bytes.first()) {
                (Some(&CLOSE), Some(data)) => {
                    if let Some(input) = inputs.get_mut(usize::from(data / 2)) {
                        *input = None;
                    }
                }
                (Some(data), _) => {
                    if let Some(Some(input)) = inputs.get(usize::from(data / 2)) {
                        // A connection that has ended takes nothing.
                        let _ended = input.send(bytes).await;
                    }
                }
                (None, _) => {}
            }
        }
    };
    tokio::select! {
        () = feeding => {}
        () = async { while connections.join_next().await.is_some() {} } => {}
    }
}

/// One connection: the first message of each of its channels names the port.
async fn forward(
    target: Target,
    port: u16,
    data: u8,
    input: mpsc::Receiver<Bytes>,
    messages: mpsc::Sender<Message>,
) {
    let error = data + 1;
    for channel in [data, error] {
        let _client_is_gone = messages.send(framed(channel, &port.to_le_bytes())).await;
    }
    match target.connect(port).await {
        Err(message) => {
            let _client_is_gone = messages.send(framed(error, message.as_bytes())).await;
        }
        Ok(connection) => {
            let (from_pod, to_pod) = connection.into_split();
            tokio::select! {
                () = copy(data, from_pod, messages) => {}
                () = write_all(input, to_pod) => {}
            }
        }
    }
}

/// Writes what comes, then says that no more comes; never ends, for the pod may still answer.
async fn write_all(mut input: mpsc::Receiver<Bytes>, mut to_pod: impl AsyncWriteExt + Unpin) {
    while let Some(bytes) = input.recv().await {
        if to_pod.write_all(&bytes).await.is_err() {
            break;
        }
    }
    let _ended = to_pod.shutdown().await;
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_listed_by_comma_and_by_repetition() {
        assert_eq!(
            ports(&Query::parse("port=80%2C81&port=9")),
            Ok(vec![80, 81, 9])
        );
        for wrong in ["", "port=0", "port=x", "port=70000"] {
            assert!(ports(&Query::parse(wrong)).is_err(), "{wrong}");
        }
    }
}
