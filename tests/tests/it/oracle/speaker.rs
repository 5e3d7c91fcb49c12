//! One side of the conversation.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use http::Request;
use http_body_util::BodyExt;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::{Value, json};

use super::answer::Answer;
use super::script::Step;

/// How long a controller may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(60);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

pub(super) struct Speaker {
    client: Client,
    /// The client without its token.
    stranger: Client,
    kept: BTreeMap<String, String>,
}

impl Speaker {
    /// Comes in and makes a namespace for the topic.
    pub(super) async fn new(kubeconfig: &str, topic: &str) -> Result<Self> {
        let config = || async {
            let kubeconfig = Kubeconfig::from_yaml(kubeconfig)?;
            let options = KubeConfigOptions::default();
            let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
            config.default_retry = false;
            anyhow::Ok(config)
        };
        let mut stranger = config().await?;
        stranger.auth_info = kube::config::AuthInfo::default();
        let mut kept = BTreeMap::new();
        for (name, root) in [
            ("core", "api/v1"),
            ("apps", "apis/apps/v1"),
            ("policy", "apis/policy/v1"),
        ] {
            kept.insert(name.to_owned(), format!("/{root}/namespaces/{topic}"));
        }
        kept.insert("ns".to_owned(), topic.to_owned());
        let mut speaker = Self {
            client: Client::try_from(config().await?)?,
            stranger: Client::try_from(stranger)?,
            kept,
        };
        speaker.move_in(topic).await?;
        Ok(speaker)
    }

    /// Pods can be made only once the namespace has its service account.
    async fn move_in(&mut self, topic: &str) -> Result<()> {
        let step = |step: Value| serde_json::from_value::<Step>(step);
        self.say(&step(json!({
            "send": "POST /api/v1/namespaces -> 201",
            "json": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": topic}},
        }))?)
        .await?;
        self.say(&step(json!({
            "send": "GET $core/serviceaccounts/default -> 200",
            "awaits": true,
        }))?)
        .await?;
        Ok(())
    }

    /// Sends the request of a step; where a controller has to act first, until it did.
    pub(super) async fn say(&mut self, step: &Step) -> Result<Answer> {
        let (method, path, code) = step.parts()?;
        let begin = tokio::time::Instant::now();
        loop {
            let answer = self.send(step, method, path).await?;
            let is_there = answer.code == code
                && step.until.iter().all(|(pointer, value)| {
                    answer.body.pointer(pointer).unwrap_or(&Value::Null) == value
                });
            if is_there {
                for (name, pointer) in &step.keep {
                    let value = answer.raw.pointer(pointer);
                    let value =
                        value.with_context(|| format!("nothing at {pointer}: {}", answer.raw))?;
                    let value = value
                        .as_str()
                        .map_or_else(|| value.to_string(), str::to_owned);
                    self.kept.insert(name.clone(), value);
                }
                return Ok(answer);
            }
            let waits = step.awaits || !step.until.is_empty();
            if !waits {
                return Ok(answer);
            }
            ensure!(
                begin.elapsed() < PATIENCE,
                "still answers {}: {}",
                answer.code,
                answer.raw
            );
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    async fn send(&self, step: &Step, method: &str, path: &str) -> Result<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(self.filled_in(path))
            .header("user-agent", "conversation/1");
        let body = match (&step.json, &step.text, step.bytes) {
            (Some(json), ..) => self.filled_in(&json.to_string()),
            (_, Some(text), _) => self.filled_in(text),
            (.., Some(bytes)) => format!("{{\"data\":{{\"a\":\"{}\"}}}}", "x".repeat(bytes)),
            _ => String::new(),
        };
        let content_type = step.content_type.as_deref().unwrap_or("application/json");
        if !body.is_empty() {
            request = request.header("content-type", content_type);
        }
        let mut client = &self.client;
        for (name, value) in &step.headers {
            if name == "authorization" {
                client = &self.stranger;
            }
            request = request.header(name, value);
        }
        let response = client
            .send(request.body(Body::from(body.into_bytes()))?)
            .await?;
        let (head, mut body) = response.into_parts();
        let mut bytes = Vec::new();
        match step.events {
            None => {
                let whole = tokio::time::timeout(PATIENCE, body.collect()).await;
                let whole = whole.context("the answer does not end")??;
                bytes.extend_from_slice(&whole.to_bytes());
            }
            Some(events) => {
                let lines = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
                while lines(&bytes) < events {
                    let frame = tokio::time::timeout(PATIENCE, body.frame()).await;
                    let frame = frame.with_context(|| {
                        format!("no further event after {}", String::from_utf8_lossy(&bytes))
                    })?;
                    match frame {
                        Some(frame) => {
                            bytes.extend_from_slice(&frame?.into_data().unwrap_or_default())
                        }
                        None => break,
                    }
                }
            }
        }
        Ok(Answer::read(&head, &bytes, step.events.is_some()))
    }

    /// Replaces `$name` by what is known under that name, the longest names first.
    fn filled_in(&self, text: &str) -> String {
        let mut text = text.to_owned();
        let mut names: Vec<_> = self.kept.keys().collect();
        names.sort_by_key(|name| std::cmp::Reverse(name.len()));
        for name in names {
            text = text.replace(&format!("${name}"), &self.kept[name]);
        }
        text
    }
}
