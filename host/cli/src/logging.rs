//! Where log lines go. `STATEWARD_LOG` says which ones, in the words of tracing's filters.

use std::fs::File;

use anstream::{AutoStream, ColorChoice};
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One object per line, for collectors
    Json,
}

const VARIABLE: &str = "STATEWARD_LOG";

fn filter(default: &str) -> EnvFilter {
    EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(default))
}

/// Commands answer on standard output; the log only has what should not happen.
pub(crate) fn for_commands() {
    start(LogFormat::Text, filter("warn"));
}

/// The operator's log, on standard error.
pub(crate) fn for_the_operator(format: LogFormat) {
    start(format, filter("info"));
}

/// The development cluster tells its story on standard output; the log goes to a file beside it, or where somebody asked for it to standard error.
pub(crate) fn for_development(file: File) {
    if std::env::var_os(VARIABLE).is_some() {
        start(LogFormat::Text, filter("info"));
    } else {
        let _ = tracing_subscriber::fmt()
            .with_env_filter(filter("info"))
            .with_writer(file)
            .with_ansi(false)
            .try_init();
    }
}

fn start(format: LogFormat, filter: EnvFilter) {
    let is_colourful = AutoStream::choice(&std::io::stderr()) != ColorChoice::Never;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(is_colourful);
    // Fails only when a log was started before.
    let _ = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().with_ansi(false).try_init(),
    };
}
