//! Programs that outlive the call that started them, as the host remembers them.

use std::collections::BTreeMap;

use crate::failure::Failure;
use crate::host::{Job, Output};

/// The longest key.
const MAX_KEY: usize = 63;

/// Programs by pod and key, each of one start of its container.
#[derive(Debug, Clone, Default)]
pub struct Jobs(BTreeMap<(String, String), Started>);

#[derive(Debug, Clone)]
struct Started {
    restarts: u32,
    /// On the virtual clock.
    ends_ms: u64,
    /// None: nobody knows what becomes of it.
    output: Option<Output>,
}

impl Jobs {
    /// The program of this key in this start of the container; none when it was not started.
    pub fn of(&self, pod: &str, key: &str, restarts: u32, now_ms: u64) -> Option<Job> {
        let place = (pod.to_owned(), key.to_owned());
        let known = self.0.get(&place)?;
        let is_of_this_start = known.restarts == restarts;
        is_of_this_start.then(|| match &known.output {
            None => Job::Lost,
            Some(_) if now_ms < known.ends_ms => Job::Running,
            Some(output) => Job::Exited(output.clone()),
        })
    }

    /// It is started; until [`ends`](Jobs::ends) is said nobody knows what becomes of it.
    pub fn starts(&mut self, pod: &str, key: &str, restarts: u32) {
        let started = Started {
            restarts,
            ends_ms: 0,
            output: None,
        };
        self.0.insert((pod.to_owned(), key.to_owned()), started);
    }

    /// It leaves this output, at this time.
    pub fn ends(&mut self, pod: &str, key: &str, ends_ms: u64, output: Output) {
        let place = (pod.to_owned(), key.to_owned());
        if let Some(started) = self.0.get_mut(&place) {
            started.ends_ms = ends_ms;
            started.output = Some(output);
        }
    }

    /// The pod is gone, and its programs with it.
    pub fn forget(&mut self, pod: &str) {
        self.0.retain(|(of, _), _| of != pod);
    }

    /// The host restarts: it knows that they were started, and no more.
    pub fn lose(&mut self) {
        for started in self.0.values_mut() {
            started.output = None;
        }
    }
}

/// Whether the host takes this key.
pub(super) fn check(key: &str) -> Result<(), Failure> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let ends = |end: Option<u8>| end.is_some_and(|byte| byte.is_ascii_alphanumeric());
    let (first, last) = (key.bytes().next(), key.bytes().last());
    if key.len() <= MAX_KEY && key.bytes().all(fits) && ends(first) && ends(last) {
        return Ok(());
    }
    Err(Failure::Other(format!(
        "key {key:?} must have 1 to {MAX_KEY} letters, digits, '-', '_' and '.', with a letter or digit at both ends"
    )))
}
