//! The API as a service that a client in the same process calls.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderValue, Request, Response, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{client, server};
use hyper_util::rt::TokioIo;
use tower::Service;

use crate::api::{self, Body};
use crate::cluster::Cluster;
use crate::failure::Failure;

#[derive(Debug, Clone)]
pub(crate) struct InProcess {
    cluster: Cluster,
}

impl InProcess {
    pub(crate) fn new(cluster: Cluster) -> Self {
        Self { cluster }
    }
}

impl Service<Request<kube::client::Body>> for InProcess {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<kube::client::Body>) -> Self::Future {
        let cluster = self.cluster.clone();
        Box::pin(async move {
            if !request.headers().contains_key(header::UPGRADE) {
                return Ok(api::answer(&cluster, request).await);
            }
            let answer = move |request| {
                let cluster = cluster.clone();
                async move { Ok::<_, Infallible>(api::answer(&cluster, request).await) }
            };
            Ok(upgrade(request, answer).await.unwrap_or_else(|error| {
                let failure = Failure::internal(format!("the upgrade failed: {error}"));
                api::refusal(&failure)
            }))
        })
    }
}

/// Only a connection can be upgraded: such a request goes through one that stays in memory.
pub(crate) async fn upgrade<F>(
    mut request: Request<kube::client::Body>,
    answer: impl Fn(Request<Incoming>) -> F + Send + 'static,
) -> Result<Response<Body>, hyper::Error>
where
    F: Future<Output = Result<Response<Body>, Infallible>> + Send + 'static,
{
    const BUFFER: usize = 64 * 1024;
    let (ours, theirs) = tokio::io::duplex(BUFFER);
    let connection = server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(theirs), service_fn(answer))
        .with_upgrades();
    tokio::spawn(connection);

    let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(ours)).await?;
    tokio::spawn(connection.with_upgrades());
    request
        .headers_mut()
        .insert(header::HOST, HeaderValue::from_static("embedded"));
    let response = sender.send_request(request).await?;
    Ok(response.map(|body| body.map_err(Into::into).boxed_unsync()))
}
