//! Decisions about invocations: taken up once, recorded with who, why and when, and told by `timeline` and `why`; tasks that users ask for, and how they
//! end. Nonsense is refused with what to do.

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};

use crate::components::component;
use crate::stateward::{Dev, Ran, web_as_app};

fn ok(ran: Ran) -> String {
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    ran.out
}

fn refused(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, code, "{}{}", ran.out, ran.err);
    assert_eq!(ran.out, "", "an answer beside an error");
    for word in words {
        assert!(ran.err.contains(word), "{word} is missing: {}", ran.err);
    }
}

/// A cluster with an app whose plugin answers as its settings say.
struct Steered {
    dev: Dev,
    _place: tempfile::TempDir,
}

impl Steered {
    fn with(settings: &Value) -> Steered {
        let place = tempfile::tempdir().unwrap();
        let dev = Dev::start(&place.path().join("dev"), &[]);
        let grants = json!({ "requests": true, "discardVolumes": true, "events": true });
        dev.create_plugin("steered", &component("steered"), &grants);
        let mut app: Value = serde_yaml::from_str(&web_as_app()).unwrap();
        app["spec"]["plugin"] = json!({ "name": "steered", "settings": settings });
        dev.create("statefulapps", &app.to_string());
        Steered { dev, _place: place }
    }

    /// Waits until the app waits for an invocation whose id begins so, for this reason; its id.
    fn waits_for(&self, start: &str, reason: &str) -> String {
        let wait = |app: &Value| {
            let waiting = app["status"]["waiting"].as_array()?.clone();
            let found = waiting.into_iter().find(|wait| {
                let id = wait["invocation"].as_str().unwrap_or_default();
                wait["reason"] == reason && id.starts_with(start)
            });
            Some(found?["invocation"].as_str()?.to_owned())
        };
        let app = (self.dev).until("statefulapps", "web", |app| wait(app).is_some());
        wait(&app).unwrap()
    }

    fn decide(&self, verb: &str, id: &str, reason: &str) -> Ran {
        let words = ["invocation", verb, "web", id, "--reason", reason];
        self.dev.stateward(&words)
    }

    fn why(&self) -> String {
        ok(self.dev.stateward(&["why", "web"]))
    }

    fn timeline(&self) -> Vec<Value> {
        let told = ok(self.dev.stateward(&["timeline", "web", "-o", "json"]));
        serde_json::from_str(&told).unwrap()
    }

    /// Who the API server takes the user of the command line for.
    fn user(&self) -> String {
        self.dev.ask(async |client| {
            let reviews: Api<SelfSubjectReview> = Api::all(client);
            let review = SelfSubjectReview::default();
            let review = reviews.create(&PostParams::default(), &review).await;
            let user = review.unwrap().status.unwrap().user_info.unwrap();
            user.username.unwrap()
        })
    }
}

/// The entries about this subject, without their times.
fn about(timeline: &[Value], subject: &str) -> Vec<(String, String)> {
    let text = |entry: &Value, key: &str| entry[key].as_str().unwrap().to_owned();
    timeline
        .iter()
        .filter(|entry| entry["subject"] == subject)
        .map(|entry| (text(entry, "what"), text(entry, "detail")))
        .collect()
}

