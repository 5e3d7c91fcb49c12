//! Connections to simulated members.

use std::collections::VecDeque;
use std::time::Duration;

use stateward_sdk::testing::Session;
use stateward_sdk::{Connection, Failure, Tls};

use crate::application::Application;
use crate::cluster::live::{Exchange, Live};

/// A connection. It never waits: what the member has not said by now, it says after the next write or never.
pub(super) struct Stream<A> {
    pub(super) live: Live<A>,
    pub(super) pod: String,
    pub(super) name: String,
    pub(super) speech: Speech,
    pub(super) unread: VecDeque<u8>,
    /// Why nothing comes any more.
    pub(super) end: Option<Failure>,
}

/// How the member at the other end speaks.
pub(super) enum Speech {
    /// Line by line; what of a line has come so far.
    Lines(Vec<u8>),
    Session(Box<dyn Session>),
    /// The member closed it.
    Closed,
}

impl<A: Application> Connection for Stream<A> {
    fn read(&mut self, max: u32, _timeout: Duration) -> Result<Vec<u8>, Failure> {
        if self.unread.is_empty() {
            return match (&self.end, &self.speech) {
                (Some(failure), _) => Err(failure.clone()),
                (None, Speech::Closed) => Ok(Vec::new()),
                (None, _) => Err(Failure::Timeout),
            };
        }
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let count = self.unread.len().min(max);
        Ok(self.unread.drain(..count).collect())
    }

    fn write(&mut self, data: &[u8], timeout: Duration) -> Result<(), Failure> {
        if let Some(failure) = &self.end {
            return Err(failure.clone());
        }
        let words = format!("{} is sent {}", self.name, shown(data));
        let speech = &mut self.speech;
        let answer = self
            .live
            .exchange(&self.pod, &words, timeout, |scene, pod| {
                let answer = match speech {
                    Speech::Closed => return Err(Failure::Closed),
                    Speech::Session(session) => session.answer(data),
                    Speech::Lines(start) => {
                        start.extend_from_slice(data);
                        let mut answers = Vec::new();
                        while let Some(end) = start.iter().position(|byte| *byte == b'\n') {
                            let line: Vec<u8> = start.drain(..=end).collect();
                            let line = String::from_utf8_lossy(&line).into_owned();
                            let words: Vec<&str> = line.split_whitespace().collect();
                            let answer = match scene.application.ask(pod, &words) {
                                Ok(text) => format!("{text}\n"),
                                Err(text) => format!("error: {text}\n"),
                            };
                            answers.extend(answer.into_bytes());
                        }
                        Some(answers)
                    }
                };
                let said = answer.as_deref().map_or("the end".to_owned(), shown);
                scene.history.detail(format_args!("{words} → {said}"));
                Ok(answer)
            });
        match answer {
            Ok(Exchange::Answered(Some(answer))) => self.unread.extend(answer),
            Ok(Exchange::Answered(None)) => self.speech = Speech::Closed,
            // It was sent; that no answer comes shows at the next read.
            Ok(Exchange::Lost(failure, _)) => {
                self.unread.clear();
                self.end = Some(failure);
            }
            Err(failure) => {
                self.end = Some(failure.clone());
                return Err(failure);
            }
        }
        Ok(())
    }

    /// In memory there is nothing to hide.
    fn start_tls(&mut self, tls: &Tls, _timeout: Duration) -> Result<(), Failure> {
        self.live
            .granted(|scene| scene.grants.allow_tls(Some(tls)))?;
        self.live.0.borrow().bound(Some(tls))?;
        if self.unread.is_empty() {
            return Ok(());
        }
        // Whatever comes of it, the stream cannot be used in clear any more.
        self.unread.clear();
        self.speech = Speech::Closed;
        Err(Failure::Tls("bytes in clear are not read yet".to_owned()))
    }
}

/// As much of it as can be shown in one line.
fn shown(data: &[u8]) -> String {
    let text = String::from_utf8_lossy(data);
    let printable = |character: char| match character.is_control() || character == '\u{fffd}' {
        true => '·',
        false => character,
    };
    let text: String = text.trim().chars().map(printable).take(80).collect();
    format!("“{text}”")
}
