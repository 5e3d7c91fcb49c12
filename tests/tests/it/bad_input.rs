//! Bad input: each gives one clear event and one condition that says what to do, and touches nothing else.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures::future::join_all;
use k8s_openapi::api::core::v1::Event;
use kube::Api;
use kube::api::ListParams;
use serde_json::{Value, json};
use stateward_tests::bed::Bed;
use stateward_tests::narrator::Narrator;
use stateward_tests::user::{Face, User};
use stateward_tests::{ensure_that, eventually, workspace};

const HOSTILE: &str = "target/wasm32-wasip2/plugin/stateward_hostile.wasm";
const REACHES_OUT: &str = "target/wasm32-wasip2/plugin/examples/reaches_out.wasm";
const MYSQL: &str = "target/wasm32-wasip2/plugin/stateward_plugin_mysql.wasm";

/// How long each may take to show.
const LIMIT: Duration = Duration::from_secs(60);

/// A plugin object.
fn plugin(name: &str, file: &str, grants: Value) -> Value {
    json!({
        "apiVersion": "stateward.dev/v1alpha1", "kind": "Plugin", "metadata": {"name": name},
        "spec": {"source": {"file": file}, "grants": grants},
    })
}

/// An app of one member, with the plugin and settings given.
fn app(name: &str, plugin: Value) -> Value {
    let mut app = json!({
        "apiVersion": "stateward.dev/v1alpha1", "kind": "StatefulApp", "metadata": {"name": name},
        "spec": {
            "replicas": 1, "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [{"name": "main", "image": "busybox", "command": ["sleep", "3600"], "ports": [{"name": "mysql", "containerPort": 3306}]}]},
            },
        },
    });
    if !plugin.is_null() {
        app["spec"]["plugin"] = plugin;
    }
    app
}

/// What a case must show.
struct Shown {
    /// Reason of the Warning event, and on what kind of object.
    event: (&'static str, &'static str),
    /// Type and reason of a condition of the app, or of the plugin's status.
    condition: (&'static str, &'static str),
    /// Words that event and condition must both have, so that the reader knows what to do.
    says: &'static [&'static str],
}

/// Applies the objects in a namespace of their own and checks what is shown for the app named `bad`, or the plugin of that name.
async fn shows(bed: &Bed, namespace: &str, objects: &[Value], shown: &Shown) -> Result<()> {
    let user = User::new(bed, namespace, Face::StatefulApp, Narrator::Silent)
        .await?
        .through_the_api();
    for object in objects {
        user.apply(&object.to_string()).await?;
    }
    let (kind, reason) = shown.event;
    let all: Api<Event> = Api::all(bed.client.clone());
    let name = if kind == "Plugin" {
        objects[0]["metadata"]["name"].as_str().unwrap_or_default()
    } else {
        "bad"
    };
    let fits = |event: &&Event| {
        event.type_.as_deref() == Some("Warning")
            && event.involved_object.kind.as_deref() == Some(kind)
            && event
                .involved_object
                .name
                .as_deref()
                .is_some_and(|object| object.starts_with(name))
            && (kind == "Plugin" || event.involved_object.namespace.as_deref() == Some(namespace))
    };
    let note = eventually(
        &format!("a Warning of {kind} {name} says {reason}"),
        LIMIT,
        || async {
            let events = all.list(&ListParams::default()).await?.items;
            let about: Vec<_> = events.iter().filter(fits).collect();
            Ok(
                match about
                    .iter()
                    .find(|event| event.reason.as_deref() == Some(reason))
                {
                    Some(event) => Ok(event.message.clone().unwrap_or_default()),
                    None => Err(about
                        .iter()
                        .map(|event| format!("{:?}: {:?}", event.reason, event.message))
                        .collect::<Vec<_>>()
                        .join("; ")),
                },
            )
        },
    )
    .await?;
    ensure_that(shown.says.iter().all(|word| note.contains(word)), || {
        format!("the event {reason} does not say {:?}: {note}", shown.says)
    })?;

    shows_condition(&user, shown).await?;

    // One clear event, not a flood: no two events of the object say the same thing.
    let events = all.list(&ListParams::default()).await?.items;
    let same = events
        .iter()
        .filter(fits)
        .filter(|event| event.reason.as_deref() == Some(shown.event.1))
        .count();
    ensure_that(same == 1, || {
        format!("{same} events {} instead of one", shown.event.1)
    })
}

