//! Frames of SPDY/3.1, as far as port forwarding has them.
//!
//! ```text
//! control: 1 version:15 type:16 flags:8 length:24 payload      data: 0 stream:31 flags:8 length:24 payload
//! ```

use bytes::{Buf, Bytes, BytesMut};
use thiserror::Error;

use super::header_block::{Reader, Writer};

/// Bytes that are no SPDY/3.1.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(super) enum Malformed {
    #[error("a frame is not of SPDY/3.1")]
    Version,
    #[error("a frame is longer than {LONGEST} bytes")]
    Length,
    #[error("the headers of a stream cannot be read")]
    Headers,
}

/// Nobody sends longer frames; memory is not kept for what claims to be one.
const LONGEST: usize = 1024 * 1024;

const HEAD: usize = 8;
const VERSION: u16 = 3;
const CONTROL: u32 = 1 << 31;
const FINISHED: u8 = 1;

const SYN_STREAM: u16 = 1;
const SYN_REPLY: u16 = 2;
const RST_STREAM: u16 = 3;
const PING: u16 = 6;
const GO_AWAY: u16 = 7;

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Open {
        stream: u32,
        headers: Vec<(String, String)>,
        is_finished: bool,
    },
    Data {
        stream: u32,
        bytes: Bytes,
        is_finished: bool,
    },
    Reset {
        stream: u32,
    },
    Ping(Bytes),
    GoAway,
    /// Settings and windows, which change nothing here.
    Other,
}

/// Reads frames out of bytes that come in any pieces.
#[derive(Default)]
pub(super) struct Frames {
    unread: BytesMut,
    headers: Reader,
}

impl Frames {
    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.unread.extend_from_slice(bytes);
    }

    /// The next frame that is there as a whole.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, Malformed> {
        let mut head = self.unread.as_ref();
        let (Ok(first), Ok(second)) = (head.try_get_u32(), head.try_get_u32()) else {
            return Ok(None);
        };
        let [flags, length @ ..] = second.to_be_bytes();
        let length = length
            .iter()
            .fold(0, |length, byte| (length << 8) | usize::from(*byte));
        if length > LONGEST {
            return Err(Malformed::Length);
        }
        if self.unread.len() < HEAD + length {
            return Ok(None);
        }
        self.unread.advance(HEAD);
        let payload = self.unread.split_to(length).freeze();
        let is_finished = flags & FINISHED != 0;
        if first & CONTROL == 0 {
            return Ok(Some(Frame::Data {
                stream: first,
                bytes: payload,
                is_finished,
            }));
        }
        let [version, kind] = [(first & !CONTROL) >> 16, first & 0xffff];
        if version != u32::from(VERSION) {
            return Err(Malformed::Version);
        }
        let kind = u16::try_from(kind).unwrap_or_default();
        self.control(kind, payload, is_finished).map(Some)
    }

    fn control(
        &mut self,
        kind: u16,
        mut payload: Bytes,
        is_finished: bool,
    ) -> Result<Frame, Malformed> {
        let number = |payload: &mut Bytes| payload.try_get_u32().map_err(|_| Malformed::Length);
        Ok(match kind {
            SYN_STREAM => {
                let stream = number(&mut payload)?;
                let _associated = number(&mut payload)?;
                let _priority = payload.try_get_u16().map_err(|_| Malformed::Length)?;
                Frame::Open {
                    stream,
                    headers: self.headers.read(&payload)?,
                    is_finished,
                }
            }
            RST_STREAM => Frame::Reset {
                stream: number(&mut payload)?,
            },
            PING => Frame::Ping(payload),
            GO_AWAY => Frame::GoAway,
            _ => Frame::Other,
        })
    }
}

/// Writes the frames of a server.
#[derive(Default)]
pub(super) struct Replies {
    headers: Writer,
}

impl Replies {
    /// Takes a stream of the client.
    pub(super) fn accept(&mut self, stream: u32) -> Vec<u8> {
        control(
            SYN_REPLY,
            &[&stream.to_be_bytes()[..], &self.headers.empty()].concat(),
        )
    }
}

pub(super) fn pong(ping: &[u8]) -> Vec<u8> {
    control(PING, ping)
}

/// Bytes of a stream; frames are no longer than what a message carries.
pub(super) fn data(stream: u32, bytes: &[u8]) -> Vec<u8> {
    frame(stream, 0, bytes)
}

/// Nothing more comes on the stream.
pub(super) fn end(stream: u32) -> Vec<u8> {
    frame(stream, FINISHED, &[])
}

fn control(kind: u16, payload: &[u8]) -> Vec<u8> {
    frame(
        CONTROL | (u32::from(VERSION) << 16) | u32::from(kind),
        0,
        payload,
    )
}

fn frame(first: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or_default();
    let second = (u32::from(flags) << 24) | length;
    [&first.to_be_bytes()[..], &second.to_be_bytes(), payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_from_pieces() {
        let mut frames = Frames::default();
        let bytes = [data(5, b"hello"), end(5), pong(&[0, 0, 0, 1])].concat();
        let mut read = Vec::new();
        for byte in bytes {
            frames.add(&[byte]);
            read.extend(frames.next().expect("frames"));
        }
        let data = |text: &'static str, is_finished| Frame::Data {
            stream: 5,
            bytes: Bytes::from(text),
            is_finished,
        };
        let ping = Frame::Ping(Bytes::from_static(&[0, 0, 0, 1]));
        assert_eq!(read, [data("hello", false), data("", true), ping]);
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let read = |bytes: &[u8]| {
            let mut frames = Frames::default();
            frames.add(bytes);
            frames.next()
        };
        assert_eq!(read(&[0x80, 2, 0, 1, 0, 0, 0, 0]), Err(Malformed::Version));
        assert_eq!(read(&[0, 0, 0, 1, 0, 255, 0, 0]), Err(Malformed::Length));
        assert_eq!(read(&[0x80, 3, 0, 1, 0, 0, 0, 0]), Err(Malformed::Length));
    }
}
