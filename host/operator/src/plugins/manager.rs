//! Keeps the offers up to date: one task that hears of Plugin objects, loads them, and tells the apps that name them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use stateward_runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::conduct::Trapping;
use super::loading::{Loaded, describe, load};
use super::registry::{Offer, Registry, Serving};
use crate::api::{Api, Collection};
use crate::crd::{PluginState, PluginStatus};
use crate::events::{Events, Note, Subject};
use crate::metrics::Metrics;
use crate::watch::{Index, Meta, News, RawPlugin};

/// The longest time between two looks at a source that cannot be read.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Grants that are shown as counted.
const MOST_COUNTED: usize = 32;

/// What the manager hears.
pub(crate) enum Heard {
    Changed(Box<RawPlugin>),
    Gone(String),
    /// A version keeps ending its calls without an answer.
    Trapping(Box<Trapping>),
    /// A plugin did what it is not granted, where grants are only counted.
    Counted {
        plugin: String,
        grant: String,
    },
}

/// Loads plugins and keeps their status.
pub(crate) struct Manager {
    pub api: Api,
    pub runtime: Runtime,
    pub registry: Arc<Registry>,
    pub index: Arc<Index>,
    pub events: Events,
    pub metrics: Arc<Metrics>,
    pub news: UnboundedSender<News>,
}

/// A Plugin object that is there.
struct Known {
    uid: String,
    generation: i64,
    spec: Value,
    status: PluginStatus,
    serving: Option<Arc<Serving>>,
    /// The last version before it that ever answered.
    former: Option<Arc<Serving>>,
    failures: u32,
}

impl Known {
    /// Whether this version is served already.
    fn serves(&self, version: &Serving) -> bool {
        let served = self.serving.as_ref();
        served.is_some_and(|served| served.facts.digest == version.facts.digest)
    }

    /// Whether another version is served because this one keeps trapping.
    fn has_quarantined(&self, digest: &str) -> bool {
        self.serving.is_some() && !digest.is_empty() && self.status.quarantined == digest
    }
}

/// A load that ended.
struct Ended {
    name: String,
    uid: String,
    generation: i64,
    loaded: Loaded,
}

