//! From an HTTP request to an answer, whoever sends it: bounded in size, time and number.

use std::fmt::Display;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::judge::{Judge, Judgement};
use super::place::PATH;
use super::review::Review;

/// The largest body that is read: an object before and after its change.
const MOST_BYTES: usize = 4 << 20;

/// Reviews at a time.
const AT_A_TIME: usize = 8;

/// How long one waits for its turn, and for its body.
const TURN: Duration = Duration::from_secs(1);
const BODY: Duration = Duration::from_secs(5);

/// Answers requests.
pub(super) struct Answering {
    judge: Judge,
    turns: Semaphore,
}

/// A request that is no review, or cannot be looked at.
#[derive(Debug)]
struct Bad {
    status: StatusCode,
    text: String,
}

impl Answering {
    pub(super) fn new(judge: Judge) -> Answering {
        Answering {
            judge,
            turns: Semaphore::new(AT_A_TIME),
        }
    }

    pub(super) async fn answer<B>(&self, request: Request<B>) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        match self.review(request).await {
            Ok((review, judgement)) => {
                self.judge.metrics.reviewed(judgement.result());
                let text = review.answer(&judgement).to_string();
                response(StatusCode::OK, "application/json", text)
            }
            Err(bad) => {
                let result = match bad.status {
                    StatusCode::SERVICE_UNAVAILABLE => "busy",
                    _ => "unreadable",
                };
                self.judge.metrics.reviewed(result);
                tracing::debug!(status = %bad.status, text = bad.text, "no review");
                response(bad.status, "text/plain; charset=utf-8", bad.text + "\n")
            }
        }
    }

    async fn review<B>(&self, request: Request<B>) -> Result<(Review, Judgement), Bad>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        if request.uri().path() != PATH {
            return Err(bad(StatusCode::NOT_FOUND, format_args!("here is {PATH}")));
        }
        if request.method() != Method::POST {
            let text = "send an AdmissionReview with POST";
            return Err(bad(StatusCode::METHOD_NOT_ALLOWED, text));
        }
        // Before the body is read, so that few bodies are held at a time.
        let busy = |_| {
            let text = "too many reviews at a time; ask again";
            bad(StatusCode::SERVICE_UNAVAILABLE, text)
        };
        let turn = timeout(TURN, self.turns.acquire()).await.map_err(busy)?;
        let body = Limited::new(request.into_body(), MOST_BYTES).collect();
        let body = match timeout(BODY, body).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                let text = format_args!("the body has more than {MOST_BYTES} bytes");
                return Err(bad(StatusCode::PAYLOAD_TOO_LARGE, text));
            }
            Ok(Err(error)) => return Err(bad(StatusCode::BAD_REQUEST, error)),
            Err(_) => {
                let text = "the body did not come in time";
                return Err(bad(StatusCode::REQUEST_TIMEOUT, text));
            }
        };
        let mut review =
            Review::read(&body).map_err(|error| bad(StatusCode::BAD_REQUEST, error))?;
        drop(body);
        let judgement = self.judge.judge(std::mem::take(&mut review.matter)).await;
        drop(turn);
        Ok((review, judgement))
    }
}

fn bad(status: StatusCode, text: impl Display) -> Bad {
    Bad {
        status,
        text: text.to_string(),
    }
}

fn response(status: StatusCode, kind: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let kind = header::HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::clock::Clock;
    use crate::metrics::Metrics;

    fn answering() -> Answering {
        Answering::new(Judge {
            index: Arc::default(),
            plugins: Arc::default(),
            metrics: Arc::new(Metrics::new()),
            clock: Clock::system(),
        })
    }

    async fn asked(
        answering: &Answering,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> (StatusCode, String) {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Full::new(body.into())).unwrap();
        let answer = answering.answer(request).await;
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    fn review(object: &Value) -> String {
        json!({
            "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
            "request": {
                "uid": "7", "operation": "CREATE", "object": object,
                "resource": { "group": "stateward.dev", "version": "v1alpha1", "resource": "statefulapps" },
            },
        })
        .to_string()
    }

    #[tokio::test]
    async fn a_review_is_answered() {
        let answering = answering();
        let review = review(&json!({ "metadata": { "name": "db" }, "spec": {} }));
        let path = "/validate?timeout=5s";
        let (status, answer) = asked(&answering, Method::POST, path, review).await;
        assert_eq!(status, StatusCode::OK);
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["response"]["uid"], "7");
        assert_eq!(answer["response"]["allowed"], false);
        let message = answer["response"]["status"]["message"].to_string();
        assert!(message.contains("spec.selector is missing"), "{message}");
        let figures = answering.judge.metrics.text();
        let counted = "stateward_admission_reviews_total{result=\"refused\"} 1";
        assert!(figures.contains(counted), "{figures}");
    }

    #[tokio::test]
    async fn what_is_no_review_is_told_what_is_wrong_with_it() {
        let answering = answering();
        for (method, path, body, expected) in [
            (Method::GET, "/validate", "", (405, "with POST")),
            (Method::POST, "/", "", (404, "here is /validate")),
            (Method::POST, "/validate", "", (400, "no AdmissionReview")),
            (
                Method::POST,
                "/validate",
                "{\"",
                (400, "no AdmissionReview"),
            ),
        ] {
            let (status, text) = asked(&answering, method, path, body).await;
            assert_eq!(status.as_u16(), expected.0, "{text}");
            assert!(text.contains(expected.1), "{text}");
        }
        let body = vec![b' '; MOST_BYTES + 1];
        let (status, text) = asked(&answering, Method::POST, "/validate", body).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_everybody_busy_is_turned_away() {
        let answering = answering();
        let turns = u32::try_from(AT_A_TIME).unwrap();
        let busy = answering.turns.acquire_many(turns).await.unwrap();
        let (status, _) = asked(&answering, Method::POST, "/validate", "").await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        drop(busy);
        let (status, _) = asked(&answering, Method::POST, "/validate", "").await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
}
