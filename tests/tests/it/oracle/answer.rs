//! An answer, freed of what differs by nature.

use std::sync::LazyLock;

use http::response::Parts;
use regex::Regex;
use serde_json::{Value, json};

pub(super) struct Answer {
    pub(super) code: u16,
    /// The body as it came.
    pub(super) raw: Value,
    /// The body with names for what differs by nature.
    pub(super) body: Value,
    /// The media type and the sentences of `Warning`.
    pub(super) head: Value,
}

static UID: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").expect("a regex")
});
static TIME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z").expect("a regex"));
/// Versions in sentences.
static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(in record \(|current: )\d+").expect("a regex"));
static AGE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^\d+s$").expect("a regex"));
/// Addresses of the service range, whichever it is.
static ADDRESS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b10\.\d+\.\d+\.\d+\b").expect("a regex"));

impl Answer {
    pub(super) fn read(head: &Parts, bytes: &[u8], is_watch: bool) -> Self {
        let text = |name: &str| {
            let values = head.headers.get_all(name).iter();
            let values = values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            values.collect::<Vec<_>>()
        };
        let media_type = text("content-type").first().map(|given| {
            given
                .split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned()
        });
        let raw = if is_watch {
            let lines = bytes
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty());
            let events = lines.map(|line| serde_json::from_slice(line).unwrap_or_default());
            Value::Array(events.collect())
        } else {
            serde_json::from_slice(bytes)
                .unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned().into())
        };
        let mut body = raw.clone();
        rename(&mut body, "");
        Self {
            code: head.status.as_u16(),
            raw,
            body,
            head: json!({"type": media_type, "warning": text("warning"), "retry-after": text("retry-after")}),
        }
    }
}

/// Several causes of a refusal come in any order, and the message names them in that order.
fn in_order(status: &mut Value) {
    let causes = status
        .pointer_mut("/details/causes")
        .and_then(Value::as_array_mut);
    if let Some(causes) = causes.filter(|causes| causes.len() > 1) {
        causes.sort_by_key(Value::to_string);
        let message = status["message"].as_str().unwrap_or_default();
        let beginning = message.split(':').next().unwrap_or_default().to_owned();
        status["message"] = beginning.into();
    }
}

fn rename(value: &mut Value, field: &str) {
    match value {
        Value::Object(fields) => {
            // Keys of keyed lists hold values: those of owners are UIDs.
            for key in fields.keys().cloned().collect::<Vec<_>>() {
                let mut renamed = Value::from(key.as_str());
                rename(&mut renamed, "");
                if let (Some(renamed), Some(value)) = (renamed.as_str(), fields.get(&key).cloned())
                    && renamed != key
                {
                    fields.remove(&key);
                    fields.insert(renamed.to_owned(), value);
                }
            }
            for (field, value) in fields.iter_mut() {
                rename(value, field);
            }
            in_order(value);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, field)),
        Value::String(text) => match field {
            "resourceVersion" if !text.is_empty() => *text = "<version>".to_owned(),
            "continue" if !text.is_empty() => *text = "<token>".to_owned(),
            _ => {
                let renamed = UID.replace_all(text, "<uid>");
                let renamed = TIME.replace_all(&renamed, "<time>");
                let renamed = NUMBER.replace_all(&renamed, "$1<version>");
                let renamed = match field {
                    "cells" => AGE.replace(&renamed, "<age>"),
                    _ => renamed,
                };
                let renamed = ADDRESS.replace_all(&renamed, "<address>").into_owned();
                // Upstream adds what changed, as its own types print it.
                let shown = renamed.split("\n@@").next().unwrap_or_default();
                *text = shown
                    .split("\n  core.")
                    .next()
                    .unwrap_or_default()
                    .to_owned();
            }
        },
        _ => {}
    }
}
