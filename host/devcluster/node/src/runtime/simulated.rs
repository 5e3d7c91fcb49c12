//! The simulated runtime: no processes. A container starts at once and is ready, unless the pod's script says
//! otherwise; scripts may change while the pod runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Probe;
use tokio::sync::watch;

use super::{
    ContainerHandle, ContainerStart, ExecError, ExecSession, ExitStatus, Runtime, StartError,
    StartedContainer, StopSignal, Streams,
};

/// How the containers of a pod behave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Script {
    /// Starts at once and is ready.
    #[default]
    Ready,
    /// Starts at once and is not ready until the script changes.
    NotReady,
    /// Does not start until the script changes.
    Pending,
    /// Starts at once and is ready after this time.
    Slow(Duration),
    /// Runs, then ends with this exit code; so does every restart until the script changes.
    Crash(i32),
    /// Its node is lost: containers stay as they are, nothing is told of them and nothing that is asked is done.
    Lost,
    /// Runs on and does not hear the signal to terminate; only a kill ends it.
    Stubborn,
}

/// What a scripted command answers: exit code, standard output, standard error.
type ExecScript = Arc<dyn Fn(&str, &[String]) -> (i32, String, String) + Send + Sync>;

/// The handle by which tests script simulated pods; clones script the same pods.
#[derive(Clone, Default)]
pub struct Simulation {
    scripts: Arc<Mutex<BTreeMap<String, watch::Sender<Script>>>>,
    exec: Arc<Mutex<Option<ExecScript>>>,
    is_lost: watch::Sender<bool>,
}

impl std::fmt::Debug for Simulation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Simulation").finish_non_exhaustive()
    }
}

impl Simulation {
    /// Sets the script of the pod of this name, in every namespace, now and for later incarnations.
    pub fn script(&self, pod: &str, script: Script) {
        self.sender(pod).send_replace(script);
    }

    /// Answers commands that are executed in simulated pods: (pod, argv) to (exit code, stdout, stderr).
    pub fn on_exec(
        &self,
        answer: impl Fn(&str, &[String]) -> (i32, String, String) + Send + Sync + 'static,
    ) {
        *self.exec.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(answer));
    }

    /// Cuts the whole node off from the API server, or connects it again: no lease, no status, nothing done.
    pub fn lose(&self, is_lost: bool) {
        self.is_lost.send_replace(is_lost);
    }

    fn sender(&self, pod: &str) -> watch::Sender<Script> {
        let mut scripts = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        scripts.entry(pod.to_owned()).or_default().clone()
    }
}

pub(crate) struct SimulatedRuntime {
    pub(crate) simulation: Simulation,
}

#[async_trait]
impl Runtime for SimulatedRuntime {
    fn name(&self) -> &'static str {
        "simulated"
    }

    fn needs_volumes(&self) -> bool {
        false
    }

    async fn until_reachable(&self, pod: &str) {
        let mut script = self.simulation.sender(pod).subscribe();
        // A closed channel cannot happen while the simulation is held here.
        let _open = script
            .wait_for(|script| *script != Script::Lost)
            .await
            .is_ok();
        self.until_node_reachable().await;
    }

    async fn until_node_reachable(&self) {
        let mut is_lost = self.simulation.is_lost.subscribe();
        // A closed channel cannot happen while the simulation is held here.
        let _open = is_lost.wait_for(|lost| !lost).await.is_ok();
    }

    async fn start(&self, start: ContainerStart) -> Result<StartedContainer, StartError> {
        let pod = start.pod.metadata.name.clone().unwrap_or_default();
        let mut script = self.simulation.sender(&pod).subscribe();
        // A closed channel cannot happen while the simulation is held here.
        let _open = script
            .wait_for(|script| *script != Script::Pending)
            .await
            .is_ok();
        let is_ready_now = matches!(*script.borrow(), Script::Ready | Script::Stubborn);
        let (ready, is_ready) = watch::channel(is_ready_now);
        let (stop, stopped) = watch::channel(None);
        let log = Arc::clone(&start.log);
        let exit = async move {
            let code = live(script, stopped, ready).await;
            log.end();
            ExitStatus { code }
        };
        Ok(StartedContainer {
            handle: Arc::new(SimulatedHandle {
                pod,
                stop,
                simulation: self.simulation.clone(),
            }),
            exit: Box::pin(exit),
            ready: is_ready,
        })
    }
}

/// Plays the script until the container ends.
async fn live(
    mut script: watch::Receiver<Script>,
    mut stopped: watch::Receiver<Option<StopSignal>>,
    ready: watch::Sender<bool>,
) -> i32 {
    loop {
        let now = script.borrow_and_update().clone();
        ready.send_if_modified(|is| {
            let becomes = match now {
                Script::Ready | Script::Stubborn => true,
                Script::Lost => *is,
                _ => false,
            };
            std::mem::replace(is, becomes) != becomes
        });
        let wait = match now {
            Script::Crash(code) => return code,
            Script::Slow(time) => time,
            _ => Duration::MAX,
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {
                ready.send_replace(true);
                if script.changed().await.is_err() { return 0; }
            }
            changed = script.changed() => if changed.is_err() { return 0; },
            signal = stopped.changed() => match (signal, *stopped.borrow()) {
                (Ok(()), Some(StopSignal::Terminate)) if now == Script::Stubborn => {}
                (Ok(()), Some(StopSignal::Terminate)) => return 0,
                _ => return 137,
            },
        }
    }
}

struct SimulatedHandle {
    pod: String,
    stop: watch::Sender<Option<StopSignal>>,
    simulation: Simulation,
}

#[async_trait]
impl ContainerHandle for SimulatedHandle {
    async fn signal(&self, signal: StopSignal) {
        self.stop.send_replace(Some(signal));
    }

    async fn exec(&self, command: &[String], _streams: Streams) -> Result<ExecSession, ExecError> {
        let answer = self
            .simulation
            .exec
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let (code, stdout, stderr) = match answer {
            Some(answer) => answer(&self.pod, command),
            None => (0, String::new(), String::new()),
        };
        Ok(ExecSession {
            stdin: None,
            stdout: Box::new(std::io::Cursor::new(stdout.into_bytes())),
            stderr: Box::new(std::io::Cursor::new(stderr.into_bytes())),
            resize: None,
            exit: Box::pin(async move { code }),
        })
    }

    fn probe(&self, _probe: &Probe) -> Option<bool> {
        Some(true)
    }
}
