//! Watching a collection: what was, then every change.
//!
//! A watch holds nothing but the version up to which it has told its client. When its resource changes it wakes,
//! reads on in the history, and ends with `410 Expired` when its place there is gone.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use futures::stream;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Context;
use super::list::{check_not_ahead, selection};
use crate::cluster::Cluster;
use crate::failure::Failure;
use crate::representation::Representation;
use crate::request::Target;
use crate::selectors::Selection;
use crate::state::State;
use crate::store::{Change, ChangeType};

const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// Why a watch wakes up.
enum Wake {
    Changed,
    Bookmark,
    TimeIsUp,
}

struct Watch {
    cluster: Cluster,
    target: Target,
    selection: Selection,
    representation: Representation,
    changes: watch::Receiver<u64>,
    /// Everything up to here was told.
    told: u64,
    /// What is told before the first change.
    first: Vec<u8>,
    wants_bookmarks: bool,
    next_bookmark: Instant,
    end: Instant,
    is_over: bool,
    has_told_columns: bool,
}

/// Starts a watch: the events as a stream of lines.
pub(crate) fn watch(
    cluster: &Cluster,
    state: &mut State,
    target: &Target,
    context: &Context,
    representation: Representation,
) -> Result<impl Stream<Item = Bytes> + Send + use<>, Failure> {
    let options = &context.options;
    let selection = selection(target, context)?;
    let given = options.text("resourceVersion");
    let asked = options
        .resource_version()
        .map_err(Failure::without_reason)?;
    check_not_ahead(state, asked.unwrap_or(0))?;
    let sends_initial = options.is_set("sendInitialEvents");
    let starts_now = sends_initial || given.is_empty() || given == "0";
    let says_nothing_first = options.text("sendInitialEvents") == "false";
    let told = match asked {
        Some(asked) if !starts_now => asked,
        _ => state.store.revision(),
    };
    let wants_bookmarks = options.is_set("allowWatchBookmarks");
    let lasts = match options.number("timeoutSeconds")? {
        Some(seconds) if seconds > 0 => Duration::from_secs(seconds).min(LONGEST),
        _ => LONGEST,
    };
    let now = Instant::now();
    let mut watch = Watch {
        cluster: cluster.clone(),
        target: target.clone(),
        changes: state.store.subscribe(&target.kind.storage),
        selection,
        representation,
        told,
        first: Vec::new(),
        wants_bookmarks,
        next_bookmark: now + BOOKMARK_EVERY,
        end: now + lasts,
        is_over: false,
        has_told_columns: false,
    };
    if starts_now && !says_nothing_first {
        watch.tell_what_is(state, sends_initial && wants_bookmarks);
    }
    Ok(stream::unfold(watch, |mut watch| async move {
        let lines = watch.next().await?;
        Some((Bytes::from(lines), watch))
    }))
}

impl Watch {
    fn tell_what_is(&mut self, state: &State, ends_with_bookmark: bool) {
        let namespace = self.selection.namespace.clone();
        let mut lines = Vec::new();
        for (key, object) in state
            .store
            .list(&self.target.kind.clone().storage, namespace.as_deref())
        {
            if self.selection.matches(key, object) {
                self.write(&mut lines, "ADDED", object);
            }
        }
        if ends_with_bookmark {
            self.write_bookmark(&mut lines, json!({"k8s.io/initial-events-end": "true"}));
        }
        self.first = lines;
    }

    async fn next(&mut self) -> Option<Vec<u8>> {
        if self.is_over {
            return None;
        }
        if !self.first.is_empty() {
            return Some(std::mem::take(&mut self.first));
        }
        loop {
            self.changes.borrow_and_update();
            let lines = self.read_on();
            if !lines.is_empty() {
                return Some(lines);
            }
            match self.wake().await {
                Wake::Changed => {}
                Wake::Bookmark => {
                    self.next_bookmark = Instant::now() + BOOKMARK_EVERY;
                    return Some(self.bookmark());
                }
                Wake::TimeIsUp => {
                    self.is_over = true;
                    return self.wants_bookmarks.then(|| self.bookmark());
                }
            }
        }
    }

