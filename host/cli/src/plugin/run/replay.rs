//! A host that answers from what is written down, in order; and one that writes down what another answered.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use stateward_sdk::{
    Command, Connection, Death, Entry, Failure, Host, Job, Level, Member, Output, Reach, Request,
    Response, Tls, View, Weight,
};

use crate::plugin::component::words;
use crate::plugin::exchange::{Bytes, Exchange, Said};

/// Answers from exchanges: the first that fits and was not used yet, otherwise the last that fits.
pub(crate) struct Replay {
    exchanges: RefCell<Vec<(Exchange, bool)>>,
    log: RefCell<Vec<(Level, String)>>,
}

impl Replay {
    pub(crate) fn of(exchanges: Vec<Exchange>) -> Replay {
        let exchanges = exchanges.into_iter().map(|one| (one, false)).collect();
        Replay {
            exchanges: RefCell::new(exchanges),
            log: RefCell::default(),
        }
    }

    /// What the hook logged.
    pub(crate) fn log(&self) -> Vec<(Level, String)> {
        self.log.borrow().clone()
    }

    fn find(&self, what: &str, fits: impl Fn(&Exchange) -> bool) -> Result<Exchange, Failure> {
        let mut exchanges = self.exchanges.borrow_mut();
        let unused = exchanges
            .iter_mut()
            .find(|(one, is_used)| !is_used && fits(one));
        if let Some((found, is_used)) = unused {
            *is_used = true;
            return Ok(found.clone());
        }
        let last = exchanges.iter().rev().find(|(one, _)| fits(one));
        last.map(|(found, _)| found.clone())
            .ok_or_else(|| Failure::Unreachable(format!("the input has no exchange for {what}")))
    }
}

fn is_at(given: &Option<String>, pod: &str) -> bool {
    given.as_deref().is_none_or(|given| given == pod)
}

fn answered<T>(failure: Option<stateward_runtime::Failure>, value: T) -> Result<T, Failure> {
    match failure {
        Some(failure) => Err(words::failed(failure)),
        None => Ok(value),
    }
}

/// The snapshot of the input answers these in the sandbox already.
impl View for Replay {
    fn member(&self, _ordinal: u32) -> Option<Member> {
        None
    }

    fn members_from(&self, _first_ordinal: u32, _max: u32) -> Vec<Member> {
        Vec::new()
    }

    fn death_of(&self, _pod: &str) -> Death {
        Death::ObjectGone
    }

    fn state_get(&self, _key: &str) -> Option<Entry> {
        None
    }

    fn now_ms(&self) -> u64 {
        0
    }

    fn log(&self, level: Level, text: &str) {
        self.log.borrow_mut().push((level, text.to_owned()));
    }
}

impl Reach for Replay {
    fn dial(
        &self,
        pods: &[&str],
        port: &str,
        _secure: Option<&Tls>,
        _timeout: Duration,
    ) -> Vec<Result<Box<dyn Connection>, Failure>> {
        let dial = |pod: &&str| {
            let what = format!("tcp to {pod}, port {port}");
            let found = self.find(&what, |one| {
                matches!(one, Exchange::Tcp { pod: at, port: on, .. } if is_at(at, pod) && on == port)
            })?;
            let Exchange::Tcp { talk, failure, .. } = found else {
                return Err(Failure::Closed);
            };
            let talk = Talk {
                pieces: talk.into(),
                sent: Vec::new(),
            };
            answered(failure, Box::new(talk) as Box<dyn Connection>)
        };
        pods.iter().map(dial).collect()
    }

    fn send(
        &self,
        pods: &[&str],
        port: &str,
        _secure: Option<&Tls>,
        request: &Request,
        _timeout: Duration,
    ) -> Vec<Result<Response, Failure>> {
        let send = |pod: &&str| {
            let (verb, asked) = (&request.method, &request.path);
            let what = format!("http {verb} {asked} to {pod}, port {port}");
            let found = self.find(&what, |one| {
                matches!(one, Exchange::Http { pod: at, port: on, method, path, .. }
                    if is_at(at, pod) && on == port && method == verb && path == asked)
            })?;
            let Exchange::Http {
                status,
                body,
                failure,
                ..
            } = found
            else {
                return Err(Failure::Closed);
            };
            answered(failure, Response::new(status, body.as_slice()))
        };
        pods.iter().map(send).collect()
    }

    fn exec(&self, pod: &str, command: &Command, _timeout: Duration) -> Result<Output, Failure> {
        let what = format!("exec {:?} in {pod}", command.argv);
        let found = self.find(&what, |one| {
            matches!(one, Exchange::Exec { pod: at, argv, .. } if is_at(at, pod) && *argv == command.argv)
        })?;
        let Exchange::Exec {
            code,
            stdout,
            stderr,
            failure,
            ..
        } = found
        else {
            return Err(Failure::Closed);
        };
        let output = Output {
            code,
            stdout: stdout.as_slice().to_vec(),
            stderr: stderr.as_slice().to_vec(),
            truncated: false,
        };
        answered(failure, output)
    }

    fn secret(&self, wanted: &str) -> Result<Vec<u8>, Failure> {
        let found = self.find(
            &format!("secret {wanted}"),
            |one| matches!(one, Exchange::Secret { slot, .. } if slot == wanted),
        )?;
        match found {
            Exchange::Secret { value, failure, .. } => answered(failure, value.as_slice().to_vec()),
            _ => Err(Failure::Closed),
        }
    }

