//! The logs of a pod's containers, and where exec and logs find them.

use std::path::PathBuf;
use std::sync::Arc;

use kube::ResourceExt;

use super::directory::Entry;
use super::worker::Worker;
use crate::runtime::process::log::ContainerLog;

impl Worker {
    /// Logs of starts under an earlier agent: they stay readable, and the next start has a log of its own.
    pub(super) fn find_logs(&mut self) {
        for at in 0..self.containers.len() {
            let Some(name) = self
                .containers
                .get(at)
                .map(|container| container.name.clone())
            else {
                continue;
            };
            let logs = std::fs::read_dir(self.log_folder(&name))
                .into_iter()
                .flatten()
                .flatten();
            let last = logs
                .filter_map(|entry| {
                    entry
                        .file_name()
                        .to_str()?
                        .strip_suffix(".log")?
                        .parse::<u64>()
                        .ok()
                })
                .max();
            if let (Some(last), Some(container)) = (last, self.containers.get_mut(at)) {
                container.start_number = last;
            }
            let log = last.and_then(|last| ContainerLog::create(self.log_path(&name, last)).ok());
            if let (Some(log), Some(container)) = (log, self.containers.get_mut(at)) {
                log.end();
                container.log = Some(Arc::new(log));
                self.list(at, &name);
            }
        }
    }

    pub(super) fn log_folder(&self, container: &str) -> PathBuf {
        self.folder().join("logs").join(container)
    }
    /// Keeps the directory of containers true.
    pub(super) fn list(&self, at: usize, name: &str) {
        let Some(container) = self.containers.get(at) else {
            return;
        };
        let previous = container
            .start_number
            .checked_sub(1)
            .filter(|number| *number > 0);
        let entry = Entry {
            uid: self.uid.clone(),
            handle: container
                .running()
                .map(|running| Arc::clone(&running.handle)),
            log: container.log.clone(),
            previous_log: previous.map(|number| self.log_path(name, number)),
        };
        self.context
            .directory
            .set(&self.namespace, &self.pod.name_any(), name, entry);
    }

    pub(super) fn log_path(&self, container: &str, start_number: u64) -> PathBuf {
        self.log_folder(container)
            .join(format!("{start_number}.log"))
    }
}
