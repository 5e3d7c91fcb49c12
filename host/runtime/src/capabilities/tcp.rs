//! Byte streams to members, plain or under TLS. Grant: `tcp`, by port.

use std::io;

use futures::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};
use wasmtime::StoreContextMut;
use wasmtime::component::{LinkerInstance, Resource, ResourceType};

use super::forbid;
use crate::contract::{Failure, Tls};
use crate::effects::Stream;
use crate::grants::port_grant;
use crate::sandbox::Sandbox;

/// The most that one `read` gives; it may give less than it was asked for.
const MAX_READ: usize = 64 << 10;

/// The most that one `write` takes.
const MAX_WRITE: usize = 1 << 20;

/// An open stream; closed with the call at the latest, because the store owns it.
struct Connection {
    stream: Box<dyn Stream>,
    /// Stable name of the member at its other end.
    host: Option<String>,
}

pub(super) fn link(tcp: &mut LinkerInstance<'_, Sandbox>, allowed: bool) -> wasmtime::Result<()> {
    tcp.resource(
        "connection",
        ResourceType::host::<Connection>(),
        |mut cx, rep| {
            let sandbox = cx.data_mut();
            sandbox.table.delete(Resource::<Connection>::new_own(rep))?;
            sandbox.open_connections = sandbox.open_connections.saturating_sub(1);
            Ok(())
        },
    )?;
    if !allowed {
        let functions = [
            "connect",
            "[method]connection.read",
            "[method]connection.write",
            "[method]connection.start-tls",
        ];
        return forbid(tcp, "tcp", &functions);
    }
    tcp.func_wrap_async(
        "connect",
        |mut cx: StoreContextMut<'_, Sandbox>,
         (pods, port, secure, timeout_ms): (Vec<String>, String, Option<Tls>, u32)| {
            Box::new(async move {
                let sandbox = cx.data_mut();
                sandbox.meter.enter()?;
                let connections = sandbox.connect(pods, &port, secure, timeout_ms).await?;
                sandbox.meter.resume();
                Ok((connections,))
            })
        },
    )?;
    tcp.func_wrap_async(
        "[method]connection.read",
        |mut cx: StoreContextMut<'_, Sandbox>,
         (connection, max, timeout_ms): (Resource<Connection>, u32, u32)| {
            Box::new(async move {
                let sandbox = cx.data_mut();
                sandbox.meter.enter()?;
                let bytes = sandbox.read(&connection, max, timeout_ms).await?;
                sandbox.meter.resume();
                Ok((bytes,))
            })
        },
    )?;
    tcp.func_wrap_async(
        "[method]connection.start-tls",
        |mut cx: StoreContextMut<'_, Sandbox>,
         (connection, how, timeout_ms): (Resource<Connection>, Tls, u32)| {
            Box::new(async move {
                let sandbox = cx.data_mut();
                sandbox.meter.enter()?;
                let started = sandbox.start_tls(&connection, how, timeout_ms).await?;
                sandbox.meter.resume();
                Ok((started,))
            })
        },
    )?;
    tcp.func_wrap_async(
        "[method]connection.write",
        |mut cx: StoreContextMut<'_, Sandbox>,
         (connection, data, timeout_ms): (Resource<Connection>, Vec<u8>, u32)| {
            Box::new(async move {
                let sandbox = cx.data_mut();
                sandbox.meter.enter()?;
                let written = sandbox.write(&connection, &data, timeout_ms).await?;
                sandbox.meter.resume();
                Ok((written,))
            })
        },
    )
}

impl Sandbox {
    async fn connect(
        &mut self,
        pods: Vec<String>,
        port: &str,
        secure: Option<Tls>,
        timeout_ms: u32,
    ) -> wasmtime::Result<Vec<Result<Resource<Connection>, Failure>>> {
        let limit = self.meter.clip(timeout_ms);
        let until = Instant::now() + limit;
        let encryption = match secure {
            None => None,
            Some(how) => match self.encryption(how).await {
                Ok(encryption) => Some(encryption),
                Err(failure) => {
                    return Ok(pods.iter().map(|_| Err(failure.clone())).collect());
                }
            },
        };
        let max = self.limits().connections;
        let mut room = max.saturating_sub(self.open_connections);
        let dials = pods.into_iter().map(|pod| {
            let allowed = self.may_dial(&pod, port).and_then(|()| {
                room = room
                    .checked_sub(1)
                    .ok_or_else(|| Failure::Budget(format!("{max} open connections per call")))?;
                Ok(())
            });
            let host = self.host_of(&pod);
            let (effects, encryption) = (&self.effects, &encryption);
            async move {
                allowed?;
                let dial = async {
                    let stream = effects.dial(&pod, port).await?;
                    match encryption {
                        None => Ok(stream),
                        Some(encryption) => encryption.wrap(stream, host.as_deref()).await,
                    }
                };
                let dialled = timeout_at(until, dial).await;
                let stream = dialled.unwrap_or(Err(Failure::Timeout))?;
                Ok(Connection { stream, host })
            }
        });
        let dials: Vec<_> = dials.collect();
        let mut connections = Vec::new();
        for dialed in join_all(dials).await {
            connections.push(match dialed {
                Ok(connection) => {
                    self.open_connections += 1;
                    self.meter.add_connection(self.open_connections);
                    Ok(self.table.push(connection)?)
                }
                Err(failure) => Err(failure),
            });
        }
        Ok(connections)
    }

