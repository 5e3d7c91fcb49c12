//! Members that speak HTTP: one end of a connection in memory, each request answered by a function.

use std::future::Future;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use stateward_runtime::Failure;
use stateward_sdk::{Request, Response};
use tokio::io::DuplexStream;

/// As much as a connection holds that nobody reads.
const BUFFER: usize = 256 * 1024;

/// A connection whose requests are answered so. A failed answer is the end of it.
pub(crate) fn served<F>(
    answer: impl Fn(Request) -> F + Send + Sync + Clone + 'static,
) -> DuplexStream
where
    F: Future<Output = Result<Response, Failure>> + Send + 'static,
{
    let (theirs, ours) = tokio::io::duplex(BUFFER);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let answer = answer.clone();
        async move {
            let response = answer(read(request).await.map_err(|_| Failure::Closed)?).await?;
            Ok::<_, Ended>(written(response))
        }
    });
    tokio::spawn(async move {
        // How it ends shows at the other end.
        http1::Builder::new()
            .serve_connection(TokioIo::new(ours), service)
            .await
            .ok();
    });
    theirs
}

/// The member closes the connection instead of answering.
#[derive(Debug, thiserror::Error)]
#[error("{0:?}")]
struct Ended(Failure);

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Ended {
        Ended(failure)
    }
}

async fn read(request: hyper::Request<Incoming>) -> hyper::Result<Request> {
    let (head, body) = request.into_parts();
    let headers = head.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.to_string(), value)
    });
    let path = head.uri.path_and_query().map(ToString::to_string);
    let mut request = Request::new(head.method.as_str(), path.unwrap_or_default());
    request.headers = headers.collect();
    request.body = body.collect().await?.to_bytes().into();
    Ok(request)
}

fn written(answer: Response) -> hyper::Response<Full<Bytes>> {
    let mut response = hyper::Response::new(Full::from(answer.body));
    *response.status_mut() = hyper::StatusCode::from_u16(answer.status).unwrap_or_default();
    for (name, value) in answer.headers {
        let name = hyper::header::HeaderName::try_from(name);
        if let (Ok(name), Ok(value)) = (name, value.try_into()) {
            response.headers_mut().append(name, value);
        }
    }
    response
}
