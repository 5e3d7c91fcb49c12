//! Starting a container: its variables, mounts and log, then the runtime; afterwards its hook and probes.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Container, Pod, Secret};
use kube::{Api, Client, ResourceExt};
use tokio::time::Instant;

use super::environment::environment;
use super::expansion::expand;
use super::happenings::{Happening, Message};
use super::last_words;
use super::record::{Ended, Record, Role, Running, State};
use super::sources::Sources;
use super::worker::Worker;
use crate::events::Kind;
use crate::probes;
use crate::runtime::process::log::ContainerLog;
use crate::runtime::{ContainerStart, Runtime, StartError, StartedContainer};
use crate::volumes::mounts;

/// Why a container was not started.
pub(crate) enum Refusal {
    /// Tried again when what it refers to changes.
    Config(String),
    Image(String),
    Start(String),
    /// The API did not answer; tried again soon.
    Api(String),
}

/// What a start needs of its worker, so that it can go on beside it.
struct Attempt {
    client: Client,
    runtime: Arc<dyn Runtime>,
    pod: Pod,
    container: Container,
    start: StartParts,
}

struct StartParts {
    hostname: String,
    address: std::net::Ipv4Addr,
    folder: PathBuf,
    log: Arc<ContainerLog>,
    last_words: PathBuf,
    volumes: std::collections::BTreeMap<String, crate::volumes::Source>,
}

impl Worker {
    /// Begins to start the container; the result comes as a message.
    pub(super) fn start(&mut self, at: usize) {
        let Some(container) = self.container_spec(at).cloned() else {
            return;
        };
        let (Some(address), Some(volumes)) = (self.address, self.volumes.clone()) else {
            return;
        };
        let pod = self.told_pod();
        let Some(record) = self.containers.get_mut(at) else {
            return;
        };
        if let State::Ended(ended) = &record.state {
            record.last = Some(ended.clone());
            record.restarts += 1;
        }
        record.start_number += 1;
        record.not_before = None;
        let (start_number, image) = (
            record.start_number,
            container.image.clone().unwrap_or_default(),
        );
        record.image = image;
        record.state = State::Starting;
        let log = match ContainerLog::create(self.log_path(&container.name, start_number)) {
            Ok(log) => Arc::new(log),
            Err(error) => {
                let refusal = Refusal::Start(format!("no log file: {error}"));
                self.send(at, start_number, Happening::Started(Box::new(Err(refusal))));
                return;
            }
        };
        let last_words = self.last_words_path(&container.name, start_number);
        let attempt = Attempt {
            client: self.context.client.clone(),
            runtime: Arc::clone(&self.context.runtime),
            start: StartParts {
                hostname: hostname(&pod),
                address,
                folder: self
                    .folder()
                    .join("containers")
                    .join(format!("{}-{start_number}", container.name)),
                log: Arc::clone(&log),
                last_words,
                volumes,
            },
            pod,
            container,
        };
        let messages = self.messages.clone();
        let task = self.tasks.spawn(async move {
            let result = Box::new(attempt.run().await);
            // A worker that is gone has killed what ran.
            let _gone = messages.send(Message {
                container: at,
                start_number,
                what: Happening::Started(result),
            });
        });
        if let Some(record) = self.containers.get_mut(at) {
            record.next_log = Some(log);
            record.starting = Some(task);
        }
    }

    pub(super) fn container_spec(&self, at: usize) -> Option<&Container> {
        let name = &self.containers.get(at)?.name;
        let spec = self.pod.spec.as_ref()?;
        let init = spec.init_containers.iter().flatten();
        init.chain(&spec.containers)
            .find(|container| container.name == *name)
    }

    pub(super) fn send(&self, container: usize, start_number: u64, what: Happening) {
        let message = Message {
            container,
            start_number,
            what,
        };
        // The receiving end is this very worker's.
        let _own = self.messages.send(message);
    }

    pub(super) async fn started(&mut self, at: usize, result: Result<StartedContainer, Refusal>) {
        match result {
            Ok(started) => self.runs(at, started),
            Err(refusal) => self.refused(at, refusal).await,
        }
    }

