//! HTTP requests to members: `host.http(member, "admin").get("/state")?.text()?`.

use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::failure::Failure;
use crate::host::{Host, Reach};
use crate::member::Member;
use crate::tls::Tls;

/// As long as one request may take, unless [`Http::within`] says otherwise.
const PATIENCE: Duration = Duration::from_secs(5);

/// A request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, …
    pub method: String,
    /// With its query; starts with `/`.
    pub path: String,
    /// `Host`, `Content-Length` and the like are the host's matter.
    pub headers: Vec<(String, String)>,
    /// At most 1 MiB.
    pub body: Vec<u8>,
    /// How it is authorised.
    pub credentials: Option<Credentials>,
}

/// How a request is authorised, by slots of `secret`: the host fills in the values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// `Authorization: Basic`.
    Basic {
        /// The user's name as it is.
        user: String,
        /// Slot of the password.
        password: String,
    },
    /// `Authorization: Bearer`.
    Bearer {
        /// Slot of the token.
        token: String,
    },
}

impl Request {
    /// A request without a body.
    pub fn new(method: impl Into<String>, path: impl Into<String>) -> Request {
        Request {
            method: method.into(),
            path: path.into(),
            ..Request::default()
        }
    }

    /// With this header.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Request {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With this body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Request {
        self.body = body.into();
        self
    }

    /// Authorised so.
    pub fn credentials(mut self, credentials: Credentials) -> Request {
        self.credentials = Some(credentials);
        self
    }
}

/// An answer. Any status is one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// 200, 404, …
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// What was answered.
    pub body: Vec<u8>,
    /// Whether a body beyond the limit (256 KiB) was dropped.
    pub truncated: bool,
}

impl Response {
    /// This status with this body.
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Response {
        Response {
            status,
            body: body.into(),
            ..Response::default()
        }
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as text, without white space around it.
    pub fn text(&self) -> Result<&str, Failure> {
        str::from_utf8(&self.body)
            .map(str::trim)
            .map_err(|_| Failure::Other("the answer is no text".to_owned()))
    }

    /// The body, read from JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Failure::Other(format!("the answer cannot be read: {error}")))
    }
}

/// The HTTP port of one member, as [`http`](trait.Host.html#method.http) answers it.
pub struct Http<'h> {
    host: &'h dyn Reach,
    pod: Option<String>,
    port: String,
    secure: Option<Tls>,
    patience: Duration,
}

impl<'h> Http<'h> {
    fn of(host: &'h dyn Reach, member: &Member, port: &str) -> Http<'h> {
        Http {
            host,
            pod: member.pod.clone(),
            port: port.to_owned(),
            secure: None,
            patience: PATIENCE,
        }
    }

    /// Under TLS.
    pub fn tls(mut self, tls: Tls) -> Http<'h> {
        self.secure = Some(tls);
        self
    }

    /// Waits at most so long for an answer; without it, 5 seconds.
    pub fn within(mut self, time: Duration) -> Http<'h> {
        self.patience = time;
        self
    }

    /// The answer to a GET. What is not 2xx is a failure that names the status.
    pub fn get(&self, path: &str) -> Result<Response, Failure> {
        self.expect(&Request::new("GET", path))
    }

    /// The answer to a POST without a body. What is not 2xx is a failure that names the status.
    pub fn post(&self, path: &str) -> Result<Response, Failure> {
        self.expect(&Request::new("POST", path))
    }

    /// The answer to this request. What is not 2xx is a failure that names the status.
    pub fn expect(&self, request: &Request) -> Result<Response, Failure> {
        let response = self.send(request)?;
        if response.is_success() {
            return Ok(response);
        }
        let start: String = response
            .text()
            .unwrap_or_default()
            .chars()
            .take(200)
            .collect();
        let (method, path, status) = (&request.method, &request.path, response.status);
        Err(Failure::Other(format!(
            "{method} {path} answered {status}: {start}"
        )))
    }

    /// The answer to this request, whatever its status.
    pub fn send(&self, request: &Request) -> Result<Response, Failure> {
        let Some(pod) = self.pod.as_deref() else {
            return Err(Failure::Replaced);
        };
        self.host
            .send(
                &[pod],
                &self.port,
                self.secure.as_ref(),
                request,
                self.patience,
            )
            .pop()
            .unwrap_or_else(|| Err(Failure::Other("the host gave no answer".to_owned())))
    }
}

impl dyn Reach + '_ {
    /// The HTTP port of this member. A member without a pod answers [`Failure::Replaced`]. Grant: `http`, by port, method and path.
    pub fn http<'h>(&'h self, member: &Member, port: &str) -> Http<'h> {
        Http::of(self, member, port)
    }
}

impl dyn Host + '_ {
    /// The HTTP port of this member. A member without a pod answers [`Failure::Replaced`]. Grant: `http`, by port, method and path.
    pub fn http<'h>(&'h self, member: &Member, port: &str) -> Http<'h> {
        Http::of(self, member, port)
    }
}
