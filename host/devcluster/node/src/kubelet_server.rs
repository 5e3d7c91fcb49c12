//! Exec, logs and forwarded ports, as the API server asks a kubelet for them. Plain HTTP on a loopback address, for whoever shows the
//! node's token.
//!
//! | path | answer |
//! |---|---|
//! | `/exec/NAMESPACE/POD/CONTAINER?command=…&input=1&output=1&error=1&tty=1` | WebSocket, `v5.channel.k8s.io` or `v4.channel.k8s.io` |
//! | `/attach/NAMESPACE/POD/CONTAINER` | WebSocket, as exec |
//! | `/portForward/NAMESPACE/POD?port=…` | WebSocket, `SPDY/3.1+portforward.k8s.io` or `v4.channel.k8s.io` |
//! | `/containerLogs/NAMESPACE/POD/CONTAINER?follow=true&tailLines=…` | text |
//! | `/healthz` | `ok` |

mod attach;
mod channels;
mod exec;
mod logs;
mod port_forward;
mod query;
mod websocket;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::pods::directory::Directory;
use query::Query;

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// Answers until it is aborted.
pub(crate) async fn serve(listener: TcpListener, token: String, directory: Directory) {
    let token: Arc<str> = token.into();
    // Connections know the containers; they end with the server.
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _peer)) = listener.accept().await else {
            // Too many open files, for example: others must end first.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (token, directory) = (Arc::clone(&token), directory.clone());
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let (token, directory) = (Arc::clone(&token), directory.clone());
                async move { Ok::<_, Infallible>(answer(request, &token, &directory)) }
            });
            // A peer that hangs up ends its own connection only.
            let _closed = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades()
                .await;
        });
    }
}

fn answer(request: Request<Incoming>, token: &str, directory: &Directory) -> Answer {
    if !shows(&request, token) {
        return text(
            StatusCode::UNAUTHORIZED,
            "the node's token is missing or wrong",
        );
    }
    let path = request.uri().path().to_owned();
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let (what, namespace, pod, container) = match parts.as_slice() {
        ["healthz"] => return text(StatusCode::OK, "ok"),
        [
            what @ ("attach" | "exec" | "containerLogs"),
            namespace,
            pod,
            container,
        ] => (*what, *namespace, *pod, *container),
        ["portForward", namespace, pod] => {
            let Some(address) = directory.address(namespace, pod) else {
                let message = format!("pod {namespace}/{pod} does not run on this node");
                return text(StatusCode::NOT_FOUND, &message);
            };
            let pod = (*pod).to_owned();
            let target = port_forward::Target { pod, address };
            return port_forward::answer(request, target, &query);
        }
        _ => {
            return text(
                StatusCode::NOT_FOUND,
                "this node serves attach, exec, containerLogs, portForward and healthz",
            );
        }
    };
    let Some(entry) = directory.find(namespace, pod, container) else {
        let message =
            format!("container {container} of pod {namespace}/{pod} is not known to this node");
        return text(StatusCode::NOT_FOUND, &message);
    };
    match what {
        "exec" => exec::answer(request, entry, &query),
        "attach" => attach::answer(request, entry),
        _ => logs::answer(pod, container, entry, &query),
    }
}

fn shows(request: &Request<Incoming>, token: &str) -> bool {
    request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .is_some_and(|shown| is_same(shown.as_bytes(), token.as_bytes()))
}

/// Takes as long for a nearly right token as for a wrong one.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0
}

fn text(status: StatusCode, message: &str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(message.to_owned())).boxed());
    *answer.status_mut() = status;
    answer
}
