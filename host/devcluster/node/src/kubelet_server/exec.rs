//! A command in a container, over WebSocket.

use http::{Request, StatusCode};
use hyper::body::Incoming;
use serde_json::Value;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use super::channels::{self, CLOSE, ERROR, PROTOCOLS, RESIZE, STDERR, STDIN, STDOUT};
use super::query::Query;
use super::websocket::{self, FromClient, copy, framed};
use super::{Answer, text};
use crate::pods::directory::Entry;
use crate::runtime::{ExecSession, Resize, Streams};

type Stdin = Option<Box<dyn AsyncWrite + Send + Unpin>>;

/// Switches to WebSocket and runs the command there.
pub(super) fn answer(request: Request<Incoming>, entry: Entry, query: &Query) -> Answer {
    let Some(protocol) = websocket::chosen(&request, &PROTOCOLS) else {
        return text(
            StatusCode::BAD_REQUEST,
            "exec is served over WebSocket with v5.channel.k8s.io and v4.channel.k8s.io",
        );
    };
    let command = query.all("command");
    let streams = match (query.is_set("tty"), query.is_set("input")) {
        (true, _) => Streams::Terminal,
        (false, true) => Streams::InputAndOutput,
        (false, false) => Streams::Output,
    };
    websocket::switch(request, protocol, move |socket| {
        websocket::converse(socket, async move |from_client, messages| {
            let outcome = match begin(entry, &command, streams).await {
                Err(message) => channels::failure(&message),
                Ok(session) => run(session, from_client, &messages).await,
            };
            let outcome = framed(ERROR, outcome.to_string().as_bytes());
            let _client_is_gone = messages.send(outcome).await;
        })
    })
}

async fn begin(entry: Entry, command: &[String], streams: Streams) -> Result<ExecSession, String> {
    if command.is_empty() {
        return Err("no command is given".to_owned());
    }
    match entry.handle {
        Some(handle) => handle
            .exec(command, streams)
            .await
            .map_err(|error| error.to_string()),
        None => Err("the container is not running".to_owned()),
    }
}

/// Until the command ended and all of its output is on the way, or the client is gone.
async fn run(
    session: ExecSession,
    from_client: &mut FromClient,
    messages: &mpsc::Sender<Message>,
) -> Value {
    let ExecSession {
        stdin,
        stdout,
        stderr,
        resize,
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
        () = feed(stdin, resize, from_client) => channels::failure("the client went before the command ended"),
    }
}

/// Gives the command its input and the size of its terminal; ends only when the client is gone.
async fn feed(mut stdin: Stdin, resize: Option<Resize>, from_client: &mut FromClient) {
    while let Some(bytes) = websocket::next_bytes(from_client).await {
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
            Some((&RESIZE, size)) => {
                if let (Some(resize), Some(size)) = (&resize, channels::window_size(size)) {
                    resize(size);
                }
            }
            Some((&CLOSE, [STDIN, ..])) => stdin = None,
            _ => {}
        }
    }
}
