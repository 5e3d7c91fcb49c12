//! Tells the story of a scenario while it runs: plain lines, or nothing at all in tests.

use std::io::{IsTerminal, Write, stdout};
use std::time::Instant;

/// Where the story goes.
#[derive(Clone, Copy, Debug)]
pub enum Narrator {
    Silent,
    Aloud { begin: Instant, coloured: bool },
}

impl Narrator {
    pub fn aloud() -> Self {
        Narrator::Aloud {
            begin: Instant::now(),
            coloured: stdout().is_terminal(),
        }
    }

    /// A chapter begins.
    pub fn chapter(self, title: &str) {
        self.line("1", &format!("\n== {title}"));
    }

    /// What happens and why, a sentence.
    pub fn says(self, text: &str) {
        self.line("0", text);
    }

    /// A command that the user types.
    pub fn types(self, command: &str) {
        self.line("36", &format!("  $ {command}"));
    }

    /// What a command answered.
    pub fn shows(self, output: &str) {
        for line in output.trim_end().lines() {
            self.line("2", &format!("    {line}"));
        }
    }

    /// Something was checked and is so.
    pub fn checked(self, what: &str) {
        self.line("32", &format!("  ok  {what}"));
    }

    fn line(self, style: &str, text: &str) {
        let Narrator::Aloud { begin, coloured } = self else {
            return;
        };
        let mut out = stdout().lock();
        for line in text.split('\n') {
            // A reader who closed the pipe does not end the story.
            let _ = match (line.is_empty(), coloured) {
                (true, _) => writeln!(out),
                (_, true) => writeln!(
                    out,
                    "\x1b[2m{:>4}s\x1b[0m \x1b[{style}m{line}\x1b[0m",
                    begin.elapsed().as_secs()
                ),
                (_, false) => writeln!(out, "{:>4}s {line}", begin.elapsed().as_secs()),
            };
        }
    }
}
