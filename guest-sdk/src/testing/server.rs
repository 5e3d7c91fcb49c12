//! What answers when a plugin dials a member.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use crate::failure::Failure;
use crate::host::Connection;
use crate::http::{Request, Response};
use crate::tls::Tls;

/// One connection to a member, from the member's side. A closure from the received bytes to the answer is one.
pub trait Session: Send {
    /// What the member says first.
    fn greeting(&mut self) -> Vec<u8> {
        Vec::new()
    }

    /// What the member answers to these bytes; `None` closes the connection. An empty answer keeps the plugin waiting.
    fn answer(&mut self, received: &[u8]) -> Option<Vec<u8>>;
}

impl<F: FnMut(&[u8]) -> Vec<u8> + Send> Session for F {
    fn answer(&mut self, received: &[u8]) -> Option<Vec<u8>> {
        Some(self(received))
    }
}

#[derive(Clone)]
pub(super) enum Server {
    Sessions(Arc<dyn Fn() -> Box<dyn Session> + Send + Sync>),
    Socket(SocketAddr),
    Http(Arc<dyn Fn(&Request) -> Response + Send + Sync>),
    Failing(Failure),
}

impl Server {
    pub(super) fn dial(&self, timeout: Duration) -> Result<Box<dyn Connection>, Failure> {
        match self {
            Server::Sessions(session) => Ok(Box::new(Spoken::with(session()))),
            Server::Socket(address) => TcpStream::connect_timeout(address, timeout)
                .map(|stream| Box::new(Dialled(stream)) as Box<dyn Connection>)
                .map_err(of_io),
            Server::Http(_) => Err(Failure::Other("this port speaks HTTP only".to_owned())),
            Server::Failing(failure) => Err(failure.clone()),
        }
    }

    pub(super) fn respond(&self, request: &Request) -> Result<Response, Failure> {
        match self {
            Server::Http(answer) => Ok(answer(request)),
            Server::Sessions(_) | Server::Socket(_) => {
                Err(Failure::Other("this port does not speak HTTP".to_owned()))
            }
            Server::Failing(failure) => Err(failure.clone()),
        }
    }
}

/// A connection to a session in memory. It never waits: what the session has not said by now, it says after the next write or never.
pub(super) struct Spoken {
    session: Option<Box<dyn Session>>,
    unread: VecDeque<u8>,
}

impl Spoken {
    fn with(mut session: Box<dyn Session>) -> Spoken {
        Spoken {
            unread: session.greeting().into(),
            session: Some(session),
        }
    }
}

impl Connection for Spoken {
    fn read(&mut self, max: u32, _timeout: Duration) -> Result<Vec<u8>, Failure> {
        if self.unread.is_empty() && self.session.is_some() {
            return Err(Failure::Timeout);
        }
        let count = self
            .unread
            .len()
            .min(usize::try_from(max).unwrap_or(usize::MAX));
        Ok(self.unread.drain(..count).collect())
    }

    fn write(&mut self, data: &[u8], _timeout: Duration) -> Result<(), Failure> {
        let session = self.session.as_mut().ok_or(Failure::Closed)?;
        match session.answer(data) {
            Some(answer) => self.unread.extend(answer),
            None => self.session = None,
        }
        Ok(())
    }

    /// In memory there is nothing to hide.
    fn start_tls(&mut self, _tls: &Tls, _timeout: Duration) -> Result<(), Failure> {
        if self.unread.is_empty() {
            return Ok(());
        }
        // Whatever comes of it, the stream cannot be used in clear any more.
        self.unread.clear();
        self.session = None;
        Err(Failure::Tls("bytes in clear are not read yet".to_owned()))
    }
}

/// A connection to a real server.
struct Dialled(TcpStream);

impl Connection for Dialled {
    fn read(&mut self, max: u32, timeout: Duration) -> Result<Vec<u8>, Failure> {
        self.0.set_read_timeout(Some(timeout)).map_err(of_io)?;
        let max = usize::try_from(max).unwrap_or(usize::MAX).min(64 * 1024);
        let mut buffer = vec![0; max];
        let count = self.0.read(&mut buffer).map_err(of_io)?;
        buffer.truncate(count);
        Ok(buffer)
    }

    fn write(&mut self, data: &[u8], timeout: Duration) -> Result<(), Failure> {
        self.0.set_write_timeout(Some(timeout)).map_err(of_io)?;
        self.0.write_all(data).map_err(of_io)
    }

    fn start_tls(&mut self, _tls: &Tls, _timeout: Duration) -> Result<(), Failure> {
        Err(Failure::Tls(
            "a test host speaks no TLS; serve in memory".to_owned(),
        ))
    }
}

fn of_io(error: std::io::Error) -> Failure {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Failure::Timeout,
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Failure::Closed,
        _ => Failure::Unreachable(error.to_string()),
    }
}
