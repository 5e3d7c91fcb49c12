//! `exec`, `attach`, `portforward` and `log`: the API finds the pod's node and passes everything on.
//!
//! ```text
//! client ──► API: pods/web-0/exec?command=… ──► node agent: /exec/default/web-0/nginx?command=…
//! ```
//!
//! The node agent serves HTTP on the address and port in the status of its node and wants the token of the Secret
//! `kube-system/stateward-node-token`. Upgrades (WebSocket) pass unchanged: after `101` bytes are copied both ways.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use form_urlencoded::Serializer;
use http::{HeaderValue, Request, Response, StatusCode, header, request};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;

use crate::api::Body;
use crate::cluster::Cluster;
use crate::failure::{Failure, Subject};
use crate::object::{self, list, number, text};
use crate::request::{Options, Target};
use crate::state::State;
use crate::store::Key;

/// Whether a subresource is answered by the node.
pub(crate) fn is_for_the_node(target: &Target) -> bool {
    matches!(
        target.subresource.as_deref(),
        Some("exec" | "attach" | "portforward" | "log")
    ) && target.kind.storage == "pods"
}

/// Passes a request on to the node of its pod.
pub(crate) async fn pass_on(
    cluster: &Cluster,
    target: &Target,
    options: &Options,
    head: request::Parts,
) -> Result<Response<Body>, Failure> {
    let node = Node::of(&cluster.state(), target)?;
    let path = match target.subresource.as_deref() {
        Some("portforward") => ports_path(target, options),
        _ => {
            let container = container(&cluster.state(), target, options)?;
            path(target, options, &container)
        }
    };
    let unreachable = |error: &dyn std::fmt::Display| {
        Failure::internal(format!(
            "error dialing backend: {} at {}: {error}",
            node.name, node.address
        ))
    };

    let stream = TcpStream::connect(&node.address)
        .await
        .map_err(|error| unreachable(&error))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| unreachable(&error))?;
    tokio::spawn(connection.with_upgrades());
    let request = onward(&head, &path, &node).map_err(|error| unreachable(&error))?;
    let mut answered = sender
        .send_request(request)
        .await
        .map_err(|error| unreachable(&error))?;

    let is_log = target.subresource.as_deref() == Some("log");
    if is_log && !answered.status().is_success() {
        return Err(refusal(answered).await);
    }
    if answered.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(answered.map(|body| body.map_err(Into::into).boxed_unsync()));
    }
    let nodes_side = hyper::upgrade::on(&mut answered);
    let clients_side = hyper::upgrade::on(Request::from_parts(head, ()));
    tokio::spawn(async move {
        match tokio::try_join!(clients_side, nodes_side) {
            Ok((client, node)) => {
                let (mut client, mut node) = (TokioIo::new(client), TokioIo::new(node));
                // Either side may go at any time; the other then sees the end of its stream.
                let _ = copy_bidirectional(&mut client, &mut node).await;
            }
            Err(error) => tracing::debug!(%error, "an upgrade was not completed"),
        }
    });
    let (parts, _) = answered.into_parts();
    let nothing = Empty::new().map_err(|never| match never {}).boxed_unsync();
    Ok(Response::from_parts(parts, nothing))
}

/// Why there is no log, in the node's words.
async fn refusal(answered: Response<Incoming>) -> Failure {
    let status = answered.status();
    let words = match answered.into_body().collect().await {
        Ok(words) => String::from_utf8_lossy(&words.to_bytes()).into_owned(),
        Err(error) => error.to_string(),
    };
    match status {
        StatusCode::BAD_REQUEST => Failure::bad_request(words),
        StatusCode::NOT_FOUND => Failure::new(404, "NotFound", words),
        _ => Failure::internal(words),
    }
}

/// The request as the node gets it.
fn onward(
    head: &request::Parts,
    path: &str,
    node: &Node,
) -> Result<Request<Empty<Bytes>>, http::Error> {
    let mut request = Request::builder()
        .method(head.method.clone())
        .uri(path)
        .body(Empty::new())?;
    let headers = request.headers_mut();
    for (name, value) in &head.headers {
        let is_ours = [
            header::AUTHORIZATION,
            header::HOST,
            header::CONTENT_LENGTH,
            header::TRANSFER_ENCODING,
        ]
        .contains(name);
        if !is_ours {
            headers.append(name, value.clone());
        }
    }
    headers.insert(header::HOST, HeaderValue::from_str(&node.address)?);
    let authorization = HeaderValue::from_str(&format!("Bearer {}", node.token))?;
    headers.insert(header::AUTHORIZATION, authorization);
    Ok(request)
}