impl Manager {
    pub(crate) async fn run(self, mut heard: UnboundedReceiver<Heard>, stop: CancellationToken) {
        let mut known: HashMap<String, Known> = HashMap::new();
        let mut loads: JoinSet<Ended> = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                message = heard.recv() => match message {
                    None => return,
                    Some(Heard::Changed(plugin)) => self.changed(*plugin, &mut known, &mut loads),
                    Some(Heard::Trapping(trapping)) => self.quarantine(*trapping, &mut known).await,
                    Some(Heard::Counted { plugin, grant }) => {
                        self.count(&plugin, grant, &mut known).await;
                    }
                    Some(Heard::Gone(name)) => {
                        known.remove(&name);
                        self.registry.remove(&name);
                        self.tell_apps(&name);
                    }
                },
                Some(Ok(ended)) = loads.join_next(), if !loads.is_empty() => {
                    self.ended(ended, &mut known, &mut loads).await;
                }
            }
        }
    }

    fn changed(
        &self,
        plugin: RawPlugin,
        known: &mut HashMap<String, Known>,
        loads: &mut JoinSet<Ended>,
    ) {
        let name = plugin.name().to_owned();
        let generation = plugin.metadata.generation.unwrap_or(0);
        let before = known.remove(&name);
        let is_same = before
            .as_ref()
            .is_some_and(|before| before.uid == plugin.uid() && before.generation == generation);
        let status = serde_json::from_value(plugin.status.clone()).unwrap_or_default();
        let now = Known {
            uid: plugin.uid().to_owned(),
            generation,
            spec: plugin.spec,
            status,
            failures: before.as_ref().map_or(0, |before| before.failures),
            former: before.as_ref().and_then(|before| before.former.clone()),
            serving: before.and_then(|before| before.serving),
        };
        if !is_same {
            self.registry.announce(&name);
            self.begin(&name, &now, Duration::ZERO, loads);
        }
        known.insert(name, now);
    }

    fn begin(&self, name: &str, known: &Known, after: Duration, loads: &mut JoinSet<Ended>) {
        let (api, runtime) = (self.api.clone(), self.runtime.clone());
        let (name, uid, spec) = (name.to_owned(), known.uid.clone(), known.spec.clone());
        let generation = known.generation;
        loads.spawn(async move {
            tokio::time::sleep(after).await;
            let loaded = load(&api, &runtime, &name, generation, &spec).await;
            Ended {
                name,
                uid,
                generation,
                loaded,
            }
        });
    }

    async fn ended(
        &self,
        ended: Ended,
        known: &mut HashMap<String, Known>,
        loads: &mut JoinSet<Ended>,
    ) {
        let Ended { name, loaded, .. } = ended;
        let Some(known) = known.get_mut(&name) else {
            return;
        };
        if known.uid != ended.uid || known.generation != ended.generation {
            return;
        }
        let Loaded {
            mut status,
            serving,
            is_worth_retrying,
        } = loaded;
        let is_looked_at_again = known.status.observed_generation == ended.generation;
        if is_looked_at_again && known.has_quarantined(&status.digest) {
            // Only a change of the object brings it back.
            return;
        }
        if !is_worth_retrying {
            known.failures = 0;
        }
        match serving {
            // What is known of its conduct stays.
            Some(serving) if is_looked_at_again && known.serves(&serving) => {}
            Some(serving) => {
                self.metrics
                    .plugin_loaded(&name, serving.granted.plugin().loading());
                let before = known.serving.replace(serving.clone());
                if let Some(before) = before.filter(|before| {
                    before.has_answered() && before.facts.digest != serving.facts.digest
                }) {
                    known.former = Some(before);
                }
                self.registry.set(&name, Offer::Ready(serving));
            }
            None if is_worth_retrying && known.serving.is_some() => {
                let digest = known.serving.as_ref().map(|one| one.facts.digest.clone());
                status.message = format!(
                    "{}; the version that is served goes on: {}",
                    status.message,
                    digest.unwrap_or_default()
                );
            }
            None => {
                known.serving = None;
                let offer = Offer::Unavailable {
                    reason: status.reason.clone(),
                    message: format!("plugin {name}: {}", status.message),
                };
                self.registry.set(&name, offer);
            }
        }
        if is_worth_retrying {
            known.failures = known.failures.saturating_add(1);
            let wait = Duration::from_secs(1 << known.failures.min(6)).min(LONGEST_WAIT);
            self.begin(&name, known, wait, loads);
        }
        if known.status != status {
            self.say(&name, known, &status);
            self.write(&name, &status).await;
            known.status = status;
            self.tell_apps(&name);
        } else {
            self.tell_apps(&name);
        }
    }

    /// The version before it takes over, under the present terms. Without one, it is called on with backoff, and the status says so.
    async fn quarantine(&self, trapping: Trapping, known: &mut HashMap<String, Known>) {
        let Trapping {
            plugin: name,
            digest,
            error,
        } = trapping;
        let Some(known) = known.get_mut(&name) else {
            return;
        };
        let Some(serving) = (known.serving.clone()).filter(|one| one.facts.digest == digest) else {
            return;
        };
        let former = known.former.take();
        let former = former.and_then(|former| former.under_the_terms_of(&serving));
        let mut status = known.status.clone();
        match former {
            Some(former) => {
                let former = Arc::new(former);
                describe(
                    former.granted.plugin(),
                    former.granted.grants(),
                    &mut status,
                );
                status.digest.clone_from(&former.facts.digest);
                status.quarantined.clone_from(&digest);
                status.reason = "Quarantined".to_owned();
                status.message = format!(
                    "{digest} keeps ending its calls without an answer and is quarantined: {error}; {} is served again; change the spec of the Plugin to try another version, or the same again",
                    former.facts.digest
                );
                known.serving = Some(former.clone());
                self.registry.set(&name, Offer::Ready(former));
            }
            None => {
                status.reason = "KeepsTrapping".to_owned();
                status.message = format!(
                    "it keeps ending its calls without an answer: {error}; there is no earlier version that worked, so it is called on with backoff; tell its author, or set another version"
                );
            }
        }
        let about = subject(&name, known);
        let note = Note::warning(&status.reason, status.message.clone());
        self.events.emit(&about, note);
        self.write(&name, &status).await;
        known.status = status;
        self.tell_apps(&name);
    }

    /// What enforcing the grants would have refused is shown, each grant once.
    async fn count(&self, name: &str, grant: String, known: &mut HashMap<String, Known>) {
        let Some(known) = known.get_mut(name) else {
            return;
        };
        let counted = &mut known.status.counted;
        if counted.contains(&grant) || counted.len() >= MOST_COUNTED {
            return;
        }
        counted.push(grant);
        let status = known.status.clone();
        self.write(name, &status).await;
    }

    fn say(&self, name: &str, known: &Known, status: &PluginStatus) {
        let about = subject(name, known);
        let note = match status.state {
            Some(PluginState::Ready) if status.reason.is_empty() => Note::normal(
                "Loaded",
                format!("{} {} {}", status.name, status.version, status.digest),
            ),
            _ => Note::warning(&status.reason, status.message.clone()),
        };
        tracing::info!(plugin = name, state = ?status.state, digest = %status.digest, message = %status.message, "plugin");
        self.events.emit(&about, note);
    }

    async fn write(&self, name: &str, status: &PluginStatus) {
        let mut wanted = serde_json::to_value(status).unwrap_or_default();
        // A merge patch keeps what it does not name.
        if let (Some(wanted), Ok(Value::Object(all))) =
            (wanted.as_object_mut(), serde_json::to_value(full()))
        {
            for field in all.keys() {
                wanted.entry(field.clone()).or_insert(Value::Null);
            }
        }
        let patch = json!({ "status": wanted });
        let written = (self.api).merge(Collection::Plugins, "", name, Some("status"), &patch);
        if let Err(error) = written.await {
            tracing::warn!(plugin = name, %error, "the status of a plugin was not written");
        }
    }

    fn tell_apps(&self, name: &str) {
        for key in self.index.apps_of_plugin(name) {
            // Nobody listens any more: the operator stops.
            let _ = self.news.send(News::App(key));
        }
    }
}

fn subject(name: &str, known: &Known) -> Subject {
    Subject {
        api_version: "stateward.dev/v1alpha1",
        kind: "Plugin",
        namespace: String::new(),
        name: name.to_owned(),
        uid: known.uid.clone(),
    }
}

/// A status of which every field is written.
fn full() -> PluginStatus {
    let text = || "-".to_owned();
    PluginStatus {
        state: Some(PluginState::Ready),
        reason: text(),
        message: text(),
        digest: text(),
        name: text(),
        version: text(),
        hooks: vec![text()],
        imports: vec![text()],
        roles: vec![crate::crd::PluginRole::default()],
        tasks: vec![crate::crd::PluginTask::default()],
        exports: vec![text()],
        sdk: text(),
        asks: vec![crate::crd::PluginAsk::default()],
        settings_schema: Some(Value::Bool(true)),
        counted: vec![text()],
        quarantined: text(),
        post_ready_overlaps: true,
        pre_scale_overlaps: false,
        missing_grants: vec![text()],
        observed_generation: 1,
    }
}
