//! Admission: a StatefulApp whose spec would be refused is refused at the apply, and not after it.
//!
//! ```text
//! API server ─► server (TLS) ─► answering ─► review: is there anything to judge? ─► judge: rules of the spec ─► schema and `validate`
//!                                                              └── allowed ◄── not known, too slow, too much ──┘
//! registration: tells the API server to ask here, while the operator runs
//! ```
//!
//! Whoever is not judged is allowed: the operator judges each spec after the apply as well, and an operator that is away never holds up anybody.

mod answering;
mod certificates;
mod judge;
mod place;
mod registration;
mod review;
mod server;

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::errors::OperatorError;
use crate::host::Host;
use answering::Answering;
use certificates::Identity;
use judge::Judge;
use registration::Registration;
use server::serve;

pub use place::{Admission, CalledAt, PlaceError, ServicePlace, WebhookUrl};

/// Listens, and judges in tasks of its own until `stop` is cancelled. Apps of this namespace; none: of all.
pub(crate) async fn begin(
    admission: Admission,
    namespace: Option<&str>,
    host: &Host,
    stop: CancellationToken,
) -> Result<JoinHandle<()>, OperatorError> {
    let listen = admission.listen;
    let unusable = |source| OperatorError::Listen {
        address: listen,
        purpose: "the admission of StatefulApps",
        source,
    };
    let listener = TcpListener::bind(listen).await.map_err(unusable)?;
    // Which port it is, where any was asked for.
    let address = listener.local_addr().map_err(unusable)?;
    let names = admission.called_at.names(address);
    let failed = |message| OperatorError::Certificate {
        names: names.join(", "),
        message,
    };
    let clock = host.clock.clone();
    let identity = Identity::new(names.clone(), clock.now()).map_err(failed)?;
    let shown = identity.certify(clock.now()).map_err(failed)?;
    let client = admission.called_at.client(address, identity.authority());
    let registration = Registration::new(host.api.clone(), namespace, &client);
    let judge = Judge {
        index: host.index.clone(),
        plugins: host.plugins.clone(),
        metrics: host.metrics.clone(),
        clock: clock.clone(),
    };
    let answering = Arc::new(Answering::new(judge));
    tracing::info!(%address, names = names.join(", "), "judging StatefulApps at admission");
    Ok(tokio::spawn(async move {
        let end = CancellationToken::new();
        let server = serve(listener, identity, shown, clock, answering, end.clone());
        let server = tokio::spawn(server);
        registration.keep(&stop).await;
        // Nobody is sent here any more.
        end.cancel();
        let _ = server.await;
    }))
}