    async fn wake(&mut self) -> Wake {
        let until = match self.wants_bookmarks {
            true => self.next_bookmark.min(self.end),
            false => self.end,
        };
        tokio::select! {
            changed = self.changes.changed() => match changed {
                Ok(()) => Wake::Changed,
                Err(_) => Wake::TimeIsUp,
            },
            () = tokio::time::sleep_until(until) => match until == self.end {
                true => Wake::TimeIsUp,
                false => Wake::Bookmark,
            },
        }
    }

    /// The lines of the changes since the last look.
    fn read_on(&mut self) -> Vec<u8> {
        /// Keeps the time under the lock short.
        const AT_ONCE: usize = 500;
        let mut lines = Vec::new();
        let cluster = self.cluster.clone();
        let changes: Vec<Change> = {
            let state = cluster.state();
            let history = &state.store.history;
            if !history.reaches(self.told) {
                self.is_over = true;
                let failure = Failure::expired(format!(
                    "too old resource version: {} ({})",
                    self.told,
                    history.compacted()
                ));
                write_event(&mut lines, "ERROR", &failure.body());
                return lines;
            }
            let resource = &*self.target.kind.storage;
            let found: Vec<_> = history
                .after(self.told)
                .filter(|change| &*change.resource == resource)
                .take(AT_ONCE)
                .cloned()
                .collect();
            // With fewer than a full batch the watch has seen everything up to now.
            self.told = match found.last() {
                Some(last) if found.len() == AT_ONCE => last.revision,
                _ => state.store.revision(),
            };
            if found.len() == AT_ONCE {
                self.changes.mark_changed();
            }
            found
        };
        for change in &changes {
            self.tell(&mut lines, change);
        }
        lines
    }

    /// Tells a change as this selection sees it: leaving the selection is a deletion, entering it an addition.
    fn tell(&mut self, lines: &mut Vec<u8>, change: &Change) {
        let matches = |object: &Arc<Value>| self.selection.matches(&change.key, object);
        let was = change.previous.as_ref().is_some_and(matches);
        let is = change.change_type != ChangeType::Deleted && matches(&change.object);
        let event = match (was, is) {
            (false, false) => return,
            (false, true) => "ADDED",
            (true, true) => "MODIFIED",
            (true, false) if change.change_type != ChangeType::Deleted => {
                return self.write(lines, "DELETED", &left_behind(change));
            }
            (true, false) => "DELETED",
        };
        self.write(lines, event, &change.object);
    }

    fn write(&mut self, lines: &mut Vec<u8>, event: &str, stored: &Arc<Value>) {
        let Target { kind, version, .. } = &self.target;
        let shown = self
            .representation
            .of_object(kind, version, &kind.present(version, stored));
        // The columns are described once.
        if matches!(self.representation, Representation::Table(_))
            && std::mem::replace(&mut self.has_told_columns, true)
        {
            let mut rows = Value::clone(&shown);
            crate::object::set(&mut rows, &["columnDefinitions"], Value::Null);
            return write_event(lines, event, &rows);
        }
        write_event(lines, event, &shown);
    }

    fn bookmark(&self) -> Vec<u8> {
        let mut lines = Vec::new();
        self.write_bookmark(&mut lines, Value::Null);
        lines
    }

    fn write_bookmark(&self, lines: &mut Vec<u8>, annotations: Value) {
        let mut bookmark = json!({
            "kind": self.target.kind.kind,
            "apiVersion": self.target.api_version(),
            "metadata": {
                "resourceVersion": self.told.to_string(),
                "creationTimestamp": null,
                "annotations": annotations,
            },
        });
        crate::object::drop_nulls(&mut bookmark);
        let shown = self.representation.of_bookmark(&self.target, &bookmark);
        write_event(lines, "BOOKMARK", &shown);
    }
}

/// An object that left a selection is told as it was last in it, under the version that took it out.
fn left_behind(change: &Change) -> Arc<Value> {
    let mut object = change
        .previous
        .as_deref()
        .cloned()
        .unwrap_or_else(|| Value::clone(&change.object));
    crate::object::copy(
        &change.object,
        &mut object,
        &["metadata", "resourceVersion"],
    );
    Arc::new(object)
}

fn write_event(lines: &mut Vec<u8>, event: &str, object: &Value) {
    lines.extend_from_slice(b"{\"type\":\"");
    lines.extend_from_slice(event.as_bytes());
    lines.extend_from_slice(b"\",\"object\":");
    lines.extend_from_slice(object.to_string().as_bytes());
    lines.extend_from_slice(b"}\n");
}
