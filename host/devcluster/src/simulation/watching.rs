//! A watch as its client sees it through a link: one event at a time, with its fault.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};

use super::fault::WatchFault;
use super::link::Shared;
use crate::api::{Body, BoxError};

pub(super) type Events = Pin<Box<dyn Stream<Item = Result<Bytes, BoxError>> + Send>>;

const EXPIRED: &[u8] = b"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\"message\":\"too old resource version\",\"reason\":\"Expired\",\"code\":410}}\n";

struct Watch {
    link: Arc<Shared>,
    body: Pin<Box<dyn Stream<Item = Result<Bytes, BoxError>> + Send>>,
    lines: VecDeque<Bytes>,
    seen: u32,
    fault: Option<(u32, WatchFault)>,
    is_over: bool,
}

/// The lines of a watch, each by itself.
pub(super) fn events(link: &Arc<Shared>, body: Body, fault: Option<(u32, WatchFault)>) -> Events {
    let watch = Watch {
        link: link.clone(),
        body: Box::pin(body.into_data_stream()),
        lines: VecDeque::new(),
        seen: 0,
        fault,
        is_over: false,
    };
    Box::pin(stream::unfold(watch, |mut watch| async move {
        let event = watch.next().await?;
        Some((event, watch))
    }))
}

pub(super) fn body(events: Events) -> Body {
    BodyExt::boxed_unsync(StreamBody::new(events.map(|event| event.map(Frame::data))))
}

impl Watch {
    async fn next(&mut self) -> Option<Result<Bytes, BoxError>> {
        if self.is_over {
            return None;
        }
        let fault = self
            .fault
            .filter(|(after, _)| self.seen >= *after)
            .map(|(_, how)| how);
        match fault {
            Some(WatchFault::Cut) => {
                self.is_over = true;
                return Some(Err("the connection was cut".into()));
            }
            Some(WatchFault::Expired) => {
                self.is_over = true;
                return Some(Ok(Bytes::from_static(EXPIRED)));
            }
            Some(WatchFault::Late(_)) | None => {}
        }
        while self.lines.is_empty() {
            match self.body.next().await {
                Some(Ok(bytes)) => self.split(&bytes),
                other => {
                    self.is_over = true;
                    return other;
                }
            }
        }
        if let Some(WatchFault::Late(by)) = fault {
            tokio::time::sleep(by).await;
        }
        self.link.take_time().await;
        if self.link.is_dead() {
            std::future::pending::<()>().await;
        }
        self.seen = self.seen.saturating_add(1);
        self.lines.pop_front().map(Ok)
    }

    /// The API answers whole lines, many at once.
    fn split(&mut self, bytes: &Bytes) {
        let mut start = 0;
        for (position, byte) in bytes.iter().enumerate() {
            if *byte == b'\n' {
                self.lines.push_back(bytes.slice(start..=position));
                start = position + 1;
            }
        }
    }
}
