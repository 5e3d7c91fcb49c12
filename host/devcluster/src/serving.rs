//! The API over HTTPS, for `kubectl` and for processes of their own.
//!
//! It listens on the loopback interface only and lets in who carries the token. Certificates and token are kept beside
//! the cluster, so that a kubeconfig stays valid as long as its folder does.

mod certificates;
mod kubeconfig;

use std::io::Cursor;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response, Version, header};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::api::{self, Body};
use crate::cluster::Cluster;
use crate::error::ClusterError;
use crate::failure::Failure;
use crate::request::is_well_escaped;
use certificates::Identity;

/// How the API is served.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServeOptions {
    /// The port on 127.0.0.1; 0 takes any that is free.
    pub port: u16,
}

impl ServeOptions {
    /// Serves on this port of 127.0.0.1; 0 takes any that is free.
    pub fn on_port(port: u16) -> Self {
        Self { port }
    }
}

/// A cluster that is being served.
#[derive(Debug)]
pub struct Serving {
    /// Where it listens.
    pub address: SocketAddr,
    /// What `kubectl --kubeconfig` reads.
    pub kubeconfig_yaml: String,
    /// The bearer token that clients send.
    pub token: String,
    task: JoinHandle<()>,
}

impl Serving {
    /// Waits until the server has ended after its stop was asked for.
    pub async fn stopped(self) {
        // The task neither panics nor is aborted; there is nothing to tell.
        let _ = self.task.await;
    }
}

/// How long a client may take for its TLS handshake, and then for the head of each request; as upstream.
const PATIENCE: Duration = Duration::from_secs(32);

/// A client that does not answer this for so long is gone; as upstream's connections are looked after.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// How a client begins HTTP/2.
const GREETING: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What upstream says to a client that forgot TLS.
const NO_TLS: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

impl Cluster {
    /// Serves the API over HTTPS on 127.0.0.1 until `stop` is cancelled.
    pub async fn serve(
        &self,
        options: ServeOptions,
        stop: CancellationToken,
    ) -> Result<Serving, ClusterError> {
        let identity = Identity::load_or_make(self.folder())?;
        let acceptor = TlsAcceptor::from(Arc::new(identity.server_config()?));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
        let unusable = |source| ClusterError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(unusable)?;
        let address = listener.local_addr().map_err(unusable)?;
        let door = Door {
            cluster: self.clone(),
            token_digest: Sha256::digest(identity.token.as_bytes()).to_vec(),
        };
        let task = tokio::spawn(accept(listener, acceptor, Arc::new(door), stop));
        Ok(Serving {
            address,
            kubeconfig_yaml: kubeconfig::yaml(address, &identity.ca_pem, &identity.token),
            token: identity.token,
            task,
        })
    }
}

/// Who is let in to which cluster.
struct Door {
    cluster: Cluster,
    token_digest: Vec<u8>,
}

impl Door {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        if let Some(sentence) = malformed(&request) {
            return api::malformed(sentence);
        }
        let is_public = matches!(request.uri().path(), "/healthz" | "/livez" | "/readyz");
        if !is_public && !self.is_known(&request) {
            return api::refusal(&Failure::unauthorized());
        }
        api::answer(&self.cluster, request).await
    }

    /// Digests are compared, so that the time taken says nothing about the token.
    fn is_known(&self, request: &Request<Incoming>) -> bool {
        let given = api::header_text(request.headers(), &header::AUTHORIZATION).trim();
        let token = given
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        token.is_some_and(|(_, token)| {
            Sha256::digest(token.trim().as_bytes()).as_slice() == self.token_digest.as_slice()
        })
    }
}

/// What upstream's HTTP server refuses and ours lets pass.
fn malformed(request: &Request<Incoming>) -> Option<&'static str> {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    let is_http1 = request.version() == Version::HTTP_11;
    let path = request.uri().path();
    if is_http1 && hosts == 0 {
        Some("400 Bad Request: missing required Host header")
    } else if hosts > 1 {
        Some("400 Bad Request: too many Host headers")
    } else if !is_well_escaped(path) || (path.is_empty() && request.method() != Method::CONNECT) {
        Some("400 Bad Request")
    } else {
        None
    }
}

async fn accept(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    door: Arc<Door>,
    stop: CancellationToken,
) {
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, most likely: others must close theirs first.
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            },
        };
        while connections.try_join_next().is_some() {}
        let (acceptor, door, stop) = (acceptor.clone(), door.clone(), stop.clone());
        connections.spawn(async move {
            if let Err(error) = serve_connection(stream, acceptor, door, stop).await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    while connections.join_next().await.is_some() {}
}

async fn serve_connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    door: Arc<Door>,
    stop: CancellationToken,
) -> Result<(), api::BoxError> {
    stream.set_nodelay(true)?;
    let Some(stream) = tokio::time::timeout(PATIENCE, handshake(stream, &acceptor)).await?? else {
        return Ok(());
    };
    let speaks_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let service = service_fn(move |request| {
        let door = door.clone();
        async move { Ok::<_, std::convert::Infallible>(door.answer(request).await) }
    });
    if speaks_http2 {
        let Some(stream) = tokio::time::timeout(PATIENCE, greeting(stream)).await?? else {
            return Ok(());
        };
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_INTERVAL)
            .serve_connection(TokioIo::new(stream), service);
        return until_stopped(connection, stop, |connection| {
            connection.graceful_shutdown()
        })
        .await;
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    until_stopped(connection, stop, |connection| {
        connection.graceful_shutdown()
    })
    .await
}

async fn until_stopped<C>(
    connection: C,
    stop: CancellationToken,
    end: impl FnOnce(Pin<&mut C>),
) -> Result<(), api::BoxError>
where
    C: Future<Output = Result<(), hyper::Error>>,
{
    tokio::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended.map_err(Into::into),
        () = stop.cancelled() => {}
    }
    // Watches never end by themselves: after a moment for running answers the connection is dropped.
    end(connection.as_mut());
    match tokio::time::timeout(Duration::from_millis(200), connection).await {
        Ok(ended) => ended.map_err(Into::into),
        Err(_) => Ok(()),
    }
}

/// Reads the bytes by which a client begins HTTP/2, so that it has to send them in time. Nothing where it sends others.
async fn greeting(
    mut stream: TlsStream<TcpStream>,
) -> std::io::Result<Option<impl AsyncRead + AsyncWrite + Unpin>> {
    let mut first = [0; GREETING.len()];
    stream.read_exact(&mut first).await?;
    if first != *GREETING {
        stream.shutdown().await?;
        return Ok(None);
    }
    let (reading, writing) = tokio::io::split(stream);
    let reading = Cursor::new(GREETING).chain(reading);
    Ok(Some(tokio::io::join(reading, writing)))
}

/// Nothing where the client speaks HTTP without TLS; it is told.
async fn handshake(
    mut stream: TcpStream,
    acceptor: &TlsAcceptor,
) -> std::io::Result<Option<TlsStream<TcpStream>>> {
    let mut first = [0];
    stream.peek(&mut first).await?;
    // Records of TLS begin with their type, requests with a method.
    if !first.iter().all(u8::is_ascii_uppercase) {
        return acceptor.accept(stream).await.map(Some);
    }
    let mut request = [0; 4096];
    // What it asks does not matter; unread, it would cut the answer short.
    let _length = stream.read(&mut request).await?;
    stream.write_all(NO_TLS).await?;
    stream.shutdown().await?;
    Ok(None)
}
