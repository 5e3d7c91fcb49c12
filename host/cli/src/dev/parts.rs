//! The tasks of a development cluster: started one after the other, stopped in the opposite order.

use std::future::Future;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::output;

/// How long one part may take to stop. The node ends pods that do not hear the signal within a few seconds of its own.
const PATIENCE: Duration = Duration::from_secs(20);

struct Part {
    name: &'static str,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

pub(crate) struct Parts {
    running: Vec<Part>,
    told: mpsc::UnboundedSender<Failure>,
    failures: mpsc::UnboundedReceiver<Failure>,
}

impl Default for Parts {
    fn default() -> Parts {
        let (told, failures) = mpsc::unbounded_channel();
        Parts {
            running: Vec::new(),
            told,
            failures,
        }
    }
}

impl Parts {
    /// Starts one; it runs until its token is cancelled.
    pub(crate) fn start<F>(&mut self, name: &'static str, part: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let run = part(stop.clone());
        let (told, told_to_stop) = (self.told.clone(), stop.clone());
        let task = tokio::spawn(async move {
            let failure = match run.await {
                Err(failure) => failure,
                Ok(()) if told_to_stop.is_cancelled() => return,
                Ok(()) => Failure::Wrong(format!("the {name} ended by itself")),
            };
            // Nobody listens any more once everything is being stopped.
            let _ = told.send(failure);
        });
        self.running.push(Part { name, stop, task });
    }

    /// Why a part ended that should run on.
    pub(crate) async fn failed(&mut self) -> Failure {
        match self.failures.recv().await {
            Some(failure) => failure,
            // The sender lives in this value.
            None => std::future::pending().await,
        }
    }

    /// Stops all of them, the youngest first.
    pub(crate) async fn stop(self) {
        for part in self.running.into_iter().rev() {
            part.stop.cancel();
            match tokio::time::timeout(PATIENCE, part.task).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => output::note(format_args!("the {} failed: {error}", part.name)),
                Err(_) => output::note(format_args!(
                    "the {} did not stop within {} s",
                    part.name,
                    PATIENCE.as_secs()
                )),
            }
        }
    }
}