async fn shows_condition(user: &User, shown: &Shown) -> Result<()> {
    let (type_, reason) = shown.condition;
    eventually(
        &format!("the condition {type_} says {reason} and {:?}", shown.says),
        LIMIT,
        || async {
            let app = user.app("bad").await?;
            let conditions = app["status"]["conditions"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            let says = |condition: &Value| {
                let message = condition["message"].as_str().unwrap_or_default();
                condition["type"] == type_
                    && condition["reason"] == reason
                    && shown.says.iter().all(|word| message.contains(word))
            };
            Ok(if conditions.iter().any(says) {
                Ok(())
            } else {
                Err(app["status"].to_string())
            })
        },
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_is_told_once_and_touches_nothing_else() -> Result<()> {
    let mut bed = Bed::dev().await?;
    let steady = User::new(&bed, "steady", Face::StatefulApp, Narrator::Silent)
        .await?
        .through_the_api();
    steady
        .apply(&plugin("calm", HOSTILE, json!({"tcp": {"ports": ["mysql"]}})).to_string())
        .await?;
    steady
        .apply(
            &app(
                "steady",
                json!({"name": "calm", "settings": {"deed": "done"}}),
            )
            .to_string(),
        )
        .await?;
    steady
        .until_ready("steady", &[0])
        .await
        .context("the bystander")?;
    let before = steady.uid("steady-0").await?;

    if let Err(error) = all(&bed).await {
        return Err(error.context(format!("the logs are kept in {}", bed.keep().display())));
    }

    ensure_that(steady.uid("steady-0").await? == before, || {
        "the bystander was replaced".into()
    })?;
    // The same plugin still serves it: its pod is replaced, with all hooks.
    steady.delete_pod("steady-0").await?;
    steady.until_replaced("steady-0", &before).await?;
    steady
        .until_ready("steady", &[0])
        .await
        .context("the bystander, afterwards")?;
    bed.cluster.stop()
}

/// All cases side by side, each in a namespace of its own.
async fn all(bed: &Bed) -> Result<()> {
    let tcp = json!({"tcp": {"ports": ["mysql"]}});
    let stalled = |reason, says| Shown {
        event: ("StatefulApp", reason),
        condition: ("Stalled", reason),
        says,
    };
    let refused = |reason, says| Shown {
        event: ("Plugin", reason),
        condition: ("Stalled", reason),
        says,
    };
    let uses = |name: &str| app("bad", json!({"name": name}));
    let deed = |deed: &str| {
        app(
            "bad",
            json!({"name": "hostile", "settings": {"deed": deed}}),
        )
    };
    let user = User::new(bed, "default", Face::StatefulApp, Narrator::Silent)
        .await?
        .through_the_api();
    user.apply(&plugin("hostile", HOSTILE, tcp.clone()).to_string())
        .await?;

    let mut invalid = app("bad", Value::Null);
    invalid["spec"]["template"]["metadata"]["labels"] = json!({"app": "another"});
    let mut other_digest = plugin("other-digest", HOSTILE, tcp);
    other_digest["spec"]["digest"] = json!(format!("sha256:{}", "0".repeat(64)));
    let reaches_out = plugin("reaches-out", REACHES_OUT, json!({}));
    let grants = json!({"tcp": {"ports": ["mysql"]}, "secrets": {"slots": ["root", "replication"]}, "state": true, "requests": true, "events": true});
    let slots = json!({"root": {"name": "nobody-made-it", "key": "root"}, "replication": {"name": "nobody-made-it", "key": "replication"}});
    let mut unknown_image = app("bad", Value::Null);
    unknown_image["spec"]["template"]["spec"]["containers"][0]["image"] =
        json!("registry.example.com/nobody/knows:1");
    let image = Shown {
        event: ("Pod", "Failed"),
        condition: ("Available", "MembersUnavailable"),
        says: &["registry.example.com/nobody/knows:1", "recipe"],
    };

    let cases = vec![
        (
            "invalid-manifest",
            vec![invalid],
            stalled("SpecInvalid", &["selector"]),
        ),
        (
            "unknown-plugin",
            vec![uses("nowhere")],
            stalled("PluginNotFound", &["nowhere"]),
        ),
        (
            "another-digest",
            vec![other_digest, uses("other-digest")],
            refused("DigestMismatch", &["sha256:0000"]),
        ),
        (
            "forbidden-import",
            vec![reaches_out, uses("reaches-out")],
            refused("ForbiddenImport", &["wasi:"]),
        ),
        (
            "panics",
            vec![deed("panic")],
            stalled("PluginPanicked", &["tablecloth"]),
        ),
        ("spins", vec![deed("spin")], stalled("PluginTimeout", &[])),
        (
            "eats-memory",
            vec![deed("eat")],
            stalled("PluginOutOfMemory", &["memory"]),
        ),
        (
            "missing-secret",
            vec![
                plugin("mysql", MYSQL, grants),
                app("bad", json!({"name": "mysql", "secrets": slots})),
            ],
            stalled("SecretMissing", &["nobody-made-it", "root"]),
        ),
        ("unknown-image", vec![unknown_image], image),
    ];
    let first = cases.iter().map(|(name, objects, shown)| async move {
        let result = shows(bed, name, objects, shown).await;
        result.err().map(|error| format!("{name}: {error:#}"))
    });
    let mut failures: Vec<_> = join_all(first).await.into_iter().flatten().collect();
    // And it still says so when it was tried again and again.
    for (name, _, shown) in &cases {
        let user = User::new(bed, name, Face::StatefulApp, Narrator::Silent).await?;
        let result = shows_condition(&user, shown).await;
        failures.extend(
            result
                .err()
                .map(|error| format!("{name}, later: {error:#}")),
        );
    }
    ensure_that(failures.is_empty(), || failures.join("\n"))
}

#[test]
fn the_components_are_built() -> Result<()> {
    for file in [HOSTILE, REACHES_OUT, MYSQL] {
        if !workspace().join(file).is_file() {
            bail!("{file} is not there: run `make plugins`");
        }
    }
    Ok(())
}