    fn runs(&mut self, at: usize, started: StartedContainer) {
        let Some(container) = self.container_spec(at).cloned() else {
            return;
        };
        let Some(record) = self.containers.get_mut(at) else {
            return;
        };
        let number = record.start_number;
        let messages = self.messages.clone();
        let exit = started.exit;
        self.tasks.spawn(async move {
            let what = Happening::Exited(exit.await);
            let _gone = messages.send(Message {
                container: at,
                start_number: number,
                what,
            });
        });
        let is_main = record.role != Role::Init;
        // What needs no hook and no probe is known at once, and told with one write.
        let has_hook = container
            .lifecycle
            .as_ref()
            .is_some_and(|hooks| hooks.post_start.is_some());
        let is_started = !has_hook && (container.startup_probe.is_none() || !is_main);
        let is_ready = is_started && container.readiness_probe.is_none() && *started.ready.borrow();
        let watch = probes::Watch {
            container: container.clone(),
            handle: Arc::clone(&started.handle),
            address: self.address,
            events: self.context.events.clone(),
            pod: Arc::clone(&self.pod),
            messages: self.messages.clone(),
            at,
            start_number: number,
            is_told_ready: is_ready,
            runtime_ready: started.ready,
        };
        let watcher = self.tasks.spawn(watch.run(is_main));
        record.starting = None;
        record.state = State::Running(Box::new(Running {
            id: format!("{}-{}-{number}", self.uid, record.name),
            since: Timestamp::now(),
            since_instant: Instant::now(),
            is_started,
            is_ready,
            handle: started.handle,
            kill_at: None,
            watchers: vec![watcher],
        }));
        record.change_logs();
        let name = record.name.clone();
        let (events, pod) = (self.context.events.clone(), Arc::clone(&self.pod));
        self.tasks.spawn(async move {
            let text = format!("Started container {name}");
            events.publish(&*pod, Kind::Normal, "Started", &text).await;
        });
    }

    async fn refused(&mut self, at: usize, refusal: Refusal) {
        let Some(record) = self.containers.get_mut(at) else {
            return;
        };
        record.starting = None;
        record.drop_next_log();
        let now = Instant::now();
        let waits = |reason| move |message| State::Waiting { reason, message };
        let (kind, message, state) = match refusal {
            Refusal::Config(message) => {
                (Some("Failed"), message, waits("CreateContainerConfigError"))
            }
            Refusal::Image(message) => (Some("Failed"), message, waits("ErrImagePull")),
            Refusal::Api(message) => (None, message, waits("ContainerCreating")),
            Refusal::Start(message) => {
                let wait = record.backoff.after_run(std::time::Duration::ZERO);
                record.not_before = Some(now + wait);
                record.state = State::Ended(Ended {
                    code: 128,
                    reason: "StartError",
                    message: Some(message.clone()),
                    id: None,
                    started_at: None,
                    finished_at: Some(Timestamp::now()),
                });
                let pod = Arc::clone(&self.pod);
                self.context
                    .events
                    .publish(&*pod, Kind::Warning, "Failed", &format!("Error: {message}"))
                    .await;
                return;
            }
        };
        record.not_before = Some(match kind {
            Some(_) => now + record.backoff.after_refusal(),
            None => now + std::time::Duration::from_secs(1),
        });
        record.state = state(Some(message.clone()));
        if let Some(reason) = kind {
            let pod = Arc::clone(&self.pod);
            self.context
                .events
                .publish(&*pod, Kind::Warning, reason, &format!("Error: {message}"))
                .await;
        }
    }

    /// The image may be there without its registry's secret, so the pod starts all the same, as upstream.
    pub(super) async fn warn_of_pull_secrets(&self, pod: &Pod) {
        let named = pod
            .spec
            .as_ref()
            .and_then(|spec| spec.image_pull_secrets.as_ref());
        let api: Api<Secret> = Api::namespaced(self.context.client.clone(), &self.namespace);
        for reference in named.into_iter().flatten() {
            if matches!(api.get_opt(&reference.name).await, Ok(None)) {
                let text = format!(
                    "Unable to retrieve some image pull secrets ({}); attempting to pull the image may not succeed.",
                    reference.name
                );
                let events = &self.context.events;
                events
                    .publish(pod, Kind::Warning, "FailedToRetrieveImagePullSecret", &text)
                    .await;
            }
        }
    }
}

