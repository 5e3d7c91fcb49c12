//! One line of a log's file: `<time> <stream> <F|P> <text>`.

use jiff::Timestamp;

/// What a container wrote at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogLine<'a> {
    time: &'a [u8],
    /// `stdout` or `stderr`.
    pub(crate) stream: &'a [u8],
    /// Its end was written as well; else the next line goes on with it.
    is_whole: bool,
    text: &'a [u8],
}

impl<'a> LogLine<'a> {
    /// All lines of a file that can be read.
    pub(crate) fn all(file: &'a [u8]) -> impl DoubleEndedIterator<Item = LogLine<'a>> {
        file.split(|byte| *byte == b'\n').filter_map(Self::parse)
    }

    fn parse(line: &'a [u8]) -> Option<Self> {
        let mut parts = line.splitn(4, |byte| *byte == b' ');
        Some(Self {
            time: parts.next()?,
            stream: parts.next()?,
            is_whole: parts.next()? == b"F",
            text: parts.next().unwrap_or_default(),
        })
    }

    pub(crate) fn at(&self) -> Option<Timestamp> {
        std::str::from_utf8(self.time).ok()?.parse().ok()
    }

    /// As it was written.
    pub(crate) fn text(&self) -> Vec<u8> {
        let end: &[u8] = if self.is_whole { b"\n" } else { b"" };
        [self.text, end].concat()
    }

    /// The same, after the time at which it was written.
    pub(crate) fn text_with_time(&self) -> Vec<u8> {
        [self.time, b" ", &self.text()].concat()
    }
}
