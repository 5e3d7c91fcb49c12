//! The operator's log, as far as plugins write to it.

use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Where lines of plugins come from.
const OF_PLUGINS: &str = "stateward_operator::capabilities";

static LINES: Mutex<Vec<Line>> = Mutex::new(Vec::new());

#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    pub(crate) level: Option<Level>,
    pub(crate) text: String,
    app: String,
    hook: String,
}

/// Keeps the lines of plugins, and prints those that `STATEWARD_LOG` asks for.
pub(crate) fn keep() {
    let of_plugins = Targets::new().with_target(OF_PLUGINS, Level::DEBUG);
    let printed = std::env::var_os("STATEWARD_LOG").map(|_| {
        tracing_subscriber::fmt::layer().with_filter(EnvFilter::from_env("STATEWARD_LOG"))
    });
    // Every test of this program calls it; the first one is heard.
    let _ = tracing_subscriber::registry()
        .with(Keeper.with_filter(of_plugins.and(filter_fn(|event| event.is_event()))))
        .with(printed)
        .try_init();
}

/// What plugins have said about this app in its hook, in order.
pub(crate) fn of(app: &str, hook: &str) -> Vec<Line> {
    (lines().iter())
        .filter(|line| line.app == app && line.hook == hook)
        .cloned()
        .collect()
}

fn lines() -> MutexGuard<'static, Vec<Line>> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Keeper;

impl<S: Subscriber> Layer<S> for Keeper {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line {
            level: Some(*event.metadata().level()),
            ..Line::default()
        };
        event.record(&mut line);
        lines().push(line);
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let value = format!("{value:?}");
        match field.name() {
            "message" => self.text = value,
            "app" => self.app = value,
            "hook" => self.hook = value,
            _ => {}
        }
    }
}
