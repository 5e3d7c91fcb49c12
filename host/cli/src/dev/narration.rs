//! Tells what happens in the cluster, one line per change: time, namespace, object, what.
//!
//! Each kind has its own file: which facts of an object matter, and what their change is called.

mod apps;
mod claims;
mod events;
mod plugins;
mod pods;

use std::collections::HashMap;
use std::fmt::Debug;
use std::pin::pin;

use futures::StreamExt;
use jiff::Zoned;
use k8s_openapi::api::apps::v1::StatefulSet;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use stateward_operator::crd::StatefulApp;
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::output::{self, BAD, FAINT, GOOD, NAME, painted};

/// What is said of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Said {
    tone: Tone,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tone {
    Plain,
    Good,
    Bad,
}

fn plain(text: impl Into<String>) -> Said {
    Said {
        tone: Tone::Plain,
        text: text.into(),
    }
}

fn good(text: impl Into<String>) -> Said {
    Said {
        tone: Tone::Good,
        text: text.into(),
    }
}

fn bad(text: impl Into<String>) -> Said {
    Said {
        tone: Tone::Bad,
        text: text.into(),
    }
}

/// Which object a line is about.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Subject {
    namespace: String,
    /// `pod`, `claim`.
    kind: &'static str,
    name: String,
}

impl Subject {
    fn of(kind: &'static str, object: &impl ResourceExt) -> Subject {
        Subject {
            namespace: object.namespace().unwrap_or_default(),
            kind,
            name: object.name_any(),
        }
    }
}

/// What of an object is worth a line when it changes.
trait Facts: Sized + Send + 'static {
    type Object: Resource<DynamicType: Default> + Clone + DeserializeOwned + Debug + Send + 'static;
    fn subject(object: &Self::Object) -> Subject;
    fn of(object: &Self::Object) -> Self;
    /// What to say now; `before` is none for a new object.
    fn changes(&self, before: Option<&Self>) -> Vec<Said>;
    /// What to say when the object is gone.
    fn gone(&self) -> Option<Said> {
        Some(plain("is gone"))
    }
}

/// Tells until `stop` is cancelled.
pub(crate) async fn narrate(client: Client, stop: CancellationToken) -> Result<(), Failure> {
    tokio::select! {
        () = stop.cancelled() => {}
        () = follow::<pods::Pods>(&client) => {}
        () = follow::<claims::Claims>(&client) => {}
        () = follow::<apps::Apps<StatefulApp>>(&client) => {}
        () = follow::<apps::Apps<StatefulSet>>(&client) => {}
        () = follow::<plugins::Plugins>(&client) => {}
        () = follow::<events::Events>(&client) => {}
    }
    Ok(())
}

/// Follows one kind. Trouble with the API is waited out.
async fn follow<F: Facts>(client: &Client) {
    let api: Api<F::Object> = Api::all(client.clone());
    let mut changes = pin!(watcher(api, Config::default()).default_backoff());
    let mut known: HashMap<String, F> = HashMap::new();
    // What is there at the start is no news.
    let mut is_news = false;
    while let Some(event) = changes.next().await {
        match event {
            Ok(Event::Init) => {}
            Ok(Event::InitDone) => is_news = true,
            Ok(Event::InitApply(object) | Event::Apply(object)) => {
                let facts = F::of(&object);
                let before = known.get(&uid(&object));
                if is_news {
                    tell(&F::subject(&object), facts.changes(before));
                }
                known.insert(uid(&object), facts);
            }
            Ok(Event::Delete(object)) => {
                if let Some(facts) = known.remove(&uid(&object)) {
                    tell(&F::subject(&object), facts.gone().into_iter().collect());
                }
            }
            Err(error) => tracing::debug!(%error, "the narration's watch is begun again"),
        }
    }
}

fn uid(object: &impl ResourceExt) -> String {
    object.uid().unwrap_or_default()
}

fn tell(subject: &Subject, said: Vec<Said>) {
    let time = Zoned::now().strftime("%H:%M:%S");
    for Said { tone, text } in said {
        let text = match tone {
            Tone::Plain => text,
            Tone::Good => painted(GOOD, text),
            Tone::Bad => painted(BAD, text),
        };
        let object = painted(NAME, format_args!("{} {}", subject.kind, subject.name));
        let namespace = match subject.namespace.as_str() {
            "" | "default" => String::new(),
            other => format!("{other} "),
        };
        // The story goes on in the cluster, whether anybody reads it or not.
        let _ = output::line(format_args!(
            "{} {namespace}{object} {text}",
            painted(FAINT, &time)
        ));
    }
}
