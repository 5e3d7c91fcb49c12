//! What the host offers to a hook.
//!
//! | trait | offered to | may |
//! |---|---|---|
//! | [`View`] | decide hooks: `validate`, `member_config` | read the snapshot and `state`, log |
//! | [`Reach`] | `probe` | also talk to members, read secrets and configuration, emit events, set metrics |
//! | [`Host`] | act hooks | also start programs, ask for roles and replacements, and write `state` |
//!
//! Each is part of the next, so a function that takes `&dyn Reach` serves act hooks too. What needs a grant says so; without it the answer is
//! [`Failure::Denied`] with the name of the missing grant.

use std::time::Duration;

use crate::failure::Failure;
use crate::http::{Request, Response};
use crate::member::{Death, Member};
use crate::tls::Tls;

/// The most members that come at once.
const PAGE: u32 = 256;

/// What every hook may do: look.
pub trait View {
    /// The member of this ordinal; none when it is neither wanted nor there.
    fn member(&self, ordinal: u32) -> Option<Member>;

    /// At most `max` members (and at most 256) with this ordinal or a higher one, ascending. Fewer than that: there are no more.
    fn members_from(&self, first_ordinal: u32, max: u32) -> Vec<Member>;

    /// What is known of the end of this pod.
    fn death_of(&self, pod: &str) -> Death;

    /// A fact that the plugin stored for this app; none when the key was never written.
    fn state_get(&self, key: &str) -> Option<Entry>;

    /// Milliseconds since 1970-01-01 UTC, on the host's clock. In a decide hook: the time of the snapshot.
    fn now_ms(&self) -> u64;

    /// A line for the operator's log.
    fn log(&self, level: Level, text: &str);

    /// All members, by ordinal.
    fn members(&self) -> Vec<Member> {
        let mut all = self.members_from(0, PAGE);
        let mut last = all.len();
        // Who gets fewer than asked for has them all.
        while last == PAGE as usize
            && let Some(next) = all.last().and_then(|last| last.ordinal.checked_add(1))
        {
            let page = self.members_from(next, PAGE);
            last = page.len();
            all.extend(page);
        }
        all
    }

    /// A line that helps to find a fault.
    fn debug(&self, text: &str) {
        self.log(Level::Debug, text);
    }

    /// A line about the ordinary course.
    fn info(&self, text: &str) {
        self.log(Level::Info, text);
    }

    /// A line about something unusual.
    fn warn(&self, text: &str) {
        self.log(Level::Warn, text);
    }

    /// A line about something broken.
    fn error(&self, text: &str) {
        self.log(Level::Error, text);
    }
}

/// What a probe may do besides: talk to members.
pub trait Reach: View {
    /// Dials all these pods at the same time; one answer per pod, in their order. `port` is the name of a container port, or its number.
    /// `secure`: TLS from the first byte. The time is for both, dialling and agreeing on TLS. Grant: `tcp`, by port.
    fn dial(
        &self,
        pods: &[&str],
        port: &str,
        secure: Option<&Tls>,
        timeout: Duration,
    ) -> Vec<Result<Box<dyn Connection>, Failure>>;

    /// Sends the same HTTP request to all these pods at the same time; one answer per pod, in their order. Any status is an answer; redirects are
    /// not followed. For one member, `http` reads better. Grant: `http`, by port, method and path.
    fn send(
        &self,
        pods: &[&str],
        port: &str,
        secure: Option<&Tls>,
        request: &Request,
        timeout: Duration,
    ) -> Vec<Result<Response, Failure>>;

    /// Runs a program in a container of this pod. Grant: `exec`, by container and pattern of the command line.
    fn exec(&self, pod: &str, command: &Command, timeout: Duration) -> Result<Output, Failure>;

    /// The value that the app's owner bound to this slot. The host masks it in logs, events, messages and checkpoints.
    /// Grant: `secrets`, by slot.
    fn secret(&self, slot: &str) -> Result<Vec<u8>, Failure>;

    /// The value that the app's owner bound to this slot from a ConfigMap. Grant: `config`, by slot.
    fn config(&self, slot: &str) -> Result<Vec<u8>, Failure>;

    /// A Kubernetes event on the app, for its owner. `reason` is CamelCase, at most 64 characters; `note` at most 1 KiB. Grant: `events`.
    fn event(&self, weight: Weight, reason: &str, note: &str) -> Result<(), Failure>;

    /// Sets a gauge of the operator's metrics, of this member or of the app as a whole. Grant: `metrics`, by name.
    fn gauge(&self, name: &str, ordinal: Option<u32>, value: f64) -> Result<(), Failure>;

    /// Adds to a counter of the operator's metrics. What is negative or no number is refused. Grant: `metrics`, by name.
    fn count(&self, name: &str, ordinal: Option<u32>, value: f64) -> Result<(), Failure>;

    /// At most 4096 bytes from the host's secure source.
    fn random(&self, count: u32) -> Vec<u8>;

    /// Dials all these pods without TLS, see [`dial`](Reach::dial).
    fn connect(
        &self,
        pods: &[&str],
        port: &str,
        timeout: Duration,
    ) -> Vec<Result<Box<dyn Connection>, Failure>> {
        self.dial(pods, port, None, timeout)
    }

