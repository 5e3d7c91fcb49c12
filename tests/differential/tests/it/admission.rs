//! On Kubernetes itself, with the rights that docs/operators.md names: what would be refused after the apply is refused at it, and an operator that is
//! away holds up nobody.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use kube::Client;
use kube::api::{Api, ListParams};
use serde_json::{Value, json};
use stateward_controlplane::{ControlPlane, Options};
use stateward_operator::{Admission, CalledAt, OperatorError};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::managed::said;
use crate::rights::{as_operator, grant, install, with_definitions};

/// Longer than anything takes; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(60);

/// An operator in a runtime of its own, so that it can be killed.
struct Operator {
    runtime: Option<Runtime>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), OperatorError>>,
}

impl Operator {
    fn start(kubernetes: &ControlPlane) -> Operator {
        let runtime = Runtime::new().unwrap();
        let (kubernetes, stop) = (kubernetes.clone(), CancellationToken::new());
        let stopped = stop.clone();
        let task = runtime.spawn(async move {
            let options = stateward_operator::Options {
                plugin_cache: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-cache")),
                admission: Some(Admission {
                    listen: "127.0.0.1:0".parse().unwrap(),
                    called_at: CalledAt::Address,
                }),
                ..stateward_operator::Options::new(as_operator(&kubernetes).await)
            };
            stateward_operator::run(options, stopped).await
        });
        Operator {
            runtime: Some(runtime),
            stop,
            task,
        }
    }

    /// At once, with all that it holds open.
    async fn kill(mut self) {
        let runtime = self.runtime.take().unwrap();
        let killed = tokio::task::spawn_blocking(|| runtime.shutdown_timeout(PATIENCE));
        killed.await.unwrap();
    }

    /// In good order.
    async fn end(mut self) {
        self.stop.cancel();
        (&mut self.task).await.unwrap().unwrap();
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        // A runtime that is dropped here would wait, which a test must not.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

struct Shop {
    kubernetes: ControlPlane,
    client: Client,
    namespace: String,
    folder: tempfile::TempDir,
}

impl Shop {
    /// Kubernetes with the plugin `mysql`, whose manifest brings a schema, and `validate` besides.
    async fn new() -> Shop {
        let (kubernetes, client) =
            with_definitions(Options::default().without_statefulset_controller()).await;
        grant(client.clone()).await;
        let grants = json!({
            "tcp": { "ports": ["mysql"] }, "secrets": { "slots": ["root", "replication"] },
            "requests": true, "events": true, "state": true,
        });
        install(&client, "mysql", "plugin-mysql", grants).await;
        Shop {
            namespace: kubernetes.namespace("shop").await.unwrap(),
            kubernetes,
            client,
            folder: tempfile::tempdir().unwrap(),
        }
    }

    async fn kubectl(&self, words: &[&str]) -> Output {
        let mut kubectl = self.kubernetes.kubectl();
        let output = kubectl.args(["-n", &self.namespace]).args(words).output();
        output.await.unwrap()
    }

    /// `kubectl apply` of this app.
    async fn apply(&self, app: &Value, further: &[&str]) -> Output {
        let file = self.folder.path().join("app.json");
        std::fs::write(&file, app.to_string()).unwrap();
        let words = ["apply", "-f", file.to_str().unwrap()];
        self.kubectl(&[&words, further].concat()).await
    }

    /// Names of the apps that are stored.
    async fn stored(&self) -> String {
        let words = ["get", "sapp", "-o", "jsonpath={.items[*].metadata.name}"];
        said(&self.kubectl(&words).await)
    }

    async fn is_registered(&self) -> bool {
        let all: Api<ValidatingWebhookConfiguration> = Api::all(self.client.clone());
        let all = all.list(&ListParams::default()).await.unwrap();
        all.iter()
            .any(|one| one.metadata.name.as_deref() == Some("stateward"))
    }

    /// Waits until the API server asks the operator, and the operator the plugin: a dry run of an app is refused.
    async fn until_judged(&self) {
        let begin = Instant::now();
        loop {
            let tried = self.apply(&wrong("tried"), &["--dry-run=server"]).await;
            if !tried.status.success() {
                return;
            }
            let text = said(&tried);
            assert!(begin.elapsed() < PATIENCE, "nobody is asked: {text}");
            sleep(Duration::from_millis(100)).await;
        }
    }

    async fn until(&self, app: &str, what: &str, holds: impl Fn(&Value) -> bool) {
        let begin = Instant::now();
        loop {
            let shown = self.kubectl(&["get", "sapp", app, "-o", "json"]).await;
            let shown: Value = serde_json::from_slice(&shown.stdout).unwrap_or_default();
            if holds(&shown["status"]) {
                return;
            }
            assert!(begin.elapsed() < PATIENCE, "in vain until {what}: {shown}");
            sleep(Duration::from_millis(100)).await;
        }
    }
}

/// An app without members whose settings are these.
fn app(name: &str, settings: Value) -> Value {
    json!({
        "apiVersion": "stateward.dev/v1alpha1", "kind": "StatefulApp", "metadata": { "name": name },
        "spec": {
            "replicas": 1, "selector": { "matchLabels": { "app": name } },
            "plugin": { "name": "mysql", "settings": settings },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{ "name": "main", "image": "app:1" }] },
            },
        },
    })
}

