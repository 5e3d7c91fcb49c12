//! Everything about a cluster but the plugin: the plugin is called while this is lent to the host's functions.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;
use stateward_planner::Model;
use stateward_planner::journal::commit::Request;
use stateward_planner::status::Order;
use stateward_planner::world::{self, ReadyPlugin, Role, Task};
use stateward_sdk::testing::{Grants, Jobs};
use stateward_sdk::{Failure, Hook, Manifest, Member, Seen, Tls};

use crate::application::Application;
use crate::cluster::nodes::Nodes;
use crate::cluster::pods::Process;
use crate::cluster::volumes::Volumes;
use crate::cluster::wishes::Asked;
use crate::fault::Points;
use crate::history::History;

/// A holder has failed when it was unwell for so long, where the manifest says nothing.
const GRACE_SECONDS: u32 = 30;

pub(super) struct Scene<A> {
    pub(super) model: Model,
    pub(super) application: A,
    pub(super) grants: Grants,
    pub(super) settings: String,
    pub(super) secrets: BTreeMap<String, Vec<u8>>,
    pub(super) config: BTreeMap<String, Vec<u8>>,
    pub(super) cut_off: BTreeSet<u32>,
    pub(super) slow: BTreeMap<u32, Duration>,
    pub(super) images: u32,
    pub(super) wishes: u32,
    pub(super) asked: Asked,
    /// By UID of the pod.
    pub(super) processes: BTreeMap<String, Process>,
    pub(super) ended: BTreeSet<String>,
    pub(super) volumes: Volumes,
    pub(super) nodes: Nodes,
    pub(super) incarnations: u32,
    /// What probes saw, by UID of the pod.
    pub(super) seen: BTreeMap<String, Seen>,
    pub(super) probed_at: i64,
    /// Programs under a key, by pod and key.
    pub(super) jobs: Jobs,
    /// Requests of the call that runs.
    pub(super) queued: Vec<Request>,
    /// What the call that runs is for; none between calls.
    pub(super) calling: Option<Hook>,
    /// The members as the last call saw them.
    pub(super) last_members: Vec<Member>,
    /// What the call that runs sees.
    pub(super) shown: Vec<Member>,
    pub(super) drawn: u64,
    pub(super) points: Points,
    pub(super) history: History,
    pub(super) mistakes: Vec<String>,
}

impl<A: Application> Scene<A> {
    pub(super) fn new(model: Model, application: A, grants: Grants) -> Scene<A> {
        let mut scene = Scene {
            history: History::default(),
            model,
            application,
            grants,
            settings: "{}".to_owned(),
            secrets: BTreeMap::new(),
            config: BTreeMap::new(),
            cut_off: BTreeSet::new(),
            slow: BTreeMap::new(),
            images: 1,
            wishes: 0,
            asked: Asked::default(),
            processes: BTreeMap::new(),
            ended: BTreeSet::new(),
            volumes: Volumes::new(),
            nodes: Nodes::new(),
            incarnations: 0,
            seen: BTreeMap::new(),
            probed_at: 0,
            jobs: Jobs::default(),
            queued: Vec::new(),
            calling: None,
            last_members: Vec::new(),
            shown: Vec::new(),
            drawn: 0,
            points: Points::default(),
            mistakes: Vec::new(),
        };
        scene.history = History::from(scene.now_ms());
        scene
    }

    pub(super) fn now_ms(&self) -> u64 {
        u64::try_from(self.model.now.as_millisecond()).unwrap_or(0)
    }

    /// Whether the slots that TLS needs have values.
    pub(super) fn bound(&self, secure: Option<&Tls>) -> Result<(), Failure> {
        let has_value =
            |slot: &str| self.config.contains_key(slot) || self.secrets.contains_key(slot);
        match secure.and_then(|tls| tls.slots().find(|slot| !has_value(slot))) {
            Some(slot) => Err(Failure::Other(format!("nothing is bound to slot {slot}"))),
            None => Ok(()),
        }
    }

    /// How often the container of this pod restarted.
    pub(super) fn restarts(&self, uid: &str) -> Result<u32, Failure> {
        let mut pods = self.model.world.pods.iter();
        let pod = pods.find(|pod| pod.uid == uid).ok_or(Failure::Replaced)?;
        Ok(pod.restarts)
    }

    pub(super) fn tell(&mut self, text: impl fmt::Display) {
        let now_ms = self.now_ms();
        self.history.tell(now_ms, text);
    }

    pub(super) fn pass(&mut self, time: SignedDuration) {
        self.model.pass(time);
        let now_ms = self.now_ms();
        self.application.pass(now_ms);
    }

