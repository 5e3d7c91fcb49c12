//! Where the operator judges apps at admission, and how the API server finds it there.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use serde_json::{Value, json};

/// Where reviews are asked for.
pub(super) const PATH: &str = "/validate";

/// The port of a Service that is given without one.
const HTTPS: u16 = 443;

/// How apps are judged at admission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Where it listens; port 0 is any that is free.
    pub listen: SocketAddr,
    /// How the API server finds it.
    pub called_at: CalledAt,
}

/// How the API server finds the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CalledAt {
    /// At the address that it listens on; where that is any of the machine's, at the loopback address: the API server runs on this machine.
    Address,
    /// Through a Service.
    Service(ServicePlace),
    /// At this URL.
    Url(WebhookUrl),
}

/// A Service, written `NAMESPACE/NAME` or `NAMESPACE/NAME:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePlace {
    namespace: String,
    name: String,
    port: u16,
}

/// `https://HOST[:PORT]`; the path of reviews is added to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookUrl {
    host: String,
    authority: String,
}

/// What such a place is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    #[error("is no Service: write NAMESPACE/NAME or NAMESPACE/NAME:PORT")]
    NoService,
    #[error("is no URL that the API server can call: write https://HOST or https://HOST:PORT")]
    NoUrl,
}

impl CalledAt {
    /// What the certificate of an operator that listens there is for.
    pub(super) fn names(&self, listens: SocketAddr) -> Vec<String> {
        vec![match self {
            CalledAt::Address => reachable(listens).ip().to_string(),
            CalledAt::Service(service) => format!("{}.{}.svc", service.name, service.namespace),
            CalledAt::Url(url) => url.host.clone(),
        }]
    }

    /// The `clientConfig` of a webhook. `authority` is the certificate, in PEM, that ours is signed by.
    pub(super) fn client(&self, listens: SocketAddr, authority: &str) -> Value {
        let bundle = STANDARD.encode(authority);
        match self {
            CalledAt::Address => {
                let url = format!("https://{}{PATH}", reachable(listens));
                json!({ "url": url, "caBundle": bundle })
            }
            CalledAt::Service(service) => json!({
                "service": {
                    "namespace": service.namespace,
                    "name": service.name,
                    "port": service.port,
                    "path": PATH,
                },
                "caBundle": bundle,
            }),
            CalledAt::Url(url) => json!({ "url": format!("{url}{PATH}"), "caBundle": bundle }),
        }
    }
}

/// Who listens on all addresses is found at the loopback address.
fn reachable(listens: SocketAddr) -> SocketAddr {
    let ip = match listens.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listens.port())
}

impl FromStr for ServicePlace {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<ServicePlace, PlaceError> {
        let is_label = |text: &str| {
            let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            !text.is_empty() && text.len() <= 63 && text.bytes().all(fits)
        };
        let (namespace, rest) = text.split_once('/').ok_or(PlaceError::NoService)?;
        let (name, port) = match rest.split_once(':') {
            None => (rest, HTTPS),
            Some((name, port)) => (name, port.parse().map_err(|_| PlaceError::NoService)?),
        };
        if !is_label(namespace) || !is_label(name) || port == 0 {
            return Err(PlaceError::NoService);
        }
        Ok(ServicePlace {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            port,
        })
    }
}

impl FromStr for WebhookUrl {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<WebhookUrl, PlaceError> {
        let uri: Uri = text.parse().map_err(|_| PlaceError::NoUrl)?;
        let authority = uri.authority().ok_or(PlaceError::NoUrl)?;
        let is_bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
        let is_https = uri.scheme_str() == Some("https");
        let host = authority.host().trim_matches(['[', ']']);
        if !is_https || !is_bare || host.is_empty() || authority.as_str().contains('@') {
            return Err(PlaceError::NoUrl);
        }
        Ok(WebhookUrl {
            host: host.to_owned(),
            authority: authority.to_string(),
        })
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}", self.authority)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(called_at: &CalledAt, listens: &str) -> (Vec<String>, Value) {
        let listens = listens.parse().unwrap();
        let mut client = called_at.client(listens, "the authority");
        let bundle = client.as_object_mut().unwrap().remove("caBundle");
        assert_eq!(bundle, Some(json!("dGhlIGF1dGhvcml0eQ==")));
        (called_at.names(listens), client)
    }

    #[test]
    fn an_operator_beside_the_api_server_is_called_at_its_address() {
        let (names, client) = client(&CalledAt::Address, "127.0.0.1:8443");
        assert_eq!(names, ["127.0.0.1"]);
        assert_eq!(client, json!({ "url": "https://127.0.0.1:8443/validate" }));
    }

    #[test]
    fn who_listens_everywhere_is_called_at_the_loopback_address() {
        let (names, seen) = client(&CalledAt::Address, "0.0.0.0:8443");
        assert_eq!(names, ["127.0.0.1"]);
        assert_eq!(seen, json!({ "url": "https://127.0.0.1:8443/validate" }));
        let (names, seen) = client(&CalledAt::Address, "[::]:8443");
        assert_eq!(names, ["::1"]);
        assert_eq!(seen, json!({ "url": "https://[::1]:8443/validate" }));
    }

    #[test]
    fn an_operator_behind_a_service_is_called_through_it() {
        let service = CalledAt::Service("stateward/admission".parse().unwrap());
        let (names, seen) = client(&service, "0.0.0.0:8443");
        assert_eq!(names, ["admission.stateward.svc"]);
        assert_eq!(
            seen,
            json!({ "service": {
                "namespace": "stateward", "name": "admission", "port": 443, "path": "/validate",
            }})
        );
        let service = CalledAt::Service("stateward/admission:8443".parse().unwrap());
        assert_eq!(client(&service, "0.0.0.0:1").1["service"]["port"], 8443);
    }

    #[test]
    fn an_operator_elsewhere_is_called_at_its_url() {
        for (url, name, expected) in [
            (
                "https://ops.example",
                "ops.example",
                "https://ops.example/validate",
            ),
            (
                "https://ops.example:8443/",
                "ops.example",
                "https://ops.example:8443/validate",
            ),
            (
                "https://[fd00::1]:8443",
                "fd00::1",
                "https://[fd00::1]:8443/validate",
            ),
        ] {
            let (names, client) = client(&CalledAt::Url(url.parse().unwrap()), "0.0.0.0:8443");
            assert_eq!(names, [name]);
            assert_eq!(client, json!({ "url": expected }));
        }
    }

    #[test]
    fn what_is_no_place_is_told() {
        for text in [
            "",
            "stateward",
            "/x",
            "a/",
            "a/b:",
            "a/b:0",
            "a/b:99999",
            "A/b",
            "a/b/c",
        ] {
            let read = text.parse::<ServicePlace>();
            assert_eq!(read, Err(PlaceError::NoService), "{text}");
        }
        for text in [
            "",
            "ops.example",
            "http://ops.example",
            "https://",
            "https://a@ops.example",
            "https://ops.example/else",
            "https://ops.example/?a=b",
        ] {
            assert_eq!(text.parse::<WebhookUrl>(), Err(PlaceError::NoUrl), "{text}");
        }
    }
}
