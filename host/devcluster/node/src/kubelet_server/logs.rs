//! A container's log for a client.

mod selection;

use std::path::Path;

use bytes::Bytes;
use futures::stream;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;

use super::query::Query;
use super::{Answer, text};
use crate::pods::directory::Entry;
use crate::runtime::process::log::{ContainerLog, LogReader};
use selection::Selection;

/// A log of this container of this pod, in the words of a kubelet where there is none.
pub(super) fn answer(pod: &str, container: &str, entry: Entry, query: &Query) -> Answer {
    let selection = Selection::of(query);
    let refuse = |message: String| text(StatusCode::BAD_REQUEST, &message);
    if query.is_set("previous") {
        return match entry.previous_log {
            Some(path) => whole(&path, selection),
            None => refuse(format!(
                "previous terminated container {container:?} in pod {pod:?} not found"
            )),
        };
    }
    match entry.log {
        Some(log) if query.is_set("follow") => follow(&log, selection),
        Some(log) => whole(log.path(), selection),
        None => {
            let why = match entry.waiting.unwrap_or("ContainerCreating") {
                "ErrImagePull" => "image can't be pulled",
                "ImagePullBackOff" => "trying and failing to pull image",
                reason => reason,
            };
            refuse(format!(
                "container {container:?} in pod {pod:?} is waiting to start: {why}"
            ))
        }
    }
}

fn whole(path: &Path, mut selection: Selection) -> Answer {
    let shown = selection.first(&LogReader::new(path).read());
    Response::new(Full::new(Bytes::from(shown)).boxed())
}

/// What is there, then what comes, until the container ends or the client has as much as it asked for.
fn follow(log: &ContainerLog, selection: Selection) -> Answer {
    struct Following {
        reader: LogReader,
        selection: Selection,
        is_first: bool,
        is_over: bool,
    }
    let progress = log.follow();
    let state = Following {
        reader: LogReader::new(log.path()),
        selection,
        is_first: true,
        is_over: false,
    };
    let frames = stream::unfold((state, progress), |(mut state, mut progress)| async move {
        if state.is_over || state.selection.is_exhausted() {
            return None;
        }
        if !state.is_first && progress.changed().await.is_err() {
            return None;
        }
        state.is_over = progress.borrow_and_update().ended;
        let lines = state.reader.read();
        let shown = if state.is_first {
            state.selection.first(&lines)
        } else {
            state.selection.next(&lines)
        };
        state.is_first = false;
        Some((Ok(Frame::data(Bytes::from(shown))), (state, progress)))
    });
    Response::new(StreamBody::new(frames).boxed())
}