    /// Dials one pod without TLS, see [`dial`](Reach::dial).
    fn connect_one(
        &self,
        pod: &str,
        port: &str,
        timeout: Duration,
    ) -> Result<Box<dyn Connection>, Failure> {
        self.connect(&[pod], port, timeout)
            .pop()
            .unwrap_or_else(|| Err(Failure::Other("the host gave no answer".to_owned())))
    }
}

/// What an act hook may do besides: change things.
///
/// Requests (roles, `delete_pod`, `discard_volumes`, `quarantine`) are queued and committed together with the outcome and its checkpoint, in one write; they are dropped when the call fails.
/// The effect of a claim shows in [`App::claims`](crate::App::claims) of the next call.
pub trait Host: Reach {
    /// Makes this pod the holder of an exclusive role, under a new epoch. `after_epoch` is the epoch of the claim that this one follows, 0 for
    /// the first; [`Failure::Conflict`] when another claim came in between. Grant: `requests`.
    fn claim_role(&self, role: &str, pod: &str, after_epoch: u64) -> Result<(), Failure>;

    /// Leaves the role without a holder. Grant: `requests`.
    fn release_role(&self, role: &str, after_epoch: u64) -> Result<(), Failure>;

    /// Replaces this pod: the member comes back with its volumes. `move_role` and `pre_delete` (cause `replace`) come before it. `why` is for people, at
    /// most 1 KiB. Grant: `requests`.
    fn delete_pod(&self, pod: &str, why: &str) -> Result<(), Failure>;

    /// Deletes these claims of a member, by UID, so that it comes back empty; its pod is replaced as above. The UIDs stand in
    /// [`Member::claims`](crate::Member::claims). Grant: `discardVolumes`.
    fn discard_volumes(&self, ordinal: u32, claims: &[&str], why: &str) -> Result<(), Failure>;

    /// Keeps this member from being started again until a user releases it. Grant: `requests`.
    fn quarantine(&self, ordinal: u32, why: &str) -> Result<(), Failure>;

    /// Starts a program that may outlive this call. Under a key (at most 63 letters, digits, `-`, `_` and `.`) of one start of the container it runs at
    /// most once: a repeated start answers what [`poll`](Host::poll) would. Grant: `exec`.
    fn start(&self, pod: &str, key: &str, command: &Command) -> Result<Job, Failure>;

    /// What became of a program that was started. A key that was never started is [`Job::Lost`]. Grant: `exec`.
    fn poll(&self, pod: &str, key: &str) -> Result<Job, Failure>;

    /// Stores a small fact of the app that must outlive calls; durable when it returns. At most 16 keys of at most 1 KiB. `after_version` is the
    /// version that was read, 0 for a key that was never written; [`Failure::Conflict`] when it was written since. Answers the new version.
    /// Grant: `state`.
    fn state_put(&self, key: &str, value: &[u8], after_version: u64) -> Result<u64, Failure>;
}

/// A byte stream to a member. Closed when dropped, at the latest when the call ends.
pub trait Connection {
    /// At least one byte and at most `max`, or nothing at the end of the stream. Waits at most `timeout`.
    fn read(&mut self, max: u32, timeout: Duration) -> Result<Vec<u8>, Failure>;

    /// Writes all of it.
    fn write(&mut self, data: &[u8], timeout: Duration) -> Result<(), Failure>;

    /// Encrypts the stream from here on, for protocols that agree on TLS in clear words first. What was received and not read yet is an error.
    fn start_tls(&mut self, tls: &Tls, timeout: Duration) -> Result<(), Failure>;
}

/// A program to run in a container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Command {
    /// None: the pod's first container.
    pub container: Option<String>,
    /// The program and its arguments. No shell reads them.
    pub argv: Vec<String>,
    /// What it is given to read.
    pub stdin: Vec<u8>,
}

impl Command {
    /// This program with these arguments, in the pod's first container.
    pub fn new<'a>(argv: impl IntoIterator<Item = &'a str>) -> Command {
        Command {
            argv: argv.into_iter().map(str::to_owned).collect(),
            ..Command::default()
        }
    }

    /// In this container.
    pub fn container(mut self, name: impl Into<String>) -> Command {
        self.container = Some(name.into());
        self
    }

    /// With this to read.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Command {
        self.stdin = bytes.into();
        self
    }
}

/// What a program left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// Exit code of the program.
    pub code: i32,
    /// What it wrote to its standard output.
    pub stdout: Vec<u8>,
    /// What it wrote to its standard error.
    pub stderr: Vec<u8>,
    /// Whether output beyond the limit (256 KiB each) was dropped.
    pub truncated: bool,
}

/// What became of a program that was started under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Job {
    /// It runs.
    Running,
    /// It ended.
    Exited(Output),
    /// Nobody knows any more: the container restarted, or the host did. Ask the application what came of it.
    Lost,
    /// A word of a newer host.
    Other(String),
}

/// A fact that the plugin stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What was stored.
    pub value: Vec<u8>,
    /// Rises with each write of this key, from 1.
    pub version: u64,
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Helps to find a fault.
    Debug,
    /// The ordinary course.
    Info,
    /// Something unusual.
    Warn,
    /// Something broken.
    Error,
}

/// How much an event matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// The ordinary course.
    Normal,
    /// The owner should look.
    Warning,
}
