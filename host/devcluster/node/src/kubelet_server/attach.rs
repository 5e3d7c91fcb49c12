//! What a container writes from now on, over WebSocket, a line at a time. Nothing is written to the container: its
//! standard input is empty.

use http::{Request, StatusCode};
use hyper::body::Incoming;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use super::channels::{self, ERROR, PROTOCOLS, STDERR, STDOUT};
use super::websocket::{self, framed};
use super::{Answer, text};
use crate::pods::directory::Entry;
use crate::runtime::process::log::{ContainerLog, LogLine, LogReader};

pub(super) fn answer(request: Request<Incoming>, entry: Entry) -> Answer {
    let Some(protocol) = websocket::chosen(&request, &PROTOCOLS) else {
        return text(
            StatusCode::BAD_REQUEST,
            "attach is served over WebSocket with v5.channel.k8s.io and v4.channel.k8s.io",
        );
    };
    let Some(log) = entry.log.filter(|_| entry.handle.is_some()) else {
        return text(StatusCode::BAD_REQUEST, "the container is not running");
    };
    let mut reader = LogReader::new(log.path());
    // What was written before is not told.
    let _before = reader.read();
    websocket::switch(request, protocol, move |socket| {
        websocket::converse(socket, async move |from_client, messages| {
            tokio::select! {
                () = tell(&log, reader, &messages) => {}
                () = async { while websocket::next_bytes(from_client).await.is_some() {} } => {}
            }
            let end = framed(ERROR, channels::outcome(0).to_string().as_bytes());
            let _client_is_gone = messages.send(end).await;
        })
    })
}

/// Until the container ends.
async fn tell(log: &ContainerLog, mut reader: LogReader, messages: &mpsc::Sender<Message>) {
    let mut progress = log.follow();
    progress.mark_changed();
    while progress.changed().await.is_ok() {
        let is_over = progress.borrow_and_update().ended;
        for line in LogLine::all(&reader.read()) {
            let channel = if line.stream == b"stderr" {
                STDERR
            } else {
                STDOUT
            };
            if messages.send(framed(channel, &line.text())).await.is_err() {
                return;
            }
        }
        if is_over {
            return;
        }
    }
}
