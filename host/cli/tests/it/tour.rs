//! The life of an app through the command line, in both faces: planned, made, followed, asked about, changed.

use serde_json::Value;

use crate::stateward::{Dev, Ran, WEB, stateward, web_as_app, written};

#[test]
fn a_stateful_set_from_plan_to_rollout() {
    tour("statefulsets", WEB);
}

#[test]
fn a_stateful_app_from_plan_to_rollout() {
    tour("statefulapps", &web_as_app());
}

fn ok(ran: Ran) -> String {
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    ran.out
}

/// The steps of a plan in JSON, each as its action and subject.
fn steps(plan: &str) -> Vec<(String, String)> {
    let plan: Value = serde_json::from_str(plan).unwrap();
    let text = |step: &Value, key: &str| step[key].as_str().unwrap().to_owned();
    let steps = plan["steps"].as_array().unwrap().iter();
    steps
        .map(|step| (text(step, "action"), text(step, "subject")))
        .collect()
}

/// The pods that a plan creates and deletes, in order.
fn pods(plan: &str, action: &str) -> Vec<String> {
    let steps = steps(plan).into_iter();
    steps
        .filter(|(done, _)| done == action)
        .map(|(_, subject)| subject)
        .collect()
}

fn tour(plural: &str, manifest: &str) {
    let place = tempfile::tempdir().unwrap();
    let dev = Dev::start(&place.path().join("dev"), &[]);
    let file = written(&place, manifest);
    let json = |words: &[&str]| ok(dev.stateward(&[words, &["-o", "json"]].concat()));

    // Before it exists, it is planned from nothing.
    let planned = json(&["plan", "-f", &file]);
    assert_eq!(
        pods(&planned, "create-pod"),
        ["pod web-0", "pod web-1", "pod web-2"]
    );

    dev.create(plural, manifest);
    ok(dev.stateward(&["rollout", "status", "web", "--timeout", "60s"]));
    let why = ok(dev.stateward(&["why", "web"]));
    assert!(why.contains("3/3 available"), "{why}");
    assert!(why.contains("It waits for nothing."), "{why}");

    // The very same manifest changes nothing, although the API filled in defaults.
    let same = json(&["plan", "-f", &file]);
    assert_eq!(steps(&same), [], "{same}");

    let more = json(&["plan", "-f", &file, "--replicas", "5"]);
    assert_eq!(pods(&more, "create-pod"), ["pod web-3", "pod web-4"]);
    let fewer = json(&["plan", "web", "--replicas", "1"]);
    assert_eq!(pods(&fewer, "delete-pod"), ["pod web-2", "pod web-1"]);
    let newer = written(&place, &manifest.replace("web:v1", "web:v2"));
    let rolled = json(&["plan", "-f", &newer]);
    assert_eq!(
        pods(&rolled, "delete-pod"),
        ["pod web-2", "pod web-1", "pod web-0"]
    );

    // A saved world answers the same without the cluster.
    let world = place.path().join("world.json");
    let world = world.to_str().unwrap();
    ok(dev.stateward(&["plan", "web", "--save-world", world]));
    let offline = |words: &[&str]| {
        let words = [&["plan", "--world", world, "-o", "json"], words].concat();
        ok(stateward(&words))
    };
    assert_eq!(steps(&offline(&["--replicas", "5"])), steps(&more));
    // Without the API's defaults the new revision has another name; the steps are the same.
    let rolled_offline = offline(&["-f", &newer]);
    for action in ["delete-pod", "create-pod"] {
        assert_eq!(pods(&rolled_offline, action), pods(&rolled, action));
    }
    let file = written(&place, manifest);
    assert_eq!(steps(&offline(&["-f", &file])), []);

    ok(dev.stateward(&["set-image", "web", "web=web:v2"]));
    ok(dev.stateward(&["rollout", "status", "web", "--timeout", "60s"]));
    let again = ok(dev.stateward(&["set-image", "web", "web=web:v2"]));
    assert!(again.contains("already"), "{again}");
    let wrong = dev.stateward(&["set-image", "web", "db=db:v1"]);
    assert_eq!(wrong.code, 1);
    assert!(
        wrong.err.contains("has no container db; it has web"),
        "{}",
        wrong.err
    );

    let before: Value = serde_json::from_str(&json(&["why", "web"])).unwrap();
    ok(dev.stateward(&["rollout", "restart", "web"]));
    ok(dev.stateward(&["rollout", "status", "web", "--timeout", "60s"]));
    let after: Value = serde_json::from_str(&json(&["why", "web"])).unwrap();
    assert_ne!(before["updateRevision"], after["updateRevision"]);
    assert_eq!(after["available"], 3);
    assert_eq!(after["waiting"], Value::Array(Vec::new()));

    let misspelled = written(&place, &manifest.replace("replicas: 3", "replica: 3"));
    let refused = dev.stateward(&["plan", "-f", &misspelled]);
    assert_eq!(refused.code, 1, "{}", refused.out);
    assert!(refused.err.contains("replica"), "{}", refused.err);
    assert_eq!(dev.end(), 0);
}