fn wrong(name: &str) -> Value {
    app(name, json!({ "lagLimitSeconds": "ten", "prot": "mysql" }))
}

fn right(name: &str) -> Value {
    app(name, json!({ "lagLimitSeconds": 10 }))
}

#[track_caller]
fn is_refused(output: &Output, words: &[&str]) {
    let text = said(output);
    assert!(!output.status.success(), "{text}");
    for words in words {
        assert!(text.contains(words), "{words:?} is missing in {text}");
    }
}

#[track_caller]
fn is_taken(output: &Output) -> String {
    let text = said(output);
    assert!(output.status.success(), "{text}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_app_is_refused_at_the_apply_and_an_operator_that_is_away_holds_up_nobody() {
    let shop = Shop::new().await;
    let operator = Operator::start(&shop.kubernetes);
    shop.until_judged().await;

    // Given an app whose settings the schema does not allow, then nothing is stored, and kubectl says why.
    let refused = shop.apply(&wrong("db"), &[]).await;
    is_refused(
        &refused,
        &[
            "SpecRefused",
            "admission webhook \"statefulapps.stateward.dev\" denied the request",
            "settings.lagLimitSeconds: want integer, but got string",
            "settings: additionalProperties 'prot' not allowed",
        ],
    );
    assert_eq!(shop.stored().await, "");

    // One that breaks a rule that the definition cannot say is refused too.
    let mut unselected = right("db");
    unselected["spec"]["template"]["metadata"]["labels"] = json!({ "app": "other" });
    let refused = shop.apply(&unselected, &[]).await;
    is_refused(&refused, &["SpecInvalid", "spec.template.metadata.labels"]);

    // A right one is stored, and what the plugin only remarks is a warning.
    let taken = is_taken(&shop.apply(&right("db"), &[]).await);
    assert!(!taken.contains("Warning"), "{taken}");
    shop.until("db", "it is accepted", |status| {
        status["accepted"]["generation"] == 1
    })
    .await;
    let mut small = right("small");
    small["spec"]["replicas"] = json!(0);
    let taken = is_taken(&shop.apply(&small, &[]).await);
    assert!(taken.contains("Warning: replicas: is 0"), "{taken}");

    // So it is when the app is scaled.
    let taken = is_taken(
        &shop
            .kubectl(&["scale", "sapp", "small", "--replicas=20"])
            .await,
    );
    assert!(taken.contains("Warning: replicas: is 20"), "{taken}");

    // What `validate` refuses by what was accepted before is refused.
    let start = r#"{"spec": {"ordinals": {"start": 5}}}"#;
    let patch = ["patch", "sapp", "db", "--type=merge", "-p", start];
    let refused = shop.kubectl(&patch).await;
    is_refused(&refused, &["SpecRefused", "ordinals.start: must stay 0"]);

    // Who names a plugin that is not there yet is warned.
    let mut early = right("early");
    early["spec"]["plugin"]["name"] = json!("nowhere");
    let taken = is_taken(&shop.apply(&early, &[]).await);
    assert!(
        taken.contains("Warning: there is no Plugin nowhere"),
        "{taken}"
    );

    // Given that the operator was killed, then an apply goes through.
    operator.kill().await;
    assert!(shop.is_registered().await);
    is_taken(&shop.apply(&wrong("late"), &[]).await);

    // Back again it tells of what slipped through, as ever; whoever edits that app's labels is not held up by its spec, but who leaves the spec wrong is.
    let operator = Operator::start(&shop.kubernetes);
    shop.until_judged().await;
    shop.until("late", "it is stalled", |status| {
        let mut conditions = status["conditions"].as_array().into_iter().flatten();
        conditions.any(|one| one["type"] == "Stalled" && one["reason"] == "SpecRefused")
    })
    .await;
    is_taken(&shop.kubectl(&["label", "sapp", "late", "team=shop"]).await);
    let scale = r#"{"spec": {"replicas": 2}}"#;
    let patch = ["patch", "sapp", "late", "--type=merge", "-p", scale];
    is_refused(&shop.kubectl(&patch).await, &["SpecRefused"]);
    is_taken(
        &shop
            .kubectl(&["delete", "sapp", "late", "--timeout=60s"])
            .await,
    );
    assert_eq!(shop.stored().await, "db early small");

    // Ended in good order, it leaves nothing behind.
    operator.end().await;
    assert!(!shop.is_registered().await);
    is_taken(&shop.apply(&wrong("last"), &[]).await);
}
