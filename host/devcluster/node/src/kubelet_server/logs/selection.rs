//! What of a log a client asks for.

use jiff::{SignedDuration, Timestamp};

use crate::kubelet_server::query::Query;
use crate::runtime::process::log::LogLine;

/// What of a log is asked for.
#[derive(Debug, Default)]
pub(super) struct Selection {
    tail: Option<usize>,
    since: Option<Timestamp>,
    with_times: bool,
    /// `stdout` or `stderr`; both when none is named.
    stream: Option<&'static str>,
    /// How many bytes the client still takes.
    left: Option<usize>,
}

impl Selection {
    pub(super) fn of(query: &Query) -> Self {
        let number = |name| {
            query
                .get(name)
                .and_then(|value| value.parse::<usize>().ok())
        };
        let since_seconds = number("sinceSeconds").and_then(|seconds| {
            let ago = SignedDuration::from_secs(i64::try_from(seconds).ok()?);
            Timestamp::now().checked_sub(ago).ok()
        });
        Self {
            tail: number("tailLines"),
            since: since_seconds
                .or_else(|| query.get("sinceTime").and_then(|time| time.parse().ok())),
            with_times: query.is_set("timestamps"),
            stream: match query.get("stream") {
                Some("Stdout") => Some("stdout"),
                Some("Stderr") => Some("stderr"),
                _ => None,
            },
            left: number("limitBytes"),
        }
    }

    /// Whether the client has as many bytes as it wanted.
    pub(super) fn is_exhausted(&self) -> bool {
        self.left == Some(0)
    }

    /// Lines of the file as the client is to see them; the tail is cut off these and not off later ones.
    pub(super) fn first(&mut self, file: &[u8]) -> Vec<u8> {
        let lines = self.lines(file);
        let skipped = self.tail.map_or(0, |tail| lines.len().saturating_sub(tail));
        let shown = lines.into_iter().skip(skipped).collect::<Vec<_>>().concat();
        self.limited(shown)
    }

    /// Lines that were added to the file.
    pub(super) fn next(&mut self, added: &[u8]) -> Vec<u8> {
        let shown = self.lines(added).concat();
        self.limited(shown)
    }

    fn lines(&self, file: &[u8]) -> Vec<Vec<u8>> {
        LogLine::all(file)
            .filter(|line| self.takes(line))
            .map(|line| match self.with_times {
                true => line.text_with_time(),
                false => line.text(),
            })
            .collect()
    }

    fn takes(&self, line: &LogLine<'_>) -> bool {
        let is_of_stream = |wanted: &str| wanted.as_bytes() == line.stream;
        let is_new = |since| line.at().is_none_or(|time| time >= since);
        self.stream.is_none_or(is_of_stream) && self.since.is_none_or(is_new)
    }

    fn limited(&mut self, mut shown: Vec<u8>) -> Vec<u8> {
        if let Some(left) = &mut self.left {
            shown.truncate(*left);
            *left -= shown.len();
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "2026-01-01T00:00:00Z stdout F one\n2026-01-01T00:00:01Z stderr F two words\n2026-01-01T00:00:02Z stdout P thr\n2026-01-01T00:00:02Z stdout F ee\n";

    fn shown(query: &str) -> String {
        let bytes = Selection::of(&Query::parse(query)).first(FILE.as_bytes());
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn a_log_is_shown_without_its_marks_and_cut_as_asked() {
        assert_eq!(shown(""), "one\ntwo words\nthree\n");
        assert_eq!(shown("tailLines=1"), "ee\n");
        assert_eq!(
            shown("sinceTime=2026-01-01T00:00:01Z"),
            "two words\nthree\n"
        );
        assert_eq!(shown("limitBytes=5"), "one\nt");
        assert_eq!(shown("stream=Stderr"), "two words\n");
        assert!(shown("timestamps=true").starts_with("2026-01-01T00:00:00Z one\n"));
    }

    #[test]
    fn what_follows_is_not_cut_by_the_tail_but_by_the_limit() {
        let mut selection = Selection::of(&Query::parse("tailLines=0&limitBytes=8"));
        assert_eq!(selection.first(FILE.as_bytes()), b"");
        assert_eq!(selection.next(b"t stdout F four\n"), b"four\n");
        assert!(!selection.is_exhausted());
        assert_eq!(
            selection.next(b"t stdout F \xff\xfe\xfd\xfc\n"),
            b"\xff\xfe\xfd"
        );
        assert!(selection.is_exhausted());
    }
}
