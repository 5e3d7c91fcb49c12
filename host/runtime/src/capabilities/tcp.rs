//! Byte streams to members. Grant: `tcp`, by port.

use std::io;

use futures::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
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
struct Connection(Box<dyn Stream>);

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
                if secure.is_some() {
                    let refused = |_| Err(no_tls_yet());
                    return Ok((pods.into_iter().map(refused).collect(),));
                }
                let connections = sandbox.connect(pods, &port, timeout_ms).await?;
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
    tcp.func_wrap(
        "[method]connection.start-tls",
        |mut cx: StoreContextMut<'_, Sandbox>, _: (Resource<Connection>, Tls, u32)| {
            cx.data_mut().meter.enter()?;
            Ok((Err::<(), _>(no_tls_yet()),))
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

fn no_tls_yet() -> Failure {
    Failure::Tls("this host encrypts no streams".to_owned())
}

impl Sandbox {
    async fn connect(
        &mut self,
        pods: Vec<String>,
        port: &str,
        timeout_ms: u32,
    ) -> wasmtime::Result<Vec<Result<Resource<Connection>, Failure>>> {
        let limit = self.meter.clip(timeout_ms);
        let max = self.limits().connections;
        let mut room = max.saturating_sub(self.open_connections);
        let dials = pods.into_iter().map(|pod| {
            let allowed = self.may_dial(&pod, port).and_then(|()| {
                room = room
                    .checked_sub(1)
                    .ok_or_else(|| Failure::Budget(format!("{max} open connections per call")))?;
                Ok(())
            });
            let effects = &self.effects;
            async move {
                allowed?;
                timeout(limit, effects.dial(&pod, port))
                    .await
                    .unwrap_or(Err(Failure::Timeout))
            }
        });
        let dials: Vec<_> = dials.collect();
        let mut connections = Vec::new();
        for dialed in join_all(dials).await {
            connections.push(match dialed {
                Ok(stream) => {
                    self.meter.add_connection();
                    self.open_connections += 1;
                    Ok(self.table.push(Connection(stream))?)
                }
                Err(failure) => Err(failure),
            });
        }
        Ok(connections)
    }

    fn may_dial(&self, pod: &str, port: &str) -> Result<(), Failure> {
        if !self.grants().allows_port(port) {
            let port = crate::text::line(port, 64);
            return Err(Failure::Denied(format!(
                "tcp to port {port} needs the grant {}",
                port_grant(&port)
            )));
        }
        if self.snapshot.has_pod(pod) {
            Ok(())
        } else {
            Err(Failure::Replaced)
        }
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
        let stream = &mut self.table.get_mut(connection)?.0;
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
        let stream = &mut self.table.get_mut(connection)?.0;
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