pub(super) fn hostname(pod: &Pod) -> String {
    let own = pod.spec.as_ref().and_then(|spec| spec.hostname.clone());
    // A hostname has at most 63 characters; longer pod names are cut, as a kubelet does.
    own.unwrap_or_else(|| pod.name_any())
        .chars()
        .take(63)
        .collect::<String>()
        .trim_end_matches(['-', '.'])
        .to_owned()
}

impl Attempt {
    async fn run(mut self) -> Result<StartedContainer, Refusal> {
        self.refresh().await?;
        let namespace = self.pod.namespace().unwrap_or_default();
        let sources = Sources::fetch(&self.client, &namespace, &self.container)
            .await
            .map_err(|error| Refusal::Api(error.to_string()))?;
        let variables = environment(&self.pod, &self.container, &sources)
            .map_err(|error| Refusal::Config(error.to_string()))?;
        let lookup = |name: &str| {
            variables
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value.as_str())
        };
        let expanded = |words: &Option<Vec<String>>| -> Vec<String> {
            words
                .iter()
                .flatten()
                .map(|word| expand(word, lookup))
                .collect()
        };
        let mounts = if self.runtime.needs_volumes() {
            let mut all = mounts(&self.container, &self.start.volumes, |text| {
                expand(text, lookup)
            })
            .map_err(|error| Refusal::Config(error.to_string()))?;
            let last_words = last_words::mount(&self.container, &self.start.last_words)
                .map_err(|error| Refusal::Start(format!("no termination message: {error}")))?;
            all.push(last_words);
            all
        } else {
            Vec::new()
        };
        let (user, group) = user(&self.pod, &self.container);
        let start = ContainerStart {
            hostname: self.start.hostname,
            address: self.start.address,
            image: self.container.image.clone().unwrap_or_default(),
            command: expanded(&self.container.command),
            args: expanded(&self.container.args),
            working_folder: self.container.working_dir.clone(),
            user,
            group,
            mounts,
            folder: self.start.folder,
            log: self.start.log,
            environment: variables.clone(),
            pod: Arc::new(self.pod),
        };
        self.runtime
            .start(start)
            .await
            .map_err(|error| match error {
                StartError::Image(message) => Refusal::Image(message),
                StartError::Start(message) => Refusal::Start(message),
            })
    }

    /// Labels and annotations as they are now: a watch may be behind a write that was made just before this start.
    async fn refresh(&mut self) -> Result<(), Refusal> {
        let reads_fields = self.container.env.iter().flatten().any(|variable| {
            let source = variable.value_from.as_ref();
            source.is_some_and(|source| source.field_ref.is_some())
        });
        if !reads_fields {
            return Ok(());
        }
        let api: Api<Pod> = Api::namespaced(
            self.client.clone(),
            &self.pod.namespace().unwrap_or_default(),
        );
        let found = api
            .get_opt(&self.pod.name_any())
            .await
            .map_err(|error| Refusal::Api(error.to_string()))?;
        if let Some(found) = found.filter(|found| found.uid() == self.pod.uid()) {
            self.pod.metadata = found.metadata;
        }
        Ok(())
    }
}

fn user(pod: &Pod, container: &Container) -> (Option<u32>, Option<u32>) {
    let of_pod = pod
        .spec
        .as_ref()
        .and_then(|spec| spec.security_context.as_ref());
    let own = container.security_context.as_ref();
    let user = own
        .and_then(|context| context.run_as_user)
        .or_else(|| of_pod.and_then(|context| context.run_as_user));
    let group = own
        .and_then(|context| context.run_as_group)
        .or_else(|| of_pod.and_then(|context| context.run_as_group));
    let number = |id: Option<i64>| id.and_then(|id| u32::try_from(id).ok());
    (number(user), number(group))
}

impl Record {
    /// Forgets a start that has not come to an end.
    pub(super) fn abandon_start(&mut self) {
        if let Some(starting) = self.starting.take() {
            starting.abort();
        }
        self.drop_next_log();
        if matches!(self.state, State::Starting) {
            self.start_number += 1;
            self.state = State::Waiting {
                reason: "ContainerCreating",
                message: None,
            };
        }
    }
}