#[test]
fn given_a_scale_that_is_refused_when_it_is_aborted_then_that_is_told_and_the_next_spec_begins_anew()
 {
    let app = Steered::with(&json!({ "pre-scale": "refuse: not during the sale" }));
    let id = app.waits_for("pre-scale/", "PluginRefuses");
    let why = app.why();
    for words in [
        "not during the sale",
        &format!("id: {id}"),
        "stateward invocation retry|skip|abort web ID",
    ] {
        assert!(why.contains(words), "{words}: {why}");
    }

    let recorded = ok(app.decide("abort", &id, "after the sale"));
    let user = app.user();
    assert!(
        recorded.contains(&format!("{id}: recorded for {user} at ")),
        "{recorded}"
    );
    app.waits_for(&id, "Aborted");
    let why = app.why();
    let decided = format!("Abort of {id} by {user}: after the sale");
    assert!(
        why.contains("was aborted") && why.contains(&decided),
        "{why}"
    );
    let timeline = app.timeline();
    let told = format!("by {user} (Taken): after the sale");
    assert!(
        about(&timeline, &id).contains(&("Abort".to_owned(), told)),
        "{timeline:#?}"
    );
    // Scripts rely on these fields, and on the order in time.
    for entry in &timeline {
        let keys: Vec<_> = entry.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["at", "detail", "subject", "what"]);
    }
    let times: Vec<jiff::Timestamp> = (timeline.iter())
        .map(|entry| entry["at"].as_str().unwrap().parse().unwrap())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    let text = ok(app.dev.stateward(&["timeline", "web"]));
    assert!(text.contains(&format!("{id}  Abort  by {user}")), "{text}");

    // With another spec it is begun anew; skipped, the host goes on without it.
    app.dev.merge("web", &json!({ "spec": { "replicas": 1 } }));
    let id = app.waits_for("pre-scale/", "PluginRefuses");
    let json = ok(app.dev.stateward(&[
        "invocation",
        "skip",
        "web",
        &id,
        "--reason",
        "now it may",
        "-o",
        "json",
    ]));
    let ruling: Value = serde_json::from_str(&json).unwrap();
    for (key, value) in [
        ("invocation", id.as_str()),
        ("verb", "skip"),
        ("by", &user),
        ("reason", "now it may"),
        ("result", "Taken"),
    ] {
        assert_eq!(ruling[key], value, "{json}");
    }
    ok(app
        .dev
        .stateward(&["rollout", "status", "web", "--timeout", "60s"]));
    assert_eq!(app.dev.end(), 0);
}

#[test]
fn given_a_member_that_does_not_join_then_it_is_asked_again_or_let_through_and_never_made_to_leave()
{
    let app = Steered::with(&json!({ "post-ready": "again: copying" }));
    let id = app.waits_for("post-ready/", "HookInProgress");
    refused(
        &app.decide("abort", &id, "too slow"),
        1,
        &[&id, "cannot be aborted", "skip it or retry it"],
    );
    let attempts = |app: &Value| {
        let known = app["status"]["invocations"]
            .as_array()
            .into_iter()
            .flatten();
        let attempts = known.filter_map(|known| known["attempts"].as_u64());
        attempts.max().unwrap_or(0)
    };
    let before = attempts(&app.dev.until("statefulapps", "web", |_| true));
    ok(app.decide("retry", &id, "it has caught up"));
    app.dev
        .until("statefulapps", "web", |app| attempts(app) > before);
    ok(app.decide("skip", &id, "it serves reads"));
    app.dev.until("statefulapps", "web", |app| {
        app["status"]["availableReplicas"] == 1
    });
    let timeline = app.timeline();
    let verbs: Vec<_> = about(&timeline, &id)
        .into_iter()
        .map(|(what, _)| what)
        .filter(|what| ["Abort", "Retry", "Skip"].contains(&what.as_str()))
        .collect();
    assert_eq!(verbs, ["Abort", "Retry", "Skip"], "{timeline:#?}");
    let ended = app.decide("retry", &id, "once more");
    refused(&ended, 1, &[&id, "stateward why web"]);
    assert_eq!(app.dev.end(), 0);
}

