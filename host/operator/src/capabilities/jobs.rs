//! Programs that outlive the call that started them, each under a key of its pod.
//!
//! A program's connection lives in this process. That it was started is written on the pod before it starts, with the restarts of its container, so that
//! another process of the operator does not start it a second time: there it is *lost*.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::json;
use stateward_runtime::{Command, Failure, Job};
use tokio::task::JoinHandle;

use super::exec;
use crate::annotations::JOB;
use crate::api::{Api, Collection};
use crate::watch::{Index, Meta, SlimPod};

/// Programs of one pod that are remembered.
const MOST_OF_A_POD: usize = 16;

/// By the pod's UID and the key.
type Place = (String, String);

#[derive(Default)]
pub(crate) struct Jobs(Mutex<BTreeMap<Place, Started>>);

struct Started {
    namespace: String,
    pod: String,
    /// Of the container, which says in which start of it the program runs.
    mark: String,
    state: State,
    running: Option<JoinHandle<()>>,
}

#[derive(Clone)]
enum State {
    Running,
    Ended(Result<Job, Failure>),
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.abort();
        }
    }
}

impl State {
    fn job(&self) -> Result<Job, Failure> {
        match self {
            State::Running => Ok(Job::Running),
            State::Ended(job) => job.clone(),
        }
    }
}

impl Jobs {
    /// Starts it, or says what became of it. `jobs` is where its end is noted.
    pub(super) async fn start(
        host: &std::sync::Arc<crate::host::Host>,
        pod: &SlimPod,
        key: &str,
        command: Command,
    ) -> Result<Job, Failure> {
        let jobs = &host.jobs;
        let place = (pod.uid().to_owned(), key.to_owned());
        let mark = mark(pod, &command.container);
        if let Some(known) = jobs.reserve(&host.index, pod, &place, &mark)? {
            return known;
        }
        match written(&host.api, pod, key, &mark).await {
            Ok(true) => {}
            Ok(false) => {
                jobs.forget(&place);
                return Ok(Job::Lost);
            }
            Err(failure) => {
                jobs.forget(&place);
                return Err(failure);
            }
        }
        let (task_host, task_pod, task_place) = (host.clone(), pod.clone(), place.clone());
        let running = tokio::spawn(async move {
            let ended = exec::exec(task_host.api.client(), &task_pod, command).await;
            let job = match ended {
                Ok(output) => Ok(Job::Exited(output)),
                Err(exec::ExecError::Lost(why)) => {
                    tracing::warn!(pod = task_pod.name(), key = task_place.1, "{why}");
                    Ok(Job::Lost)
                }
                Err(exec::ExecError::NotRun(why)) => Err(Failure::Other(why)),
            };
            task_host.jobs.ended(&task_place, job);
        });
        jobs.attach(&place, running);
        Ok(Job::Running)
    }

    pub(super) fn poll(&self, pod: &SlimPod, key: &str) -> Result<Job, Failure> {
        let place = (pod.uid().to_owned(), key.to_owned());
        let started = self.lock();
        match started.get(&place) {
            Some(known) if is_current(pod, &known.mark) => known.state.job(),
            _ => Ok(Job::Lost),
        }
    }

    /// Takes the key for this start of the container; or what became of the program that has it.
    fn reserve(
        &self,
        index: &Index,
        pod: &SlimPod,
        place: &Place,
        mark: &str,
    ) -> Result<Option<Result<Job, Failure>>, Failure> {
        let mut started = self.lock();
        started.retain(|(uid, _), one| {
            let now = index.pod(&one.namespace, &one.pod);
            now.is_some_and(|now| now.uid() == uid)
        });
        if let Some(known) = started.get(place).filter(|known| known.mark == mark) {
            return Ok(Some(known.state.job()));
        }
        let of_pod: Vec<Place> = (started.keys())
            .filter(|(uid, _)| *uid == place.0)
            .cloned()
            .collect();
        if of_pod.len() >= MOST_OF_A_POD {
            let is_over = |place: &&Place| {
                let known = started.get(*place);
                known.is_some_and(|known| matches!(known.state, State::Ended(_)))
            };
            match of_pod.iter().find(is_over) {
                Some(over) => started.remove(over),
                None => {
                    return Err(Failure::Budget(format!(
                        "{MOST_OF_A_POD} programs of one pod at a time"
                    )));
                }
            };
        }
        let reserved = Started {
            namespace: pod.namespace().to_owned(),
            pod: pod.name().to_owned(),
            mark: mark.to_owned(),
            state: State::Running,
            running: None,
        };
        started.insert(place.clone(), reserved);
        Ok(None)
    }

    fn attach(&self, place: &Place, running: JoinHandle<()>) {
        match self.lock().get_mut(place) {
            Some(started) => started.running = Some(running),
            None => running.abort(),
        }
    }

    fn ended(&self, place: &Place, job: Result<Job, Failure>) {
        if let Some(started) = self.lock().get_mut(place) {
            started.state = State::Ended(job);
        }
    }

    fn forget(&self, place: &Place) {
        self.lock().remove(place);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Place, Started>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names one start of a container.
fn mark(pod: &SlimPod, container: &str) -> String {
    format!("{container}/{}", pod.restarts_of(container))
}

fn is_current(pod: &SlimPod, known: &str) -> bool {
    let container = known
        .rsplit_once('/')
        .map_or(known, |(container, _)| container);
    mark(pod, container) == known
}

/// Writes on the pod that the program is started. False: it says so already, and so another process has started it.
async fn written(api: &Api, pod: &SlimPod, key: &str, mark: &str) -> Result<bool, Failure> {
    let name = format!("{JOB}{key}");
    let known = pod.facts.annotations.get(&name);
    if known.is_some_and(|known| known == mark) {
        return Ok(false);
    }
    let patch = json!({ "metadata": {
        "uid": pod.uid(),
        "resourceVersion": (pod.version > 0).then(|| pod.version.to_string()),
        "annotations": { name: mark },
    } });
    let write = api.merge(Collection::Pods, pod.namespace(), pod.name(), None, &patch);
    match write.await {
        Ok(_) => Ok(true),
        Err(error) => Err(Failure::Other(format!(
            "that the program is started could not be written on pod {}: {error}",
            pod.name()
        ))),
    }
}