    fn config(&self, wanted: &str) -> Result<Vec<u8>, Failure> {
        let found = self.find(
            &format!("config {wanted}"),
            |one| matches!(one, Exchange::Config { slot, .. } if slot == wanted),
        )?;
        match found {
            Exchange::Config { value, failure, .. } => answered(failure, value.as_slice().to_vec()),
            _ => Err(Failure::Closed),
        }
    }

    fn event(&self, _weight: Weight, _reason: &str, _note: &str) -> Result<(), Failure> {
        Ok(())
    }

    fn gauge(&self, _name: &str, _ordinal: Option<u32>, _value: f64) -> Result<(), Failure> {
        Ok(())
    }

    fn count(&self, _name: &str, _ordinal: Option<u32>, _value: f64) -> Result<(), Failure> {
        Ok(())
    }

    fn random(&self, _count: u32) -> Vec<u8> {
        Vec::new()
    }
}

impl Host for Replay {
    // Requests are part of the answer, which is printed.
    fn claim_role(&self, _role: &str, _pod: &str, _after_epoch: u64) -> Result<(), Failure> {
        Ok(())
    }

    fn release_role(&self, _role: &str, _after_epoch: u64) -> Result<(), Failure> {
        Ok(())
    }

    fn delete_pod(&self, _pod: &str, _why: &str) -> Result<(), Failure> {
        Ok(())
    }

    fn discard_volumes(&self, _ordinal: u32, _claims: &[&str], _why: &str) -> Result<(), Failure> {
        Ok(())
    }

    fn quarantine(&self, _ordinal: u32, _why: &str) -> Result<(), Failure> {
        Ok(())
    }

    fn start(&self, pod: &str, key: &str, _command: &Command) -> Result<Job, Failure> {
        self.poll(pod, key)
    }

    fn poll(&self, pod: &str, wanted: &str) -> Result<Job, Failure> {
        let what = format!("job {wanted} in {pod}");
        let found = self.find(&what, |one| {
            matches!(one, Exchange::Job { pod: at, key, .. } if is_at(at, pod) && key == wanted)
        })?;
        let Exchange::Job {
            exited,
            stdout,
            is_lost,
            failure,
            ..
        } = found
        else {
            return Err(Failure::Closed);
        };
        let job = match (exited, is_lost) {
            (Some(code), _) => Job::Exited(Output {
                code,
                stdout: stdout.as_slice().to_vec(),
                ..Output::default()
            }),
            (None, true) => Job::Lost,
            (None, false) => Job::Running,
        };
        answered(failure, job)
    }

    fn state_put(&self, wanted: &str, _value: &[u8], after_version: u64) -> Result<u64, Failure> {
        let found = self.find(
            wanted,
            |one| matches!(one, Exchange::StatePut { key, .. } if key == wanted),
        );
        match found {
            Ok(Exchange::StatePut { failure, .. }) => {
                answered(failure, after_version.saturating_add(1))
            }
            _ => Ok(after_version.saturating_add(1)),
        }
    }
}

/// A stream that was written down.
struct Talk {
    pieces: VecDeque<Said>,
    /// Of the next piece that is to be sent, so much has come.
    sent: Vec<u8>,
}

impl Connection for Talk {
    fn read(&mut self, _max: u32, _timeout: Duration) -> Result<Vec<u8>, Failure> {
        match self.pieces.front() {
            Some(Said::Received(bytes)) => {
                let bytes = bytes.as_slice().to_vec();
                self.pieces.pop_front();
                Ok(bytes)
            }
            Some(Said::Sent(_)) => Err(Failure::Timeout),
            None => Ok(Vec::new()),
        }
    }

    fn write(&mut self, data: &[u8], _timeout: Duration) -> Result<(), Failure> {
        self.sent.extend_from_slice(data);
        while let Some(Said::Sent(expected)) = self.pieces.front() {
            let expected = expected.as_slice();
            let Some(rest) = self.sent.strip_prefix(expected) else {
                return match expected.starts_with(&self.sent) {
                    true => Ok(()),
                    // What it says now is not what was answered then.
                    false => Err(Failure::Closed),
                };
            };
            self.sent = rest.to_vec();
            self.pieces.pop_front();
        }
        Ok(())
    }

    fn start_tls(&mut self, _tls: &Tls, _timeout: Duration) -> Result<(), Failure> {
        Ok(())
    }
}

/// What was asked and answered, in order.
pub(crate) type Record = Rc<RefCell<Vec<Exchange>>>;

/// A connection whose bytes are written down, under the place of its exchange.
pub(crate) struct Recorded {
    pub(crate) inner: Box<dyn Connection>,
    pub(crate) record: Record,
    pub(crate) place: usize,
}

impl Recorded {
    fn note(&self, said: Said) {
        let mut record = self.record.borrow_mut();
        if let Some(Exchange::Tcp { talk, .. }) = record.get_mut(self.place) {
            talk.push(said);
        }
    }
}

impl Connection for Recorded {
    fn read(&mut self, max: u32, timeout: Duration) -> Result<Vec<u8>, Failure> {
        let read = self.inner.read(max, timeout);
        if let Ok(bytes) = &read
            && !bytes.is_empty()
        {
            self.note(Said::Received(Bytes::of(bytes)));
        }
        read
    }

    fn write(&mut self, data: &[u8], timeout: Duration) -> Result<(), Failure> {
        self.note(Said::Sent(Bytes::of(data)));
        self.inner.write(data, timeout)
    }

    fn start_tls(&mut self, tls: &Tls, timeout: Duration) -> Result<(), Failure> {
        self.inner.start_tls(tls, timeout)
    }
}