#[test]
fn given_a_task_when_a_user_asks_for_it_then_how_it_ended_is_told_and_is_the_exit_code() {
    let app = Steered::with(&json!({}));
    let wanted = ["rollout", "status", "web", "--timeout", "60s"];
    ok(app.dev.stateward(&wanted));
    let tidy = |more: &[&str]| {
        let words = [["do", "web", "tidy"].as_slice(), more].concat();
        app.dev.stateward(&words)
    };
    let told = ok(tidy(&["--member", "0", "--arguments", "all of it"]));
    assert_eq!(told, "StatefulApp default/web: tidy is done (run 1)\n");
    let task = |app: &Value| app["status"]["tasks"][0].clone();
    let ended = task(&app.dev.until("statefulapps", "web", |_| true));
    assert_eq!(ended["runs"], 1, "{ended}");
    assert_eq!(ended["last"]["result"], "Done", "{ended}");
    // The plugin was asked for it under the id of the run.
    let id = "task/tidy/1";
    let called = about(&app.timeline(), id);
    assert!(!called.is_empty(), "{:#?}", app.timeline());

    let steer = |answer: &str| {
        let settings = json!({ "spec": { "plugin": { "settings": { "task": answer } } } });
        app.dev.merge("web", &settings);
    };
    steer("refuse: not during the sale");
    let words = "StatefulApp default/web: tidy was not done (Refused): not during the sale";
    refused(&tidy(&[]), 1, &[words]);

    steer("again: sweeping");
    let words = "tidy goes on; `stateward why web` tells how far it is";
    refused(&tidy(&["--timeout", "1s"]), 3, &["not there yet", words]);
    let id = app.waits_for("task/", "HookInProgress");
    assert_eq!(id, "task/tidy/3");
    let why = app.why();
    assert!(why.contains("sweeping") && why.contains(&id), "{why}");
    ok(app.decide("skip", &id, "it is clean enough"));
    let is_over = |app: &Value| task(app)["last"]["result"] == "Skipped";
    app.dev.until("statefulapps", "web", is_over);
    assert_eq!(app.dev.end(), 0);
}

#[test]
fn what_is_no_task_says_what_there_is() {
    let app = Steered::with(&json!({}));
    let long = "a".repeat(1025);
    for (words, says) in [
        (
            ["do", "web", "rebuild"].as_slice(),
            "rebuild was not done (Refused): plugin steered knows no task rebuild; it has: tidy",
        ),
        (
            &["do", "web", "tidy", "--member", "7"],
            "tidy was not done (Refused): web has no member 7",
        ),
        (
            &["do", "web", "tidy", "--arguments", &long],
            "1025 bytes in JSON, 1024 are allowed",
        ),
        (
            &["do", "nobody", "tidy"],
            "there is no StatefulApp nobody in namespace default",
        ),
        (&["do", "sts/web", "tidy"], "a StatefulSet has no tasks"),
    ] {
        refused(&app.dev.stateward(words), 1, &[says]);
    }
    assert_eq!(app.dev.end(), 0);
}

#[test]
fn what_is_no_decision_says_what_to_do() {
    let app = Steered::with(&json!({ "pre-scale": "refuse: not now" }));
    let id = app.waits_for("pre-scale/", "PluginRefuses");
    refused(
        &app.decide("skip", "pre-scale/9/9", "why not"),
        1,
        &[
            "StatefulApp default/web has no invocation pre-scale/9/9 under way",
            &format!("waited for: {id}"),
            "`stateward why web` shows the ids",
        ],
    );
    refused(&app.decide("skip", &id, "  "), 2, &["say why"]);
    refused(
        &app.dev.stateward(&["invocation", "skip", "web", &id]),
        2,
        &["--reason <TEXT>"],
    );
    refused(
        &app.decide("abort", "quarantine/0", "why not"),
        1,
        &["no invocation quarantine/0"],
    );
    let nobody = ["invocation", "skip", "nobody", &id, "--reason", "why not"];
    refused(
        &app.dev.stateward(&nobody),
        1,
        &["there is no StatefulApp nobody in namespace default"],
    );
    let set = ["invocation", "skip", "sts/web", &id, "--reason", "why not"];
    refused(
        &app.dev.stateward(&set),
        1,
        &["a StatefulSet has no invocations"],
    );
    refused(
        &app.dev.stateward(&["timeline", "nobody"]),
        1,
        &["there is no StatefulApp or StatefulSet nobody"],
    );
    assert_eq!(app.dev.end(), 0);
}
