//! The gRPC health protocol, as far as a probe needs it: one `grpc.health.v1.Health/Check`, without TLS.

use bytes::{BufMut, Bytes, BytesMut};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

/// `HealthCheckResponse.status`, field 1 as a number: SERVING.
const SERVING: [u8; 2] = [0x08, 1];

pub(super) async fn check(stream: TcpStream, authority: &str, service: &str) -> Result<(), String> {
    let wrong = |error: &dyn std::fmt::Display| format!("grpc: {error}");
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .map_err(|error| wrong(&error))?;
    let request = Request::post(format!("http://{authority}/grpc.health.v1.Health/Check"))
        .header(http::header::CONTENT_TYPE, "application/grpc")
        .header(http::header::TE, "trailers")
        .header(http::header::USER_AGENT, "kube-probe")
        .body(Full::new(question(service)?))
        .map_err(|error| wrong(&error))?;
    let asking = async {
        let answer = sender
            .send_request(request)
            .await
            .map_err(|error| wrong(&error))?;
        let in_headers = status(answer.headers());
        let body = answer
            .into_body()
            .collect()
            .await
            .map_err(|error| wrong(&error))?;
        let in_trailers = body.trailers().and_then(status);
        Ok::<_, String>((in_trailers.or(in_headers), body.to_bytes()))
    };
    let mut asking = std::pin::pin!(asking);
    let (status, message) = tokio::select! {
        answer = &mut asking => answer?,
        // It may have ended with the answer, which is then there.
        ended = connection => {
            ended.map_err(|error| wrong(&error))?;
            asking.await?
        }
    };
    match status.as_deref() {
        None | Some("0") => {}
        Some("5") => return Err(format!("grpc: service {service:?} is unknown")),
        Some("12") => {
            return Err(
                "grpc: the server does not implement the health protocol (grpc.health.v1.Health)"
                    .to_owned(),
            );
        }
        Some(code) => return Err(format!("grpc: the health check failed with status {code}")),
    }
    // One frame: not compressed, its length, the message.
    if message.get(5..) == Some(&SERVING) {
        Ok(())
    } else {
        Err("grpc: service unhealthy (it does not answer SERVING)".to_owned())
    }
}

fn question(service: &str) -> Result<Bytes, String> {
    let length = u8::try_from(service.len())
        .ok()
        .filter(|length| *length < 126)
        .ok_or_else(|| format!("grpc: the service name {service:?} is too long"))?;
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    if length == 0 {
        frame.put_u32(0);
    } else {
        frame.put_u32(u32::from(length) + 2);
        // Field 1, a text.
        frame.put_slice(&[0x0a, length]);
        frame.put_slice(service.as_bytes());
    }
    Ok(frame.freeze())
}

fn status(headers: &http::HeaderMap) -> Option<String> {
    let status = headers.get("grpc-status")?.to_str().ok()?;
    Some(status.to_owned())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::{HeaderMap, HeaderValue, Response};
    use hyper::body::Incoming;
    use hyper::server::conn::http2 as server;
    use hyper::service::service_fn;
    use tokio::net::TcpListener;

    use super::*;

    /// Serves `db` and knows `old` as not serving; everything else is unknown.
    async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        assert_eq!(request.uri().path(), "/grpc.health.v1.Health/Check");
        let asked = request
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes();
        let service = String::from_utf8_lossy(asked.get(7..).unwrap_or_default()).into_owned();
        let (status, body): (&str, &[u8]) = match service.as_str() {
            "" | "db" => ("0", &[0, 0, 0, 0, 2, 0x08, 1]),
            "old" => ("0", &[0, 0, 0, 0, 2, 0x08, 2]),
            _ => ("5", &[]),
        };
        let mut headers = HeaderMap::new();
        headers.insert("grpc-status", HeaderValue::from_static(status));
        let mut response = Response::new(Full::new(Bytes::copy_from_slice(body)));
        *response.headers_mut() = headers;
        Ok(response)
    }

    #[tokio::test]
    async fn a_service_is_healthy_when_it_says_that_it_serves() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let serving = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                tokio::spawn(
                    server::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service_fn(answer)),
                );
            }
        });
        let ask = async |service: &str| {
            let stream = TcpStream::connect(address).await.expect("it listens");
            check(stream, &address.to_string(), service).await
        };

        assert_eq!(ask("").await, Ok(()));
        assert_eq!(ask("db").await, Ok(()));
        assert!(
            ask("old")
                .await
                .is_err_and(|error| error.contains("unhealthy"))
        );
        assert!(
            ask("none")
                .await
                .is_err_and(|error| error.contains("unknown"))
        );
        serving.abort();
    }
}
