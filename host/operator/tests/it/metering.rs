//! What plugins use is to be read by app and hook where metrics are, and an app that floods takes nothing from the others.

use std::net::{SocketAddr, TcpListener};

use serde_json::{Value, json};
use stateward_operator::Options;

use crate::bed::{Bed, app};
use crate::endpoints::{free_address, get};
use crate::hooks::hostile;
use crate::steering::steered;

/// Members of the app that floods: 64 figures of each are more than an app has room for.
const MANY: u32 = 80;
const ROOM: usize = 5_000;

async fn metered() -> (Bed, SocketAddr) {
    let mut bed = Bed::without_operator().await;
    let address = free_address();
    bed.start_with(Options {
        metrics: Some(address),
        ..bed.options()
    });
    (bed, address)
}

/// The value of this series; none when it is not served.
fn value(served: &str, series: &str) -> Option<f64> {
    let line = served.lines().find_map(|line| line.strip_prefix(series));
    line.and_then(|rest| rest.strip_prefix(' ')?.parse().ok())
}

/// What the calls of an app's hook have used.
fn used(what: &str, app: &str, hook: &str) -> String {
    format!("stateward_hook_{what}{{namespace=\"default\",app=\"{app}\",hook=\"{hook}\"}}")
}

async fn until_served(bed: &Bed, address: SocketAddr, series: &str, holds: impl Fn(f64) -> bool) {
    bed.until(&format!("{series} is served"), || async {
        let served = get(address, "/metrics").await?;
        match value(&served, series) {
            Some(value) if holds(value) => Ok(()),
            _ => Err(served),
        }
    })
    .await;
}

async fn given(bed: &Bed, name: &str, settings: Value) {
    let mut app = app("StatefulApp", name, 1);
    app["spec"]["plugin"] = json!({ "name": "hostile", "settings": settings });
    bed.create(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_calls_use_is_counted_by_app_and_hook() {
    let (mut bed, address) = metered().await;
    let member = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = member.local_addr().unwrap().port();
    let mut granted = hostile();
    granted["spec"]["grants"]["events"] = json!(true);
    granted["spec"]["grants"]["requests"] = json!(true);
    bed.create(granted).await;
    given(&bed, "writes", json!({ "acting": "flood-log:10" })).await;
    given(&bed, "tells", json!({ "acting": "events:3" })).await;
    given(&bed, "keeps", json!({ "acting": "long-checkpoint" })).await;
    given(&bed, "claims", json!({ "joining": "claim" })).await;
    given(&bed, "takes", json!({ "acting": "put:x" })).await;
    let mut dials = app("StatefulApp", "dials", 1);
    dials["spec"]["plugin"] = json!({ "name": "hostile", "settings": { "joining": "handles:5" } });
    dials["spec"]["template"]["spec"]["containers"][0]["ports"] =
        json!([{ "name": "mysql", "containerPort": port }]);
    bed.create(dials).await;

    let cases = [
        ("log_lines_total", "writes", "pre-scale", 10.0),
        // `line 0` to `line 9`
        ("log_bytes_total", "writes", "pre-scale", 60.0),
        ("events_total", "tells", "pre-scale", 3.0),
        ("checkpoint_peak_bytes", "keeps", "pre-scale", 5000.0),
        ("answer_bytes_total", "keeps", "pre-scale", 5004.0),
        // Three others are not taken.
        ("requests_total", "claims", "post-ready", 1.0),
        ("connections_total", "dials", "post-ready", 5.0),
        ("connections_peak", "dials", "post-ready", 5.0),
        ("handles_peak", "dials", "post-ready", 5.0),
        ("host_calls_total", "writes", "pre-scale", 10.0),
    ];
    for (what, app, hook, of_one_call) in cases {
        // A call that did not end well is repeated; the most of one call stays what it is.
        let fits = |value: f64| match what.contains("peak") {
            true => value == of_one_call,
            false => value >= of_one_call && value % of_one_call == 0.0,
        };
        until_served(&bed, address, &used(what, app, hook), fits).await;
    }
    // Computing is measured to 10 ms.
    for (what, least) in [
        ("cpu_seconds_total", 0.0),
        ("wall_seconds_total", f64::MIN_POSITIVE),
        ("memory_peak_bytes", 65_536.0),
    ] {
        let series = used(what, "writes", "pre-scale");
        until_served(&bed, address, &series, |value| value >= least).await;
    }
    // `state` is not granted.
    let refused =
        "stateward_grant_refusals_total{plugin=\"hostile\",hook=\"pre-scale\",counted=\"false\"}";
    until_served(&bed, address, refused, |value| value >= 1.0).await;
    // It was compiled before this operator began.
    let loaded = "stateward_plugin_load_seconds{plugin=\"hostile\",compiled=\"false\"}";
    until_served(&bed, address, loaded, |value| value > 0.0).await;
    let size = "stateward_plugin_component_bytes{plugin=\"hostile\"}";
    until_served(&bed, address, size, |value| value > 0.0).await;

    bed.delete("StatefulApp", "writes").await;
    bed.until("its series go with the app", || async {
        let served = get(address, "/metrics").await?;
        match served.contains("app=\"writes\"") {
            false => Ok(()),
            true => Err(served),
        }
    })
    .await;
    bed.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_figures_of_one_app_leaves_those_of_another() {
    let (mut bed, address) = metered().await;
    bed.create(hostile()).await;
    bed.create(steered()).await;
    let mut noisy = app("StatefulApp", "noisy", MANY);
    noisy["spec"]["podManagementPolicy"] = json!("Parallel");
    noisy["spec"]["plugin"] =
        json!({ "name": "hostile", "settings": { "acting": "flood-figures" } });
    let spec = noisy["spec"].as_object_mut().unwrap();
    spec.remove("volumeClaimTemplates");
    noisy["spec"]["template"]["spec"]["containers"][0]
        .as_object_mut()
        .unwrap()
        .remove("volumeMounts");
    bed.create(noisy).await;
    let dropped = "stateward_plugin_numbers_dropped_total{namespace=\"default\",app=\"noisy\"}";
    until_served(&bed, address, dropped, |value| value > 0.0).await;

    let mut quiet = app("StatefulApp", "quiet", 1);
    quiet["spec"]["plugin"] =
        json!({ "name": "steered", "settings": { "probe": "figure: lag=42.5" } });
    bed.create(quiet).await;
    let figure = |app: &str, ordinal: u32, name: &str| {
        format!(
            "stateward_probe_figure{{namespace=\"default\",app=\"{app}\",ordinal=\"{ordinal}\",figure=\"{name}\"}}"
        )
    };
    let lag = figure("quiet", 0, "lag");
    until_served(&bed, address, &lag, |value| value == 42.5).await;
    // What the host says of the noisy one is there, too.
    for ordinal in 0..MANY {
        let healthy = figure("noisy", ordinal, "healthy");
        until_served(&bed, address, &healthy, |value| value == 1.0).await;
    }
    let calls = used("host_calls_total", "quiet", "probe");
    until_served(&bed, address, &calls, |_| true).await;
    let served = get(address, "/metrics").await.unwrap();
    let flood = "stateward_probe_figure{namespace=\"default\",app=\"noisy\"";
    let of_plugin = served
        .lines()
        .filter(|line| line.starts_with(flood) && !line.contains("figure=\"healthy\""));
    assert_eq!(of_plugin.count(), ROOM);
    bed.stop().await;
}
