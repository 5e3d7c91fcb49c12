//! Tick by tick: the events of held watches wait until a test delivers them, in the order that it chooses between watches.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures::Stream;

use super::watching::Events;
use crate::api::BoxError;

/// A watch that has something to deliver.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// Names the watch in [`Link::deliver`](super::Link::deliver). A watch that was opened later has a higher number.
    pub watch: usize,
    /// What it watches: `pods`, `statefulapps`, ….
    pub resource: String,
    /// How many events wait.
    pub waiting: usize,
}

/// The watches of a link that are held, in the order in which they were opened.
#[derive(Clone, Default)]
pub(super) struct Deliveries(Vec<(String, Arc<Mutex<Gate>>)>);

struct Gate {
    /// Behind the gate, until it ends.
    events: Option<Events>,
    waiting: VecDeque<Result<Bytes, BoxError>>,
    passed: VecDeque<Result<Bytes, BoxError>>,
    reader: Option<Waker>,
    /// The client has gone: nothing is delivered any more.
    is_left: bool,
}

/// The client's side of a gate.
struct Passed(Arc<Mutex<Gate>>);

impl Deliveries {
    pub(super) fn hold(&mut self, resource: &str, events: Events) -> Events {
        let gate = Gate {
            events: Some(events),
            waiting: VecDeque::new(),
            passed: VecDeque::new(),
            reader: None,
            is_left: false,
        };
        let gate = Arc::new(Mutex::new(gate));
        self.0.push((resource.to_owned(), gate.clone()));
        Box::pin(Passed(gate))
    }

    /// Takes in what the watches have to tell by now.
    pub(super) fn look(&self) -> Vec<Held> {
        let all = self.0.iter().enumerate();
        let waiting = all.filter_map(|(watch, (resource, gate))| {
            let mut gate = lock(gate);
            gate.take_in();
            (!gate.waiting.is_empty() && !gate.is_left).then(|| Held {
                watch,
                resource: resource.clone(),
                waiting: gate.waiting.len(),
            })
        });
        waiting.collect()
    }

    /// Lets one event through. False when none waits.
    pub(super) fn deliver(&self, watch: usize) -> bool {
        let Some((_, gate)) = self.0.get(watch) else {
            return false;
        };
        let mut gate = lock(gate);
        gate.take_in();
        let Some(event) = gate.waiting.pop_front() else {
            return false;
        };
        gate.passed.push_back(event);
        if let Some(reader) = gate.reader.take() {
            reader.wake();
        }
        true
    }
}

impl Gate {
    fn take_in(&mut self) {
        // Nobody waits for the watch behind the gate: it is asked each time the test looks.
        let mut context = Context::from_waker(Waker::noop());
        while let Some(events) = &mut self.events {
            match events.as_mut().poll_next(&mut context) {
                Poll::Ready(Some(event)) => self.waiting.push_back(event),
                Poll::Ready(None) => self.events = None,
                Poll::Pending => return,
            }
        }
    }
}

impl Stream for Passed {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut gate = lock(&self.0);
        if let Some(event) = gate.passed.pop_front() {
            return Poll::Ready(Some(event));
        }
        if gate.events.is_none() && gate.waiting.is_empty() {
            return Poll::Ready(None);
        }
        gate.reader = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Passed {
    fn drop(&mut self) {
        let mut gate = lock(&self.0);
        gate.is_left = true;
        gate.events = None;
        gate.waiting.clear();
    }
}

fn lock(gate: &Mutex<Gate>) -> MutexGuard<'_, Gate> {
    gate.lock().unwrap_or_else(PoisonError::into_inner)
}
