//! HTTP/1.1 requests to members. Grant: `http`, by port, method and path. Credentials are filled in by the host.

mod message;

use futures::future::join_all;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout_at};
use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;

use super::forbid;
use super::tls::Encryption;
use crate::contract::{Failure, Tls};
use crate::grants::http_grant;
use crate::sandbox::Sandbox;
use message::{Credentials, Request, Response};

/// The most of a response's body that is taken.
const MAX_BODY: usize = 256 << 10;

/// Header lines of a response, and their bytes in sum.
const MAX_HEADERS: usize = 64;
const MAX_HEAD: usize = 16 << 10;

pub(super) fn link(http: &mut LinkerInstance<'_, Sandbox>, allowed: bool) -> wasmtime::Result<()> {
    if !allowed {
        return forbid(http, "http", &["send"]);
    }
    http.func_wrap_async(
        "send",
        |mut cx: StoreContextMut<'_, Sandbox>,
         (pods, port, secure, request, timeout_ms): (
            Vec<String>,
            String,
            Option<Tls>,
            Request,
            u32,
        )| {
            Box::new(async move {
                let sandbox = cx.data_mut();
                sandbox.meter.enter()?;
                let answers = sandbox.send(pods, &port, secure, request, timeout_ms).await;
                sandbox.meter.resume();
                Ok((answers,))
            })
        },
    )
}

/// What all pods are sent.
struct Prepared {
    request: Request,
    authorization: Option<String>,
    encryption: Option<Encryption>,
}

impl Sandbox {
    async fn send(
        &mut self,
        pods: Vec<String>,
        port: &str,
        secure: Option<Tls>,
        request: Request,
        timeout_ms: u32,
    ) -> Vec<Result<Response, Failure>> {
        let until = Instant::now() + self.meter.clip(timeout_ms);
        let prepared = match self.prepare(port, secure, request).await {
            Ok(prepared) => prepared,
            Err(failure) => return pods.iter().map(|_| Err(failure.clone())).collect(),
        };
        let room = self
            .limits()
            .connections
            .saturating_sub(self.open_connections);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        let size = prepared.request.size();
        // All of them go out at the same time.
        let mut open = self.open_connections;
        let allowed: Vec<Result<(), Failure>> = (pods.iter().enumerate())
            .map(|(place, pod)| {
                if !self.snapshot.has_pod(pod) {
                    return Err(Failure::Replaced);
                }
                if place >= room {
                    let max = self.limits().connections;
                    return Err(Failure::Budget(format!("{max} open connections per call")));
                }
                if !self.meter.has_room(size) {
                    return Err(self.bytes_are_used_up());
                }
                self.meter.add_bytes(size);
                open = open.saturating_add(1);
                self.meter.add_connection(open);
                Ok(())
            })
            .collect();
        let sends = pods.iter().zip(allowed).map(|(pod, allowed)| {
            let host = self.host_of(pod);
            let (effects, prepared) = (&self.effects, &prepared);
            async move {
                allowed?;
                let exchange = async {
                    let mut stream = effects.dial(pod, port).await?;
                    if let Some(encryption) = &prepared.encryption {
                        stream = encryption.wrap(stream, host.as_deref()).await?;
                    }
                    exchange(stream, prepared, host.as_deref()).await
                };
                let answered = timeout_at(until, exchange).await;
                answered.unwrap_or(Err(Failure::Timeout))
            }
        });
        let sends: Vec<_> = sends.collect();
        let answers = join_all(sends).await;
        let take = |answer: Result<Response, Failure>| {
            let response = answer?;
            if !self.meter.has_room(response.size()) {
                return Err(self.bytes_are_used_up());
            }
            self.meter.add_bytes(response.size());
            Ok(self.without_unseen_secrets(response))
        };
        answers.into_iter().map(take).collect()
    }

    /// Checks the request and its grant, and reads what the host fills in.
    async fn prepare(
        &mut self,
        port: &str,
        secure: Option<Tls>,
        request: Request,
    ) -> Result<Prepared, Failure> {
        request.check()?;
        let (method, path) = (request.method.clone(), request.bare_path().to_owned());
        let allowed = self.grants().allows_http(port, &method, &path);
        let port = crate::text::line(port, 64);
        let what = format!("http {method} {path} to port {port}");
        let grant = http_grant(&port, &[method], &[path]);
        self.permit(allowed, &what, &grant)?;
        let authorization = match &request.credentials {
            None => None,
            Some(Credentials::Basic((user, slot))) => {
                let password = self.referenced(slot).await?;
                Some(message::basic(user, password.trim_ascii_end()))
            }
            Some(Credentials::Bearer(slot)) => {
                let token = self.referenced(slot).await?;
                Some(message::bearer(slot, token.trim_ascii_end())?)
            }
        };
        let encryption = match secure {
            None => None,
            Some(how) => Some(self.encryption(how).await?),
        };
        Ok(Prepared {
            request,
            authorization,
            encryption,
        })
    }

    /// A member that echoes a request does not reveal what only the host may know.
    fn without_unseen_secrets(&self, response: Response) -> Response {
        if self.saw_secrets {
            return response;
        }
        Response {
            headers: (response.headers.into_iter())
                .map(|(name, value)| {
                    let value = self.masks.mask(&value).into_owned();
                    (name, value)
                })
                .collect(),
            body: self.masks.scrub(response.body),
            ..response
        }
    }
}

/// One request on a stream of its own. Redirects are answers like others.
async fn exchange(
    stream: Box<dyn crate::effects::Stream>,
    prepared: &Prepared,
    host: Option<&str>,
) -> Result<Response, Failure> {
    let broken = |error: hyper::Error| {
        if error.is_incomplete_message() || error.is_closed() {
            return Failure::Closed;
        }
        Failure::Other(crate::text::line(&format!("http: {error}"), 256))
    };
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD)
        .handshake::<_, Full<bytes::Bytes>>(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let request = (prepared.request).to_message(prepared.authorization.as_deref(), host)?;
    let ask = async {
        let answer = sender.send_request(request).await.map_err(broken)?;
        let (head, body) = answer.into_parts();
        let (body, truncated) = read(body).await.map_err(broken)?;
        Ok(Response::new(&head, body, truncated))
    };
    let mut ask = std::pin::pin!(ask);
    // The connection moves while the answer is awaited, and goes with it. When it ends first, the answer, or why there is none, is there already.
    tokio::select! {
        biased;
        answer = &mut ask => answer,
        _ = connection => ask.await,
    }
}

async fn read(body: hyper::body::Incoming) -> Result<(Vec<u8>, bool), hyper::Error> {
    let mut body = Limited::new(body, MAX_BODY);
    let mut taken = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => {
                if let Ok(data) = frame.into_data() {
                    taken.extend_from_slice(&data);
                }
            }
            Err(error) => {
                return match error.downcast::<hyper::Error>() {
                    Ok(error) => Err(*error),
                    // What is beyond the limit is not read.
                    Err(_) => Ok((taken, true)),
                };
            }
        }
    }
    Ok((taken, false))
}
