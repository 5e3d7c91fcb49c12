//! What happened in a run, in words.

use std::fmt;

/// What happened in a run, line by line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct History {
    start_ms: u64,
    lines: Vec<String>,
}

impl History {
    pub(crate) fn from(start_ms: u64) -> History {
        History {
            start_ms,
            lines: Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Something that the host or a user does.
    pub(crate) fn tell(&mut self, now_ms: u64, text: impl fmt::Display) {
        let seconds = now_ms.saturating_sub(self.start_ms) / 1000;
        self.lines.push(format!("{seconds:>5} s  {text}"));
    }

    /// Something within a call.
    pub(crate) fn detail(&mut self, text: impl fmt::Display) {
        self.lines.push(format!("           {text}"));
    }

    /// The fault.
    pub(crate) fn fault(&mut self, text: impl fmt::Display) {
        self.lines.push(format!("    >>>    {text}"));
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}
