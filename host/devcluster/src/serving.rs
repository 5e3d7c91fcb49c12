//! The API over HTTPS, for `kubectl` and for processes of their own.
//!
//! It listens on the loopback interface only and lets in who carries the token. Certificates and token are kept beside
//! the cluster, so that a kubeconfig stays valid as long as its folder does.

mod certificates;
mod kubeconfig;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use sha2::{Digest, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::api::{self, Body};
use crate::cluster::Cluster;
use crate::error::ClusterError;
use crate::failure::Failure;
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

/// How long a client may take for its TLS handshake, and open connections for their last answers.
const PATIENCE: Duration = Duration::from_secs(5);

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
        let is_public = matches!(request.uri().path(), "/healthz" | "/livez" | "/readyz");
        if !is_public && !self.is_known(&request) {
            return api::refusal(&Failure::unauthorized());
        }
        api::answer(&self.cluster, request).await
    }

    /// Digests are compared, so that the time taken says nothing about the token.
    fn is_known(&self, request: &Request<Incoming>) -> bool {
        api::header_text(request.headers(), &header::AUTHORIZATION)
            .strip_prefix("Bearer ")
            .is_some_and(|token| {
                Sha256::digest(token.trim().as_bytes()).as_slice() == self.token_digest.as_slice()
            })
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
    let stream = tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await??;
    let service = service_fn(move |request| {
        let door = door.clone();
        async move { Ok::<_, std::convert::Infallible>(door.answer(request).await) }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return ended,
        () = stop.cancelled() => {}
    }
    // Watches never end by themselves: after a moment for running answers the connection is dropped.
    connection.as_mut().graceful_shutdown();
    match tokio::time::timeout(Duration::from_millis(200), connection).await {
        Ok(ended) => ended,
        Err(_) => Ok(()),
    }
}
