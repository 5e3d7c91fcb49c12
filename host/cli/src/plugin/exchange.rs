//! What a hook asked of the host in one call and what it was answered, as `plugin test --record` writes it and `plugin run` reads it.

mod hiding;

use serde::{Deserialize, Serialize};
use stateward_runtime::Failure;

pub(crate) use hiding::hide;

/// Bytes: text where they are text, otherwise a list of numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Bytes {
    Text(String),
    Raw(Vec<u8>),
}

impl Default for Bytes {
    fn default() -> Bytes {
        Bytes::Text(String::new())
    }
}

impl Bytes {
    pub(crate) fn of(bytes: &[u8]) -> Bytes {
        match std::str::from_utf8(bytes) {
            Ok(text) => Bytes::Text(text.to_owned()),
            Err(_) => Bytes::Raw(bytes.to_vec()),
        }
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        match self {
            Bytes::Text(text) => text.as_bytes(),
            Bytes::Raw(bytes) => bytes,
        }
    }

    /// In one line, for people.
    pub(crate) fn shown(&self) -> String {
        let text = String::from_utf8_lossy(self.as_slice());
        let printable = |character: char| match character.is_control() || character == '\u{fffd}' {
            true => '·',
            false => character,
        };
        let text: String = text.trim().chars().map(printable).take(100).collect();
        match text.is_empty() {
            true => "nothing".to_owned(),
            false => format!("“{text}”"),
        }
    }
}

/// One thing that a hook asked of the host. `failure` stands for the answer where there was none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    rename_all = "kebab-case",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub(crate) enum Exchange {
    /// A program that ran to its end.
    Exec {
        #[serde(default)]
        pod: Option<String>,
        argv: Vec<String>,
        #[serde(default)]
        code: i32,
        #[serde(default)]
        stdout: Bytes,
        #[serde(default)]
        stderr: Bytes,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
    },
    /// A request over HTTP.
    Http {
        #[serde(default)]
        pod: Option<String>,
        port: String,
        method: String,
        path: String,
        #[serde(default = "ok")]
        status: u16,
        #[serde(default)]
        body: Bytes,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
    },
    /// A byte stream.
    Tcp {
        #[serde(default)]
        pod: Option<String>,
        port: String,
        #[serde(default)]
        talk: Vec<Said>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
    },
    /// A program that may outlive the call was started, or asked after.
    Job {
        #[serde(default)]
        pod: Option<String>,
        key: String,
        /// None: it runs, or is lost.
        #[serde(default)]
        exited: Option<i32>,
        #[serde(default)]
        stdout: Bytes,
        #[serde(default)]
        is_lost: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
    },
    /// A secret was read.
    Secret {
        slot: String,
        #[serde(default)]
        value: Bytes,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
    },
    /// A value of a ConfigMap was read.
    Config {
        slot: String,
        #[serde(default)]
        value: Bytes,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
    },
    /// A fact of the app was written.
    StatePut {
        key: String,
        value: Bytes,
        after_version: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
    },
    /// An event was emitted.
    Event { reason: String, note: String },
    /// A number was set or raised.
    Metric { name: String, value: f64 },
}

fn ok() -> u16 {
    200
}

/// A piece of what went over a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Said {
    Sent(Bytes),
    Received(Bytes),
}

impl Exchange {
    /// In words. Values of secrets are not told.
    pub(crate) fn told(&self) -> String {
        let whom = |pod: &Option<String>| pod.clone().unwrap_or_else(|| "a member".to_owned());
        let answer = |failure: &Option<Failure>, otherwise: String| match failure {
            Some(failure) => format!("fails: {failure}"),
            None => otherwise,
        };
        match self {
            Exchange::Exec {
                pod,
                argv,
                code,
                stdout,
                stderr,
                failure,
            } => {
                let said = if *code == 0 { stdout } else { stderr };
                let ended = format!("exit {code}, {}", said.shown());
                let argv = argv.join(" ");
                format!("exec {argv} in {} → {}", whom(pod), answer(failure, ended))
            }
            Exchange::Http {
                pod,
                port,
                method,
                path,
                status,
                body,
                failure,
            } => {
                let answered = format!("{status} {}", body.shown());
                let whom = whom(pod);
                format!(
                    "http {method} {path} to {whom}, port {port} → {}",
                    answer(failure, answered)
                )
            }
            Exchange::Tcp {
                pod,
                port,
                talk,
                failure,
            } => {
                let said = talk.iter().map(|said| match said {
                    Said::Sent(bytes) => format!("sends {}", bytes.shown()),
                    Said::Received(bytes) => format!("reads {}", bytes.shown()),
                });
                let said: Vec<String> = said.collect();
                let whom = whom(pod);
                format!(
                    "tcp to {whom}, port {port} → {}",
                    answer(failure, said.join(", "))
                )
            }
            Exchange::Job {
                pod,
                key,
                exited,
                is_lost,
                failure,
                ..
            } => {
                let state = match (exited, is_lost) {
                    (Some(code), _) => format!("exit {code}"),
                    (None, true) => "lost".to_owned(),
                    (None, false) => "runs".to_owned(),
                };
                format!("job {key} in {} → {}", whom(pod), answer(failure, state))
            }
            Exchange::Secret {
                slot,
                value,
                failure,
            } => {
                let size = value.as_slice().len();
                format!(
                    "secret {slot} → {}",
                    answer(failure, format!("{size} bytes"))
                )
            }
            Exchange::Config {
                slot,
                value,
                failure,
            } => format!("config {slot} → {}", answer(failure, value.shown())),
            Exchange::StatePut {
                key,
                value,
                after_version,
                failure,
            } => {
                let value = value.shown();
                let done = format!("version {}", after_version.saturating_add(1));
                format!("state {key} becomes {value} → {}", answer(failure, done))
            }
            Exchange::Event { reason, note } => format!("event {reason}: {note}"),
            Exchange::Metric { name, value } => format!("metric {name}: {value}"),
        }
    }
}