    pub(super) fn mistake(&mut self, text: String) {
        self.history.detail(format_args!("mistake: {text}"));
        self.mistakes.push(text);
    }

    /// What a probe saw of a pod, as plans see it: since when it is not well, and which tasks should run.
    pub(super) fn note(&mut self, uid: &str, seen: &Seen, wants: Vec<String>) {
        let now = self.model.now;
        let pods = &mut self.model.world.pods;
        let Some(pod) = pods.iter_mut().find(|pod| pod.uid == uid) else {
            return;
        };
        let before = pod.seen.as_ref();
        let unwell_since = before.and_then(|before| before.unwell_since);
        pod.seen = Some(world::Seen {
            at: now,
            unwell_since: (!seen.healthy).then(|| unwell_since.unwrap_or(now)),
            role: seen.role.clone(),
            wants,
        });
    }

    /// The host is gone, and comes back with what it has written.
    pub(super) fn restart_host(&mut self) {
        self.model.restart_host();
        self.queued.clear();
        self.seen.clear();
        for pod in &mut self.model.world.pods {
            pod.seen = None;
        }
        self.jobs.lose();
        self.calling = None;
        self.tell("the host starts again");
    }

    pub(super) fn summary(&self) -> Vec<String> {
        let mut running: Vec<u32> = self
            .processes
            .values()
            .map(|process| process.ordinal)
            .collect();
        running.sort_unstable();
        let world = &self.model.world;
        let outdated = world.pods.iter().filter(|pod| {
            let revision = pod.labels.get("controller-revision-hash");
            revision != Some(&world.recorded.update_revision)
        });
        let held = (world.recorded.roles.iter()).filter(|role| {
            let holder = role.holder.as_ref();
            holder.is_some_and(|holder| world.pods.iter().any(|pod| pod.uid == holder.pod))
        });
        let held: Vec<&str> = held.map(|role| role.name.as_str()).collect();
        let kept = world
            .recorded
            .orders
            .iter()
            .filter_map(|order| match order {
                Order::Quarantine { ordinal, .. } => Some(*ordinal),
                _ => None,
            });
        let mut kept: Vec<u32> = kept.collect();
        kept.sort_unstable();
        let mut lines = vec![
            format!("members that run: {running:?}"),
            format!("pods of an old revision: {}", outdated.count()),
            format!("roles that are held: {}", held.join(", ")),
            format!("members that are not to be started: {kept:?}"),
            format!("tasks that users asked for: {}", self.ended_tasks()),
        ];
        let application = self.application.summary(&running);
        if !application.is_empty() {
            lines.push(format!("the application: {application}"));
        }
        lines
    }
}

/// The plugin as plans see it.
pub(super) fn ready(manifest: &Manifest, hooks: &[Hook]) -> ReadyPlugin {
    let json: Value = serde_json::from_str(&manifest.to_json()).unwrap_or_default();
    let is = |value: &Value, key: &str| value.get(key).and_then(Value::as_bool) == Some(true);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let grace = |role: &Value| {
        let seconds = role.get("grace-seconds").and_then(Value::as_u64);
        let seconds = seconds.and_then(|seconds| u32::try_from(seconds).ok());
        seconds.unwrap_or(GRACE_SECONDS)
    };
    let tasks = json.get("tasks").and_then(Value::as_array);
    let roles = json.get("roles").and_then(Value::as_array);
    ReadyPlugin {
        name: json.get("name").map(text).unwrap_or_default(),
        digest: "sha256:under-test".to_owned(),
        hooks: hooks.iter().map(|hook| hook.name().to_owned()).collect(),
        roles: roles
            .into_iter()
            .flatten()
            .map(|role| Role {
                name: role.get("name").map(text).unwrap_or_default(),
                exclusive: is(role, "exclusive"),
                movable: is(role, "movable"),
                grace_seconds: grace(role),
            })
            .collect(),
        post_ready_overlaps: json
            .get("lanes")
            .is_some_and(|lanes| is(lanes, "post-ready-overlaps")),
        pre_scale_overlaps: json
            .get("lanes")
            .is_some_and(|lanes| is(lanes, "pre-scale-overlaps")),
        failover_interrupts: json
            .get("lanes")
            .is_some_and(|lanes| is(lanes, "failover-interrupts")),
        tasks: tasks
            .into_iter()
            .flatten()
            .map(|task| Task {
                name: task.get("name").map(text).unwrap_or_default(),
                after_scale: is(task, "after-scale"),
            })
            .collect(),
    }
}
