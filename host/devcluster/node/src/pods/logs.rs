//! The logs of a pod's containers, and where exec, logs and forwarded ports find them: of every container that of the
//! last start that came to run, and that of the one before.

use std::path::PathBuf;
use std::sync::Arc;

use kube::ResourceExt;

use super::directory::Entry;
use super::record::{Record, State};
use super::worker::Worker;
use crate::runtime::process::log::{self, ContainerLog};

impl Worker {
    /// Logs of starts under an earlier agent: they stay readable, and the next start has a log of its own.
    pub(super) fn find_logs(&mut self) {
        let names: Vec<String> = self
            .containers
            .iter()
            .map(|container| container.name.clone())
            .collect();
        for (at, name) in names.iter().enumerate() {
            let mut found: Vec<u64> = std::fs::read_dir(self.log_folder(name))
                .into_iter()
                .flatten()
                .flatten()
                .filter_map(|entry| {
                    let file = entry.file_name();
                    file.to_str()?.strip_suffix(".log")?.parse().ok()
                })
                .collect();
            found.sort_unstable();
            let mut newest = found
                .iter()
                .rev()
                .map(|number| self.log_path(name, *number));
            let (last, previous) = (newest.next(), newest.next());
            let Some(container) = self.containers.get_mut(at) else {
                continue;
            };
            if let Some(number) = found.last() {
                container.start_number = *number;
            }
            container.previous_log = previous;
            container.log = last
                .and_then(|last| ContainerLog::create(last).ok())
                .map(Arc::new);
            if let Some(log) = &container.log {
                log.end();
            }
        }
        self.list();
    }

    pub(super) fn log_folder(&self, container: &str) -> PathBuf {
        self.folder().join("logs").join(container)
    }

    pub(super) fn log_path(&self, container: &str, start_number: u64) -> PathBuf {
        self.log_folder(container)
            .join(format!("{start_number}.log"))
    }

    /// Keeps the directory of containers true.
    pub(super) fn list(&self) {
        for container in &self.containers {
            let entry = Entry {
                uid: self.uid.clone(),
                address: self.address,
                handle: container
                    .running()
                    .map(|running| Arc::clone(&running.handle)),
                log: container.log.clone(),
                previous_log: self.previous_log(container),
                waiting: match &container.state {
                    State::Waiting { reason, .. } => Some(reason),
                    _ => None,
                },
            };
            let (namespace, pod) = (&self.namespace, self.pod.name_any());
            self.context
                .directory
                .set(namespace, &pod, &container.name, entry);
        }
    }

    /// The log of `lastState`: while a container waits for its next start, that is the last one's.
    fn previous_log(&self, container: &Record) -> Option<PathBuf> {
        let policy = self.facts().restart_policy;
        let is_current = match &container.state {
            State::Running(_) => true,
            State::Ended(ended) => !policy.restarts(container.role, ended.code),
            State::Waiting { .. } | State::Starting => false,
        };
        match &container.log {
            Some(log) if !is_current => Some(log.path().to_owned()),
            _ => container.previous_log.clone(),
        }
    }
}

impl Record {
    /// The new start runs: its log is the current one now, and the oldest goes.
    pub(super) fn change_logs(&mut self) {
        let Some(next) = self.next_log.take() else {
            return;
        };
        if let Some(old) = self.log.replace(next)
            && let Some(oldest) = self.previous_log.replace(old.path().to_owned())
        {
            log::remove(&oldest);
        }
    }

    /// The new start came to nothing, and so has its log.
    pub(super) fn drop_next_log(&mut self) {
        if let Some(next) = self.next_log.take() {
            log::remove(next.path());
        }
    }
}
