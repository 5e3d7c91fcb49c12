//! Plugins reach members of a cluster whose network the operator is not part of.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use stateward_tests::bed::Bed;
use stateward_tests::eventually;
use stateward_tests::narrator::Narrator;
use stateward_tests::user::{Face, User};

const HOSTILE: &str = "target/wasm32-wasip2/plugin/stateward_hostile.wasm";

const LIMIT: Duration = Duration::from_secs(60);

/// An app of one web server, whose plugin does this deed when the member is there, and refuses it with what came of it.
fn joining(name: &str, deed: &str) -> Value {
    json!({
        "apiVersion": "stateward.dev/v1alpha1", "kind": "StatefulApp", "metadata": {"name": name},
        "spec": {
            "replicas": 1, "selector": {"matchLabels": {"app": name}},
            "plugin": {"name": "reaching", "settings": {"joining": deed}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [{
                    "name": "main", "image": "httpd",
                    "ports": [{"name": "admin", "containerPort": 80}],
                    "readinessProbe": {"tcpSocket": {"port": "admin"}, "periodSeconds": 1},
                }]},
            },
        },
    })
}

async fn until_refused_with(user: &User, name: &str, words: &[&str]) -> Result<()> {
    let what = format!("the plugin tells {words:?} of {name}");
    eventually(&what, LIMIT, || async {
        let waiting = user.app(name).await?["status"]["waiting"].to_string();
        Ok(match words.iter().all(|word| waiting.contains(word)) {
            true => Ok(()),
            false => Err(waiting),
        })
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_outside_of_the_cluster_reaches_members_through_the_api_server() -> Result<()> {
    let mut bed = Bed::without_operator().await?;
    let user = User::new(&bed, "default", Face::StatefulApp, Narrator::Silent)
        .await?
        .through_the_api();
    bed.start_operator_with(&["--reach-members", "port-forward"])?;
    let told = tell(&user).await;
    if let Err(error) = told {
        return Err(error.context(format!("the logs are kept in {}", bed.keep().display())));
    }
    bed.operator
        .take()
        .map_or(Ok(()), |mut operator| operator.stop())?;
    bed.cluster.stop()
}

async fn tell(user: &User) -> Result<()> {
    let grants = json!({
        "tcp": {"ports": ["mysql"]},
        "http": [{"port": "admin", "methods": ["GET"], "paths": ["/**"]}],
        "exec": [{"container": "main", "argv": ["echo", "**"]}],
    });
    let plugin = json!({
        "apiVersion": "stateward.dev/v1alpha1", "kind": "Plugin", "metadata": {"name": "reaching"},
        "spec": {"source": {"file": HOSTILE}, "grants": grants},
    });
    user.apply(&plugin.to_string()).await?;
    let deeds = [
        ("page", "http:GET /index.html"),
        ("echo", "exec:main echo hello"),
        ("post", "http:POST /index.html"),
        ("shell", "exec:main sh -c true"),
    ];
    for (name, deed) in deeds {
        user.apply(&joining(name, deed).to_string()).await?;
    }
    until_refused_with(user, "page", &["200 ", "It works!"]).await?;
    until_refused_with(user, "echo", &["0 6 bytes, truncated false"]).await?;
    until_refused_with(user, "post", &["needs the grant http"]).await?;
    until_refused_with(user, "shell", &["needs the grant exec"]).await
}
