//! What people and scripts read: text on standard output (colours only on a terminal), JSON with `-o json`.

use std::fmt::Display;
use std::io::Write;

use anstyle::{AnsiColor, Style};
use jiff::SignedDuration;
use serde::Serialize;

use crate::failure::Failure;

pub(crate) const STRONG: Style = Style::new().bold();
pub(crate) const FAINT: Style = Style::new().dimmed();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
pub(crate) const WAIT: Style = AnsiColor::Yellow.on_default();
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();

/// For commands that people and scripts read.
#[derive(Debug, clap::Args)]
pub(crate) struct FormatArguments {
    /// How to print the answer
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t)]
    pub(crate) output: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// For scripts
    Json,
}

/// Text in a style.
pub(crate) fn painted(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Prints one line.
pub(crate) fn line(text: impl Display) -> Result<(), Failure> {
    writeln!(anstream::stdout(), "{text}").map_err(Failure::Output)
}

/// Prints one line beside the answer: progress, notes.
pub(crate) fn note(text: impl Display) {
    // There is nobody to tell when standard error is gone.
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// Prints why the command failed.
pub(crate) fn failure(failure: &Failure) {
    note(format_args!("{} {failure}", painted(BAD.bold(), "error:")));
}

/// Prints a value as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text =
        serde_json::to_string_pretty(value).map_err(|error| Failure::Output(error.into()))?;
    line(text)
}

/// A duration as people say it.
pub(crate) fn words(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{minutes} min"),
        7_200..=172_799 => format!("{hours} h"),
        _ => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_in_the_unit_that_matters() {
        let told = |seconds| words(SignedDuration::from_secs(seconds));
        assert_eq!(
            [-5, 0, 119, 120, 7_200, 172_800].map(told),
            ["0 s", "0 s", "119 s", "2 min", "2 h", "2 days"]
        );
    }
}
