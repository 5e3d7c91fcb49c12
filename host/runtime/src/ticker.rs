//! Moves the engine's epoch while calls run, so that guests that compute are interrupted. Sleeps while none runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use wasmtime::Engine;

/// The time between two interruptions of a guest that computes.
pub(crate) const TICK: Duration = Duration::from_millis(10);

/// The thread that moves the epoch. It ends when the engine does.
#[derive(Clone)]
pub(crate) struct Ticker {
    running: Arc<AtomicUsize>,
    thread: Thread,
}

/// A running call; the epoch moves as long as there is one.
pub(crate) struct Running(Arc<AtomicUsize>);

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Ticker> {
        let running = Arc::new(AtomicUsize::new(0));
        let calls = Arc::clone(&running);
        let engine = engine.weak();
        let thread = thread::Builder::new()
            .name("stateward-epoch".to_owned())
            .spawn(move || {
                while let Some(engine) = engine.upgrade() {
                    if calls.load(Ordering::Acquire) == 0 {
                        drop(engine);
                        // Wakes up now and then to see whether the engine is gone.
                        thread::park_timeout(TICK * 500);
                    } else {
                        engine.increment_epoch();
                        drop(engine);
                        thread::sleep(TICK);
                    }
                }
            })?;
        Ok(Ticker {
            running,
            thread: thread.thread().clone(),
        })
    }

    /// Starts ticking for one call.
    pub(crate) fn run(&self) -> Running {
        if self.running.fetch_add(1, Ordering::AcqRel) == 0 {
            self.thread.unpark();
        }
        Running(Arc::clone(&self.running))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