    fn may_dial(&self, pod: &str, port: &str) -> Result<(), Failure> {
        let allowed = self.grants().allows_port(port);
        let shown = crate::text::line(port, 64);
        self.permit(
            allowed,
            &format!("tcp to port {shown}"),
            &port_grant(&shown),
        )?;
        if self.snapshot.has_pod(pod) {
            Ok(())
        } else {
            Err(Failure::Replaced)
        }
    }

    async fn start_tls(
        &mut self,
        connection: &Resource<Connection>,
        how: Tls,
        timeout_ms: u32,
    ) -> wasmtime::Result<Result<(), Failure>> {
        let until = Instant::now() + self.meter.clip(timeout_ms);
        let encryption = match self.encryption(how).await {
            Ok(encryption) => encryption,
            Err(failure) => return Ok(Err(failure)),
        };
        let connection = self.table.get_mut(connection)?;
        // Whatever comes of it, the stream cannot be used in clear any more.
        let stream = std::mem::replace(&mut connection.stream, Box::new(tokio::io::empty()));
        let wrapped = encryption.wrap(stream, connection.host.as_deref());
        Ok(match timeout_at(until, wrapped).await {
            Ok(Ok(stream)) => {
                connection.stream = stream;
                Ok(())
            }
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(Failure::Timeout),
        })
    }

    async fn read(
        &mut self,
        connection: &Resource<Connection>,
        max: u32,
        timeout_ms: u32,
    ) -> wasmtime::Result<Result<Vec<u8>, Failure>> {
        if max == 0 {
            // Nothing would look like the end of the stream.
            let nothing = "a read of at most 0 bytes".to_owned();
            return Ok(Err(Failure::Other(nothing)));
        }
        let room = self.meter.room(usize::try_from(max)?.min(MAX_READ));
        if room == 0 {
            return Ok(Err(self.bytes_are_used_up()));
        }
        let limit = self.meter.clip(timeout_ms);
        let stream = &mut self.table.get_mut(connection)?.stream;
        let mut bytes = vec![0; room];
        Ok(match timeout(limit, stream.read(&mut bytes)).await {
            Ok(Ok(count)) => {
                bytes.truncate(count);
                self.meter.add_bytes(count);
                Ok(bytes)
            }
            Ok(Err(err)) => Err(failure_of(&err)),
            Err(_) => Err(Failure::Timeout),
        })
    }

    async fn write(
        &mut self,
        connection: &Resource<Connection>,
        data: &[u8],
        timeout_ms: u32,
    ) -> wasmtime::Result<Result<(), Failure>> {
        if data.len() > MAX_WRITE {
            return Ok(Err(Failure::Budget(format!("{MAX_WRITE} bytes per write"))));
        }
        if !self.meter.has_room(data.len()) {
            return Ok(Err(self.bytes_are_used_up()));
        }
        self.meter.add_bytes(data.len());
        let limit = self.meter.clip(timeout_ms);
        let stream = &mut self.table.get_mut(connection)?.stream;
        let write = async {
            stream.write_all(data).await?;
            stream.flush().await
        };
        Ok(match timeout(limit, write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(err)) => Err(failure_of(&err)),
            Err(_) => Err(Failure::Timeout),
        })
    }
}

fn failure_of(err: &io::Error) -> Failure {
    match err.kind() {
        io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::NotConnected
        | io::ErrorKind::UnexpectedEof
        | io::ErrorKind::WriteZero => Failure::Closed,
        io::ErrorKind::TimedOut => Failure::Timeout,
        _ => Failure::Other(err.to_string()),
    }
}