struct Node {
    name: String,
    address: String,
    token: String,
}

impl Node {
    fn of(state: &State, target: &Target) -> Result<Self, Failure> {
        let pod = state.find(target)?;
        let name = match text(&pod, "/spec/nodeName") {
            "" => {
                return Err(Failure::bad_request(format!(
                    "pod {} does not have a host assigned",
                    object::name(&pod)
                )));
            }
            name => name.to_owned(),
        };
        let nodes = Subject {
            resource: "nodes".to_owned(),
            ..Default::default()
        };
        let node = state
            .store
            .get("nodes", &Key::new("", name.as_str()))
            .ok_or_else(|| Failure::not_found(&nodes, &name))?;
        let host = list(node, "/status/addresses")
            .iter()
            .find(|address| text(address, "/type") == "InternalIP")
            .map(|address| text(address, "/address"));
        let port =
            number(node, "/status/daemonEndpoints/kubeletEndpoint/Port").filter(|port| *port > 0);
        let (Some(host), Some(port)) = (host, port) else {
            return Err(Failure::internal(format!(
                "node {name} does not say where its agent listens: status.addresses needs an InternalIP and status.daemonEndpoints a port"
            )));
        };
        Ok(Self {
            address: format!("{host}:{port}"),
            token: token(state).unwrap_or_default(),
            name,
        })
    }
}

fn token(state: &State) -> Option<String> {
    let key = Key::new("kube-system", "stateward-node-token");
    let secret = state.store.get("secrets", &key)?;
    let token = STANDARD.decode(text(secret, "/data/token")).ok()?;
    String::from_utf8(token).ok()
}

/// The container that is meant: the one named, else the pod's default, else its first.
fn container(state: &State, target: &Target, options: &Options) -> Result<String, Failure> {
    const DEFAULT: &str = "kubectl.kubernetes.io/default-container";
    let pod = state.find(target)?;
    let names: Vec<&str> = ["containers", "initContainers", "ephemeralContainers"]
        .iter()
        .flat_map(|field| list(&pod, &format!("/spec/{field}")))
        .map(|container| text(container, "/name"))
        .collect();
    let annotated = object::map(&pod, "/metadata/annotations")
        .and_then(|annotations| annotations.get(DEFAULT))
        .and_then(Value::as_str);
    let meant = match options.text("container") {
        "" => annotated.or_else(|| names.first().copied()),
        named => Some(named),
    };
    meant
        .filter(|meant| names.contains(meant))
        .map(str::to_owned)
        .ok_or_else(|| {
            Failure::bad_request(format!(
                "container {} is not valid for pod {}",
                meant.unwrap_or_default(),
                object::name(&pod)
            ))
        })
}

/// The path under which the node knows the ports of a pod.
fn ports_path(target: &Target, options: &Options) -> String {
    let mut query = Serializer::new(String::new());
    for port in options.all("ports") {
        query.append_pair("port", port);
    }
    let namespace = target.namespace.as_deref().unwrap_or_default();
    let pod = target.name.as_deref().unwrap_or_default();
    format!("/portForward/{namespace}/{pod}?{}", query.finish())
}

/// The path under which the node knows this.
fn path(target: &Target, options: &Options, container: &str) -> String {
    let mut query = Serializer::new(String::new());
    let subresource = target.subresource.as_deref().unwrap_or_default();
    let root = match subresource {
        "log" => {
            for option in [
                "follow",
                "insecureSkipTLSVerifyBackend",
                "limitBytes",
                "previous",
                "sinceSeconds",
                "sinceTime",
                "stream",
                "tailLines",
                "timestamps",
            ] {
                if !options.text(option).is_empty() {
                    query.append_pair(option, options.text(option));
                }
            }
            "containerLogs"
        }
        other => {
            for word in options.all("command") {
                query.append_pair("command", word);
            }
            for (option, known_as) in [
                ("stdin", "input"),
                ("stdout", "output"),
                ("stderr", "error"),
                ("tty", "tty"),
            ] {
                if options.is_set(option) {
                    query.append_pair(known_as, "1");
                }
            }
            other
        }
    };
    let namespace = target.namespace.as_deref().unwrap_or_default();
    let pod = target.name.as_deref().unwrap_or_default();
    format!("/{root}/{namespace}/{pod}/{container}?{}", query.finish())
}
