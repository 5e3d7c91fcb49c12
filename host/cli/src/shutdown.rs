//! How a process that runs until it is told to end is told: the first signal asks, the second one does not.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// Exit code of a process that ended by an interrupt.
const INTERRUPTED: i32 = 130;

/// A token that the first SIGINT, SIGTERM or SIGHUP cancels, after `announce` has said so. The second signal ends the process at once.
pub(crate) fn on_signal(announce: fn(&str)) -> Result<CancellationToken, Failure> {
    let listen = |kind| {
        signal(kind).map_err(|source| Failure::Machine {
            what: "listening to signals".to_owned(),
            source,
        })
    };
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hangup = listen(SignalKind::hangup())?;
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        next(&mut interrupt, &mut terminate, &mut hangup).await;
        announce("stopping; a second signal ends at once");
        told.cancel();
        next(&mut interrupt, &mut terminate, &mut hangup).await;
        std::process::exit(INTERRUPTED);
    });
    Ok(stop)
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal, hangup: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}
