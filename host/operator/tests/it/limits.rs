//! Limits that a Plugin object sets, and those that are the same for all: whoever goes beyond one is stopped, and the app says which it was.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::bed::{Bed, app};
use crate::hooks::{hostile, until_stalled};
use crate::logs;

/// A Plugin of this name with these limits, and an app that has no others.
async fn given(bed: &Bed, name: &str, limits: Value, settings: Value) {
    let mut plugin = hostile();
    plugin["metadata"]["name"] = json!(name);
    plugin["spec"]["limits"] = limits;
    bed.create(plugin).await;
    let mut app = app("StatefulApp", name, 1);
    app["spec"]["plugin"] = json!({ "name": name, "settings": settings });
    bed.create(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_goes_beyond_a_limit_is_stopped_and_the_app_says_which_it_was() {
    let bed = Bed::new().await;
    let cases = [
        (
            "calls",
            json!({ "hostCalls": 50 }),
            json!("storm"),
            (
                "PluginHostcallLimit",
                "more than 50 calls of host functions",
            ),
        ),
        (
            "bytes",
            json!({ "hostBytes": "64" }),
            json!({ "acting": "random:100" }),
            (
                "PluginHostcallLimit",
                "more than 64 bytes through host functions",
            ),
        ),
        (
            "time",
            json!({ "callTimeout": "300ms", "cpu": "60s" }),
            json!("spin"),
            ("PluginDeadline", "did not answer within 300ms"),
        ),
        (
            "checkpoint",
            json!({}),
            json!({ "acting": "long-checkpoint" }),
            ("PluginOutputTooLarge", "checkpoint of 5000, at most 2048"),
        ),
        (
            "output",
            json!({}),
            json!("many-findings"),
            ("PluginOutputTooLarge", "of 1000, at most 64"),
        ),
    ];
    for (name, limits, settings, _) in &cases {
        given(&bed, name, limits.clone(), settings.clone()).await;
    }
    given(&bed, "within", json!({ "hostCalls": 50 }), json!("done")).await;
    for (name, _, _, (reason, words)) in cases {
        let message = until_stalled(&bed, name, reason).await;
        assert!(message.contains(words), "{name}: {message}");
        bed.until_event(name, reason).await;
    }
    bed.until_settled("StatefulApp", "within", 1).await;
    assert_eq!(bed.pod_names().await, ["within-0"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_connections_are_open_at_a_time_than_the_plugin_object_allows() {
    let bed = Bed::new().await;
    let member = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = member.local_addr().unwrap().port();
    let mut plugin = hostile();
    plugin["spec"]["limits"] = json!({ "connections": 2 });
    bed.create(plugin).await;
    let mut db = app("StatefulApp", "db", 1);
    db["spec"]["plugin"] = json!({ "name": "hostile", "settings": { "joining": "handles:5" } });
    db["spec"]["template"]["spec"]["containers"][0]["ports"] =
        json!([{ "name": "mysql", "containerPort": port }]);
    bed.create(db).await;
    bed.until("the third is refused", || async {
        let waiting = bed.get("StatefulApp", "db").await["status"]["waiting"].to_string();
        let is_refused =
            waiting.contains("2 open, ") && waiting.contains("2 open connections per call");
        match is_refused {
            true => Ok(()),
            false => Err(waiting),
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_what_is_not_granted_is_told_the_grant_and_nothing_is_done() {
    let bed = Bed::new().await;
    bed.create(hostile()).await;
    let mut granted = hostile();
    granted["metadata"]["name"] = json!("asking");
    granted["spec"]["grants"]["requests"] = json!(true);
    bed.create(granted).await;
    let cases = [
        ("deleted", "hostile", "delete-pod", "requests: true"),
        ("held", "hostile", "quarantine", "requests: true"),
        ("emptied", "asking", "discard", "discardVolumes: true"),
        ("flooded", "hostile", "quarantine:17", "requests: true"),
        ("greedy", "asking", "quarantine:17", "16 requests per call"),
    ];
    for (name, plugin, deed, _) in cases {
        let mut app = app("StatefulApp", name, 1);
        app["spec"]["plugin"] = json!({ "name": plugin, "settings": { "joining": deed } });
        bed.create(app).await;
    }
    for (name, _, _, words) in cases {
        bed.until(&format!("{name} is told of {words}"), || async {
            let waiting = bed.get("StatefulApp", name).await["status"]["waiting"].to_string();
            match waiting.contains(words) {
                true => Ok(()),
                false => Err(waiting),
            }
        })
        .await;
    }
    for (name, _, _, words) in cases
        .iter()
        .filter(|(_, _, _, words)| words.contains("true"))
    {
        let app = bed.get("StatefulApp", name).await;
        assert!(
            app["status"]["orders"].is_null(),
            "{words}: {}",
            app["status"]
        );
        let claim = bed
            .get("PersistentVolumeClaim", &format!("data-{name}-0"))
            .await;
        assert!(claim["metadata"]["deletionTimestamp"].is_null(), "{claim}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_flood_of_log_lines_only_so_many_are_kept_as_the_plugin_object_allows() {
    let bed = Bed::new().await;
    let flood = json!({ "acting": "flood-log:10" });
    let lines = json!({ "logLines": 3 });
    given(&bed, "few-lines", lines, flood.clone()).await;
    // Each line has six bytes.
    let bytes = json!({ "logBytes": "25" });
    given(&bed, "few-bytes", bytes, flood.clone()).await;
    given(&bed, "all-lines", json!({}), flood).await;
    let told = |lines: u32, bytes: u32| {
        format!("further lines of this call are dropped: at most {lines} lines and {bytes} bytes")
    };
    for (app, kept, end) in [
        ("few-lines", 3, Some(told(3, 65_536))),
        ("few-bytes", 4, Some(told(200, 25))),
        ("all-lines", 10, None),
    ] {
        let expected: Vec<String> = (0..kept).map(|n| format!("line {n}")).chain(end).collect();
        bed.until(&format!("{app} has logged"), || async {
            let said = logs::of(app, "pre-scale");
            match said.len() >= expected.len() {
                true => Ok(()),
                false => Err(format!("{said:?}")),
            }
        })
        .await;
        // Whoever is called again writes the same again.
        for call in logs::of(app, "pre-scale").chunks_exact(expected.len()) {
            let texts: Vec<&str> = call.iter().map(|line| line.text.as_str()).collect();
            assert_eq!(texts, expected, "{app}");
            let levels: Vec<_> = call.iter().filter_map(|line| line.level).collect();
            let is_cut = kept < 10;
            assert_eq!(levels.ends_with(&[tracing::Level::WARN]), is_cut, "{app}");
        }
    }
}
