//! Kubernetes events: what an app's owner reads first.
//!
//! One task writes them, so that events never slow pods down. The same event again is counted on the object that exists, not written anew; of one kind an object
//! has so many only ([`Allowance`]); when more come than can be written, the surplus is dropped and counted in the log.

mod allowance;
mod texts;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use allowance::Allowance;
pub(crate) use texts::{claim_note, pod_note};

use crate::api::{Api, ApiError, Collection};
use crate::clock::Clock;
use crate::latest::Latest;
use crate::watch::AppKey;

/// Events that wait to be written.
const QUEUE: usize = 1024;
/// Events whose repetition is recognised.
const REMEMBERED: usize = 2048;
/// A repetition within this time is only counted.
const QUIET: Duration = Duration::from_secs(5);
/// The longest note that the API takes.
const LONGEST: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Weight {
    Normal,
    Warning,
}

/// The object that an event is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Subject {
    pub api_version: &'static str,
    pub kind: &'static str,
    pub namespace: String,
    pub name: String,
    pub uid: String,
}

impl Subject {
    /// An app.
    pub(crate) fn app(key: &AppKey, uid: &str) -> Subject {
        Subject {
            api_version: key.face.api_version(),
            kind: key.kind(),
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            uid: uid.to_owned(),
        }
    }

    /// A namespace.
    pub(crate) fn namespace(name: &str, uid: String) -> Subject {
        Subject {
            api_version: "v1",
            kind: "Namespace",
            namespace: String::new(),
            name: name.to_owned(),
            uid,
        }
    }
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Note {
    pub weight: Weight,
    pub reason: String,
    pub message: String,
}

impl Note {
    pub(crate) fn normal(reason: &str, message: impl Into<String>) -> Note {
        Note::new(Weight::Normal, reason, message)
    }

    pub(crate) fn warning(reason: &str, message: impl Into<String>) -> Note {
        Note::new(Weight::Warning, reason, message)
    }

    pub(crate) fn new(weight: Weight, reason: &str, message: impl Into<String>) -> Note {
        let mut message: String = message.into();
        if message.len() > LONGEST {
            let end = (0..=LONGEST.saturating_sub(4))
                .rev()
                .find(|end| message.is_char_boundary(*end));
            message.truncate(end.unwrap_or(0));
            message.push('…');
        }
        Note {
            weight,
            reason: reason.chars().take(128).collect(),
            message,
        }
    }
}

/// Takes events. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Events(mpsc::Sender<(Subject, Note)>);

impl Events {
    /// Starts the task that writes them; it ends when `stop` is cancelled and what waits is written.
    pub(crate) fn start(
        api: Api,
        identity: String,
        clock: Clock,
        stop: CancellationToken,
    ) -> (Events, tokio::task::JoinHandle<()>) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let writer = Writer {
            api,
            identity,
            clock,
            known: Latest::default(),
            allowance: Allowance::default(),
            stamp: 0,
        };
        (Events(sender), tokio::spawn(writer.run(receiver, stop)))
    }

    pub(crate) fn emit(&self, about: &Subject, note: Note) {
        if self.0.try_send((about.clone(), note)).is_err() {
            tracing::warn!(object = %about.name, "too many events at a time; one was dropped");
        }
    }
}

/// An event that exists.
struct Known {
    name: String,
    count: u32,
    written: Instant,
}

struct Writer {
    api: Api,
    identity: String,
    clock: Clock,
    known: Latest<(Subject, Note), Known, REMEMBERED>,
    allowance: Allowance,
    /// What the latest name ends with.
    stamp: u128,
}

impl Writer {
    async fn run(mut self, mut queue: mpsc::Receiver<(Subject, Note)>, stop: CancellationToken) {
        loop {
            let next = tokio::select! {
                biased;
                next = queue.recv() => next,
                () = stop.cancelled() => None,
            };
            let Some((about, note)) = next else { return };
            if let Err(error) = self.write(&about, &note).await {
                tracing::debug!(object = %about.name, reason = %note.reason, %error, "an event was not written");
            }
        }
    }

    async fn write(&mut self, about: &Subject, note: &Note) -> Result<(), ApiError> {
        let key = (about.clone(), note.clone());
        if let Some(known) = self.known.get_mut(&key) {
            known.count = known.count.saturating_add(1);
            if known.written.elapsed() < QUIET {
                return Ok(());
            }
            known.written = Instant::now();
            let patch = json!({ "count": known.count, "lastTimestamp": stamp(self.clock.now()) });
            let namespace = namespace(about);
            let patched = self
                .api
                .merge(Collection::Events, namespace, &known.name, None, &patch)
                .await;
            match patched {
                Err(ApiError::NotFound { .. }) => {}
                other => return other.map(drop),
            }
        }
        if !self.allowance.take(about, note) {
            return Ok(());
        }
        // Events of one instant need names of their own, too.
        let now = self.clock.now().as_nanosecond().unsigned_abs();
        self.stamp = now.max(self.stamp.saturating_add(1));
        let name = format!("{}.{:x}", about.name, self.stamp);
        let body = self.body(&name, about, note);
        (self.api)
            .create(Collection::Events, namespace(about), &body)
            .await?;
        let known = Known {
            name,
            count: 1,
            written: Instant::now(),
        };
        self.known.insert(key, known);
        Ok(())
    }

    fn body(&self, name: &str, about: &Subject, note: &Note) -> Value {
        let component = match about.kind {
            // Upstream item 144: what `kubectl describe` shows for a StatefulSet.
            "StatefulSet" => "statefulset-controller",
            _ => "stateward",
        };
        let now = stamp(self.clock.now());
        json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": { "name": name, "namespace": namespace(about) },
            "involvedObject": {
                "apiVersion": about.api_version,
                "kind": about.kind,
                "namespace": about.namespace,
                "name": about.name,
                "uid": about.uid,
            },
            "type": match note.weight { Weight::Normal => "Normal", Weight::Warning => "Warning" },
            "reason": note.reason,
            "message": note.message,
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": { "component": component, "host": self.identity },
            "reportingComponent": component,
            "reportingInstance": self.identity,
        })
    }
}

/// Events on objects without a namespace are kept in `default`, as Kubernetes does.
fn namespace(about: &Subject) -> &str {
    match about.namespace.as_str() {
        "" => "default",
        namespace => namespace,
    }
}

fn stamp(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
