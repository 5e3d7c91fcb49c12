//! Processes of members: they start in pods, end with them, and may be replaced under the same name.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use stateward_planner::world::{Plugin, Pod as WorldPod, PodPhase};
use stateward_planner::{Invocation, InvocationId};
use stateward_sdk::Hook;

use crate::application::{Application, Pod};
use crate::cluster::NAMESPACE;
use crate::cluster::scene::Scene;

/// What runs in a pod.
#[derive(Debug, Clone)]
pub(super) struct Process {
    pub(super) ordinal: u32,
    pub(super) address: String,
}

/// What a pod does by itself.
enum Course {
    Starts,
    Runs,
    Ends,
}

/// So long a pod that somebody else deletes may take to end, as by default in Kubernetes.
const GRACE_SECONDS: i64 = 30;
/// The annotations that carry what `member-config` said.
const CONFIG: &str = "config.stateward.dev/";
/// The annotation that says that a pod has joined.
const JOINED: &str = "stateward.dev/post-ready";

impl<A: Application> Scene<A> {
    pub(super) fn pod_name(&self, ordinal: u32) -> String {
        format!("{}-{ordinal}", self.model.world.app.name)
    }

    pub(super) fn ordinal_of(&self, name: &str) -> Option<u32> {
        let ordinal = name.strip_prefix(self.model.world.app.name.as_str())?;
        ordinal.strip_prefix('-')?.parse().ok()
    }

    pub(super) fn host_of(&self, ordinal: u32) -> String {
        let app = &self.model.world.app;
        format!("{}-{ordinal}.{}.{NAMESPACE}.svc", app.name, app.name)
    }

    /// The pod of this UID, for the application. None when it was replaced or is gone.
    pub(super) fn pod(&self, uid: &str) -> Option<Pod> {
        let process = self.processes.get(uid)?;
        let pod = self.model.world.pods.iter().find(|pod| pod.uid == uid)?;
        let config: BTreeMap<String, String> = (pod.annotations.iter())
            .filter_map(|(key, value)| {
                let key = key.strip_prefix(CONFIG)?;
                Some((key.to_owned(), value.to_owned()))
            })
            .collect();
        Some(Pod {
            uid: uid.to_owned(),
            name: pod.name.clone(),
            ordinal: process.ordinal,
            address: process.address.clone(),
            host: self.host_of(process.ordinal),
            config,
            now_ms: self.now_ms(),
        })
    }

    /// Pods that terminate end, and pods that were made start. Whether something moved.
    pub(super) fn run_pods(&mut self) -> bool {
        self.evict();
        let mut has_moved = false;
        let pods: Vec<(String, String, Course)> = (self.model.world.pods.iter())
            .map(|pod| (pod.name.clone(), pod.uid.clone(), self.course(pod)))
            .collect();
        for (name, uid, course) in pods {
            match course {
                Course::Ends => self.end(&name),
                Course::Starts => {
                    self.model.start(&name);
                    if !self.processes.contains_key(&uid) {
                        self.start(&name, &uid);
                    }
                }
                Course::Runs => continue,
            }
            has_moved = true;
        }
        has_moved
    }

    fn course(&self, pod: &WorldPod) -> Course {
        match pod.deletion {
            Some(end) if end > self.model.now && self.is_prepared_late(pod) => Course::Runs,
            Some(_) => Course::Ends,
            None if pod.phase == PodPhase::Pending || pod.ready_since.is_none() => Course::Starts,
            None => Course::Runs,
        }
    }

    /// Whether the plugin may still do something for a pod that somebody else deleted.
    fn is_prepared_late(&self, pod: &WorldPod) -> bool {
        let world = &self.model.world;
        let has_hook = match &world.plugin {
            Plugin::Ready(plugin) => plugin.hooks.contains(Hook::PreDelete.name()),
            _ => false,
        };
        let id = InvocationId(format!("pre-delete/{}/external", pod.uid));
        let is_done = (world.journal.get(&id)).is_some_and(Invocation::is_done);
        has_hook && pod.phase == PodPhase::Running && !is_done
    }

    /// Somebody else deletes the pod: it may take its grace period to end.
    pub(super) fn terminate(&mut self, name: &str) {
        let grace = SignedDuration::from_secs(GRACE_SECONDS);
        let now = self.model.now;
        let pods = &mut self.model.world.pods;
        if let Some(pod) = pods.iter_mut().find(|pod| pod.name == name) {
            pod.deletion
                .get_or_insert(now.saturating_add(grace).unwrap_or(now));
        }
    }

    fn start(&mut self, name: &str, uid: &str) {
        let Some(ordinal) = self.ordinal_of(name) else {
            return;
        };
        self.incarnations += 1;
        let (high, low) = (self.incarnations / 200, self.incarnations % 200 + 1);
        let process = Process {
            ordinal,
            address: format!("10.0.{high}.{low}"),
        };
        self.processes.insert(uid.to_owned(), process);
        self.schedule(name);
        self.tell(format_args!("{name} is ready"));
        if let Some(pod) = self.pod(uid) {
            self.application.boot(&pod);
        }
        self.use_volumes(ordinal);
    }

    /// The pod of this name is gone, its processes with it.
    pub(super) fn end(&mut self, name: &str) {
        let known = self.model.world.pods.iter().find(|pod| pod.name == name);
        let Some(uid) = known.map(|pod| pod.uid.clone()) else {
            return;
        };
        self.stop(&uid);
        self.model.finish(name);
        self.tell(format_args!("{name} is gone"));
        self.lose_volumes();
    }

    fn stop(&mut self, uid: &str) {
        if let Some(pod) = self.pod(uid) {
            self.application.stop(&pod);
        }
        self.processes.remove(uid);
        self.seen.remove(uid);
        self.jobs.forget(uid);
        self.ended.insert(uid.to_owned());
    }

    /// A container of the pod ends and starts again.
    pub(super) fn restart(&mut self, name: &str) {
        let known = self.model.world.pods.iter().find(|pod| pod.name == name);
        let Some(uid) = known.map(|pod| pod.uid.clone()) else {
            return;
        };
        self.model.restart(name);
        if let Some(pod) = self.pod(&uid) {
            self.application.stop(&pod);
            self.application.boot(&pod);
        }
    }

    /// The pod is replaced by one of the same name, between two looks of the host.
    pub(super) fn replace(&mut self, uid: &str) {
        self.stop(uid);
        self.incarnations += 1;
        let new = format!("{uid}-again");
        let now = self.model.now;
        let pods = &mut self.model.world.pods;
        let Some(pod) = pods.iter_mut().find(|pod| pod.uid == uid) else {
            return;
        };
        pod.uid.clone_from(&new);
        pod.annotations.remove(JOINED);
        pod.restarts = 0;
        pod.created = now;
        pod.ready_since = Some(now);
        pod.deletion = None;
        pod.seen = None;
        Self::leave_node(pod);
        let name = pod.name.clone();
        self.start(&name, &new);
    }
}
