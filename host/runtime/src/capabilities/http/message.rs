//! A request as the plugin words it, made into one that says nothing else to a server than it said to the grants.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::http::{Method, response};
use wasmtime::component::{ComponentType, Lift, Lower};

use crate::contract::{Extra, Failure};
use crate::grants::is_plain_path;

/// Bytes of a request's body, of its path with the query, and of one header.
const MAX_BODY: usize = 1 << 20;
const MAX_PATH: usize = 4 << 10;
const MAX_HEADER: usize = 4 << 10;

/// Header lines of a request.
const MAX_HEADERS: usize = 32;

/// Headers that belong to the connection or to the framing of the message, which are the host's matter.
const OURS: [HeaderName; 10] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::EXPECT,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("keep-alive"),
];

/// `credentials` of the contract.
#[derive(Debug, Clone, ComponentType, Lift)]
#[component(variant)]
pub(super) enum Credentials {
    #[component(name = "basic")]
    Basic((String, String)),
    #[component(name = "bearer")]
    Bearer(String),
}

/// `request` of the contract.
#[derive(Debug, Clone, ComponentType, Lift)]
#[component(record)]
pub(super) struct Request {
    pub(super) method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    pub(super) credentials: Option<Credentials>,
    extra: Extra,
}

/// `response` of the contract.
#[derive(Debug, Clone, ComponentType, Lower)]
#[component(record)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) truncated: bool,
}

impl Request {
    /// Whether it is one that can be sent at all.
    pub(super) fn check(&self) -> Result<(), Failure> {
        let wrong = |text: String| Err(Failure::Other(text));
        if let Some((key, _)) = self.extra.first() {
            let key = crate::text::line(key, 64);
            return wrong(format!("this host knows no extra {key:?} of a request"));
        }
        let is_method = |byte: u8| byte.is_ascii_uppercase();
        if self.method.is_empty() || self.method.len() > 16 || !self.method.bytes().all(is_method) {
            let method = crate::text::line(&self.method, 16);
            return wrong(format!("method {method:?} must be 1 to 16 capital letters"));
        }
        if self.method == "CONNECT" {
            return wrong("method CONNECT is for proxies".to_owned());
        }
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        let is_query = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
        if self.path.len() > MAX_PATH
            || !is_plain_path(self.bare_path())
            || !query.bytes().all(is_query)
        {
            let path = crate::text::line(&self.path, 128);
            return wrong(format!(
                "path {path:?} must start with /, have no dot segments, no encoded delimiters and at most {MAX_PATH} bytes"
            ));
        }
        if self.headers.len() > MAX_HEADERS {
            return Err(Failure::Budget(format!(
                "{MAX_HEADERS} headers per request"
            )));
        }
        if self.body.len() > MAX_BODY {
            return Err(Failure::Budget(format!("{MAX_BODY} bytes per body")));
        }
        Ok(())
    }

    /// The path without its query: what grants are about.
    pub(super) fn bare_path(&self) -> &str {
        self.path
            .split_once('?')
            .map_or(&self.path, |(path, _)| path)
    }

    pub(super) fn size(&self) -> usize {
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len());
        self.path.len() + self.body.len() + headers.sum::<usize>()
    }

    pub(super) fn to_message(
        &self,
        authorization: Option<&str>,
        host: Option<&str>,
    ) -> Result<hyper::Request<Full<Bytes>>, Failure> {
        let wrong = |what: &str| Failure::Other(format!("http: {what}"));
        let method = Method::from_bytes(self.method.as_bytes());
        let mut request = hyper::Request::builder()
            .method(method.map_err(|_| wrong("the method is none"))?)
            .uri(&self.path)
            .body(Full::new(Bytes::from(self.body.clone())))
            .map_err(|_| wrong("the path is none"))?;
        let headers = request.headers_mut();
        for (name, value) in &self.headers {
            let shown = crate::text::line(name, 64);
            let known = HeaderName::from_bytes(name.as_bytes());
            let name = known.map_err(|_| wrong(&format!("header {shown:?} is none")))?;
            if OURS.contains(&name) || (authorization.is_some() && name == header::AUTHORIZATION) {
                return Err(wrong(&format!("header {shown:?} is the host's matter")));
            }
            if value.len() > MAX_HEADER {
                return Err(Failure::Budget(format!("{MAX_HEADER} bytes per header")));
            }
            let value = HeaderValue::from_str(value);
            let value = value.map_err(|_| wrong(&format!("the value of {shown:?} is none")))?;
            headers.append(name, value);
        }
        let host = HeaderValue::from_str(host.unwrap_or("member"));
        headers.insert(
            header::HOST,
            host.map_err(|_| wrong("the member's name is none"))?,
        );
        if let Some(text) = authorization {
            // Only that it is none may be told.
            let value = HeaderValue::from_str(text);
            let mut value = value.map_err(|_| wrong("the credentials are no header"))?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        Ok(request)
    }
}

impl Response {
    pub(super) fn new(head: &response::Parts, body: Vec<u8>, truncated: bool) -> Response {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = head.headers.iter();
        Response {
            status: head.status.as_u16(),
            headers: headers
                .map(|(name, value)| (name.as_str().to_owned(), text(value)))
                .collect(),
            body,
            truncated,
        }
    }

    pub(super) fn size(&self) -> usize {
        let headers = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len());
        self.body.len() + headers.sum::<usize>()
    }
}

pub(super) fn basic(user: &str, password: &[u8]) -> String {
    let mut pair = format!("{user}:").into_bytes();
    pair.extend_from_slice(password);
    format!("Basic {}", STANDARD.encode(pair))
}

pub(super) fn bearer(slot: &str, token: &[u8]) -> Result<String, Failure> {
    match str::from_utf8(token) {
        Ok(token) => Ok(format!("Bearer {token}")),
        Err(_) => {
            let slot = crate::text::line(slot, 64);
            Err(Failure::Other(format!("slot {slot:?} holds no token")))
        }
    }
}
