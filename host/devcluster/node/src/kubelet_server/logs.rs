//! A container's log for a client.

use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::stream;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use jiff::{SignedDuration, Timestamp};

use super::query::Query;
use super::{Answer, text};
use crate::pods::directory::Entry;
use crate::runtime::process::log::ContainerLog;

/// What of a log is asked for.
#[derive(Debug, Default)]
struct Selection {
    tail: Option<usize>,
    since: Option<Timestamp>,
    with_times: bool,
    limit: Option<usize>,
}

impl Selection {
    fn of(query: &Query) -> Self {
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
            limit: number("limitBytes"),
        }
    }

    /// Lines of the file as the client is to see them.
    fn apply(&self, file: &str) -> String {
        let lines: Vec<String> = file.lines().filter_map(|line| self.line(line)).collect();
        let skipped = self.tail.map_or(0, |tail| lines.len().saturating_sub(tail));
        let mut shown: String = lines.into_iter().skip(skipped).collect();
        if let Some(limit) = self.limit {
            let end = (0..=limit.min(shown.len()))
                .rev()
                .find(|at| shown.is_char_boundary(*at));
            shown.truncate(end.unwrap_or_default());
        }
        shown
    }

    fn line(&self, line: &str) -> Option<String> {
        let mut parts = line.splitn(4, ' ');
        let (time, _stream, tag) = (parts.next()?, parts.next()?, parts.next()?);
        let text = parts.next().unwrap_or_default();
        if let Some(since) = self.since
            && time.parse::<Timestamp>().is_ok_and(|time| time < since)
        {
            return None;
        }
        let end = if tag == "F" { "\n" } else { "" };
        Some(if self.with_times {
            format!("{time} {text}{end}")
        } else {
            format!("{text}{end}")
        })
    }
}

pub(super) fn answer(entry: Entry, query: &Query) -> Answer {
    let selection = Selection::of(query);
    if query.is_set("previous") {
        return match entry.previous_log.filter(|path| path.exists()) {
            Some(path) => whole(&path, &selection),
            None => text(
                StatusCode::BAD_REQUEST,
                "previous terminated container not found",
            ),
        };
    }
    match entry.log {
        None => text(StatusCode::BAD_REQUEST, "the container has not started yet"),
        Some(log) if query.is_set("follow") => follow(log, selection),
        Some(log) => whole(log.path(), &selection),
    }
}

fn whole(path: &Path, selection: &Selection) -> Answer {
    match std::fs::read(path) {
        Ok(bytes) => text(
            StatusCode::OK,
            &selection.apply(&String::from_utf8_lossy(&bytes)),
        ),
        Err(error) => text(
            StatusCode::INTERNAL_SERVER_ERROR,
            &format!("log not readable: {error}"),
        ),
    }
}

/// What is there, then what comes, until the container ends.
fn follow(log: Arc<ContainerLog>, selection: Selection) -> Answer {
    let path: PathBuf = log.path().to_owned();
    let state = (log.follow(), path, 0_u64, selection, false);
    let frames = stream::unfold(
        state,
        |(mut progress, path, at, mut selection, is_over)| async move {
            if is_over {
                return None;
            }
            if at > 0 && progress.changed().await.is_err() {
                return None;
            }
            let is_over = progress.borrow_and_update().ended;
            let (added, at) = read_from(&path, at);
            let shown = selection.apply(&added);
            // Only what is there at the beginning is cut.
            selection.tail = None;
            let frame = Ok(Frame::data(Bytes::from(shown)));
            Some((frame, (progress, path, at.max(1), selection, is_over)))
        },
    );
    Response::new(StreamBody::new(frames).boxed())
}

/// Whole lines from a position on, and where they end.
fn read_from(path: &Path, at: u64) -> (String, u64) {
    let mut added = Vec::new();
    let start = if at <= 1 { 0 } else { at };
    let read = std::fs::File::open(path).and_then(|mut file| {
        file.seek(SeekFrom::Start(start))?;
        file.read_to_end(&mut added)
    });
    let end = added
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    added.truncate(end);
    if read.is_err() {
        return (String::new(), at);
    }
    let length = u64::try_from(end).unwrap_or_default();
    (String::from_utf8_lossy(&added).into_owned(), start + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "2026-01-01T00:00:00Z stdout F one\n2026-01-01T00:00:01Z stderr F two words\n2026-01-01T00:00:02Z stdout P thr\n2026-01-01T00:00:02Z stdout F ee\n";

    fn shown(query: &str) -> String {
        Selection::of(&Query::parse(query)).apply(FILE)
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
        assert!(shown("timestamps=true").starts_with("2026-01-01T00:00:00Z one\n"));
    }
}
