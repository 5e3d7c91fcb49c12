//! Answers what a component asks for from a host of the SDK, and writes it down.

use std::cell::RefCell;
use std::time::Duration;

use stateward_runtime::{Change, Failure};
use stateward_sdk::{Host, Job, Reach};

use super::wires::{Ask, Asked};
use super::{streams, words};
use crate::plugin::exchange::{Bytes, Exchange};
use crate::plugin::run::replay::{Record, Recorded};

/// The plugin's own timeout ends a call of the host; here each exchange takes virtual time only.
const PATIENCE: Duration = Duration::from_secs(30);
/// As much as a connection holds that nobody reads.
const BUFFER: usize = 256 * 1024;

/// Who answers the questions of one call.
pub(super) struct Server<'h> {
    pub(super) reach: &'h dyn Reach,
    /// Of act hooks.
    pub(super) host: Option<&'h dyn Host>,
    pub(super) record: Record,
    /// Keys of `state` that were written.
    pub(super) written: RefCell<Vec<String>>,
}

impl Server<'_> {
    fn acting(&self, what: &str) -> Result<&dyn Host, Failure> {
        let denied = || Failure::Denied(format!("{what}: only act hooks may"));
        self.host.ok_or_else(denied)
    }

    fn note(&self, exchange: Exchange) {
        self.record.borrow_mut().push(exchange);
    }

    /// A call that has ended does not hear its answers any more.
    pub(super) fn serve(&self, asked: Asked) {
        match asked.ask {
            Ask::Dial { pod, port, reply } => {
                let dialled = self.reach.connect_one(&pod, &port, PATIENCE);
                let place = self.record.borrow().len();
                let dialled = dialled.map_err(words::failure);
                self.note(Exchange::Tcp {
                    pod: Some(pod),
                    port,
                    talk: Vec::new(),
                    failure: dialled.as_ref().err().cloned(),
                });
                let stream = dialled.map(|inner| {
                    let (theirs, ours) = tokio::io::duplex(BUFFER);
                    let record = self.record.clone();
                    let connection = Recorded {
                        inner,
                        record,
                        place,
                    };
                    let carried = streams::carry(Box::new(connection), ours, asked.died);
                    tokio::task::spawn_local(carried);
                    theirs
                });
                reply.send(stream).ok();
            }
            Ask::Http {
                pod,
                port,
                request,
                reply,
            } => {
                let sent = self.reach.send(&[&pod], &port, None, &request, PATIENCE);
                let silent = || Err(stateward_sdk::Failure::Closed);
                let answer = sent.into_iter().next().unwrap_or_else(silent);
                let answer = answer.map_err(words::failure);
                let (status, body) = answer.as_ref().map_or((0, Bytes::default()), |answer| {
                    (answer.status, Bytes::of(&answer.body))
                });
                self.note(Exchange::Http {
                    pod: Some(pod),
                    port,
                    method: request.method,
                    path: request.path,
                    status,
                    body,
                    failure: answer.as_ref().err().cloned(),
                });
                reply.send(answer).ok();
            }
            Ask::Exec {
                pod,
                command,
                reply,
            } => {
                let argv = command.argv.clone();
                let output = self.reach.exec(&pod, &words::command(command), PATIENCE);
                let output = output.map(words::output).map_err(words::failure);
                let left = output.clone().unwrap_or_default();
                self.note(Exchange::Exec {
                    pod: Some(pod),
                    argv,
                    code: left.code,
                    stdout: Bytes::of(&left.stdout),
                    stderr: Bytes::of(&left.stderr),
                    failure: output.as_ref().err().cloned(),
                });
                reply.send(output).ok();
            }
            Ask::Start {
                pod,
                key,
                command,
                reply,
            } => {
                let job = self.acting("exec.start").and_then(|host| {
                    let started = host.start(&pod, &key, &words::command(command));
                    started.map_err(words::failure)
                });
                self.note(job_of(pod, key, &job));
                reply.send(job.map(words::job)).ok();
            }
            Ask::Poll { pod, key, reply } => {
                let job = self
                    .acting("exec.poll")
                    .and_then(|host| host.poll(&pod, &key).map_err(words::failure));
                self.note(job_of(pod, key, &job));
                reply.send(job.map(words::job)).ok();
            }
            Ask::Secret { slot, reply } => {
                let secret = self.reach.secret(&slot).map_err(words::failure);
                self.note(Exchange::Secret {
                    slot,
                    value: bytes_of(&secret),
                    failure: secret.as_ref().err().cloned(),
                });
                reply.send(secret).ok();
            }
            Ask::Config { slot, reply } => {
                let config = self.reach.config(&slot).map_err(words::failure);
                self.note(Exchange::Config {
                    slot,
                    value: bytes_of(&config),
                    failure: config.as_ref().err().cloned(),
                });
                reply.send(config).ok();
            }
            Ask::Put {
                key,
                value,
                after_version,
                reply,
            } => {
                let version = self.acting("state.put").and_then(|host| {
                    let version = host.state_put(&key, &value, after_version);
                    version.map_err(words::failure)
                });
                self.note(Exchange::StatePut {
                    key: key.clone(),
                    value: Bytes::of(&value),
                    after_version,
                    failure: version.as_ref().err().cloned(),
                });
                if version.is_ok() {
                    self.written.borrow_mut().push(key);
                }
                reply.send(version).ok();
            }
            // The runtime has checked names and values.
            Ask::Metric(name, ordinal, change) => {
                let (Change::Set(value) | Change::Add(value)) = change;
                match change {
                    Change::Set(value) => self.reach.gauge(&name, ordinal, value),
                    Change::Add(value) => self.reach.count(&name, ordinal, value),
                }
                .ok();
                self.note(Exchange::Metric { name, value });
            }
            Ask::Event(weight, reason, note) => {
                let weight = words::weight(weight);
                self.reach.event(weight, &reason, &note).ok();
                self.note(Exchange::Event { reason, note });
            }
            Ask::Log(level, text) => self.reach.log(words::level(level), &text),
            Ask::Died(end) => std::panic::resume_unwind(end),
        }
    }
}

fn bytes_of(value: &Result<Vec<u8>, Failure>) -> Bytes {
    value
        .as_ref()
        .map_or(Bytes::default(), |bytes| Bytes::of(bytes))
}

fn job_of(pod: String, key: String, job: &Result<Job, Failure>) -> Exchange {
    let output = match job {
        Ok(Job::Exited(output)) => Some(output),
        _ => None,
    };
    Exchange::Job {
        pod: Some(pod),
        key,
        exited: output.map(|output| output.code),
        stdout: output.map_or(Bytes::default(), |output| Bytes::of(&output.stdout)),
        is_lost: matches!(job, Ok(Job::Lost | Job::Other(_))),
        failure: job.as_ref().err().cloned(),
    }
}
