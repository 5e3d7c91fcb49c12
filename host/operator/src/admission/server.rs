//! TLS and HTTP around the answers. The certificate is made anew long before it ends; connections that are open keep the one that they were begun with.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::answering::Answering;
use super::certificates::{Identity, RENEWED};
use crate::clock::Clock;

/// Connections at a time; further ones wait to be accepted.
const CONNECTIONS: usize = 64;

/// How long a client may take for its handshake, and for the head of a request.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long answers get when the operator ends. A judgement takes no longer.
const GRACE: Duration = Duration::from_secs(5);

/// When a certificate that could not be made is tried again.
const AGAIN: Duration = Duration::from_secs(3600);

/// Serves until `end` is cancelled.
pub(super) async fn serve(
    listener: TcpListener,
    identity: Identity,
    mut shown: Arc<ServerConfig>,
    clock: Clock,
    answering: Arc<Answering>,
    end: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut renew_at = Instant::now() + RENEWED;
    loop {
        let accepted = tokio::select! {
            () = end.cancelled() => break,
            () = sleep_until(renew_at) => {
                let made = identity.certify(clock.now());
                renew_at = Instant::now() + if made.is_ok() { RENEWED } else { AGAIN };
                match made {
                    Ok(made) => shown = made,
                    Err(error) => tracing::warn!(%error, "the certificate for admission was not renewed"),
                }
                continue;
            }
            accepted = accept(&listener, &room) => accepted,
        };
        while connections.try_join_next().is_some() {}
        let Some((stream, place)) = accepted else {
            continue;
        };
        let acceptor = TlsAcceptor::from(shown.clone());
        let (answering, end) = (answering.clone(), end.clone());
        connections.spawn(async move {
            connection(stream, acceptor, answering, end).await;
            drop(place);
        });
    }
    while connections.join_next().await.is_some() {}
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = room.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, place)),
        Err(error) => {
            // Out of file descriptors, most likely: others must close theirs first.
            tracing::warn!(%error, "a connection for admission was not accepted");
            sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

async fn connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    answering: Arc<Answering>,
    end: CancellationToken,
) {
    let stream = match timeout(PATIENCE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "no TLS for admission"),
        Err(_) => return,
    };
    let service = service_fn(move |request| {
        let answering = answering.clone();
        async move { Ok::<_, Infallible>(answering.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    // How a connection ends is its peer's matter.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = end.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = timeout(GRACE, connection).await;
}
