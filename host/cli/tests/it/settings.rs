//! Settings that the schema of the plugin does not allow: `plan` says so before anything is applied, and the operator when they are.

use serde_json::{Value, json};

use crate::components::component;
use crate::stateward::{Dev, Ran, stateward, web_as_app, written};

/// What is wrong with [`app`]: where, and what is expected there.
const WRONG: [&str; 2] = [
    "settings.lagLimitSeconds: want integer, but got string",
    "settings: additionalProperties 'prot' not allowed",
];

fn app() -> String {
    let plugin = json!({
        "name": "mysql",
        "settings": { "lagLimitSeconds": "ten", "prot": "mysql" },
    });
    let mut app: Value = serde_yaml::from_str(&web_as_app()).unwrap();
    app["spec"]["plugin"] = plugin;
    serde_yaml::to_string(&app).unwrap()
}

/// The same with settings that are right.
fn corrected() -> String {
    let mut app: Value = serde_yaml::from_str(&app()).unwrap();
    app["spec"]["plugin"]["settings"] = json!({ "lagLimitSeconds": 10 });
    serde_yaml::to_string(&app).unwrap()
}

/// A Plugin in the same file: it is to be applied together with the app.
fn plugin() -> String {
    let file = component("plugin-mysql");
    format!(
        "apiVersion: stateward.dev/v1alpha1\nkind: Plugin\nmetadata: {{name: mysql}}\nspec: {{source: {{file: {file}}}}}\n---\n"
    )
}

fn says_what_is_wrong(plan: &Ran) {
    assert_eq!(plan.code, 1, "{}{}", plan.out, plan.err);
    for wrong in WRONG {
        assert!(
            plan.out.contains(&format!("error: {wrong}")),
            "{}",
            plan.out
        );
    }
    assert!(!plan.out.contains("create pod"), "{}", plan.out);
}

#[test]
fn given_a_plugin_in_the_cluster_then_wrong_settings_are_told_by_the_plan_and_when_they_are_applied()
 {
    let place = tempfile::tempdir().unwrap();
    let dev = Dev::start(&place.path().join("dev"), &[]);
    let grants = json!({
        "tcp": { "ports": ["mysql"] }, "secrets": { "slots": ["root", "replication"] },
        "requests": true, "discardVolumes": true, "events": true, "state": true, "metrics": true,
    });
    let file = component("plugin-mysql");
    dev.create_plugin("mysql", &file, &grants);
    let manifest = written(&place, &app());
    says_what_is_wrong(&dev.stateward(&["plan", "-f", &manifest]));
    let plan = dev.stateward(&["plan", "-f", &manifest, "-o", "json"]);
    assert_eq!(plan.code, 1);
    let plan: Value = serde_json::from_str(&plan.out).unwrap();
    let mut mistakes = plan["mistakes"].as_array().unwrap().clone();
    mistakes.sort_by_key(Value::to_string);
    let mut expected = WRONG;
    expected.sort_unstable();
    assert_eq!(mistakes, expected);

    // Applied all the same, it is accepted by nobody, for the same reason.
    dev.create("statefulapps", &app());
    let refused = dev.until("statefulapps", "web", |app| {
        let conditions = app["status"]["conditions"].as_array();
        conditions.is_some_and(|all| all.iter().any(|one| one["reason"] == "SpecRefused"))
    });
    let status = refused["status"].to_string();
    for wrong in WRONG {
        assert!(status.contains(wrong), "{status}");
    }
    let why = dev.stateward(&["why", "web"]).out;
    assert!(WRONG.iter().all(|wrong| why.contains(wrong)), "{why}");

    // Corrected settings are planned to their end.
    let manifest = written(&place, &corrected());
    let plan = dev.stateward(&["plan", "-f", &manifest]);
    assert_eq!(plan.code, 0, "{}{}", plan.out, plan.err);
    assert_eq!(dev.end(), 0);
}

#[test]
fn given_a_plugin_in_the_same_file_then_wrong_settings_are_told_with_and_without_a_cluster() {
    let place = tempfile::tempdir().unwrap();
    let dev = Dev::start(&place.path().join("dev"), &[]);
    let manifest = written(&place, &(plugin() + &app()));
    says_what_is_wrong(&dev.stateward(&["plan", "-f", &manifest]));
    let right = written(&place, &(plugin() + &corrected()));
    let world = place.path().join("world.json");
    let world = world.to_str().unwrap();
    let plan = dev.stateward(&["plan", "-f", &right, "--save-world", world]);
    assert_eq!(plan.code, 0, "{}{}", plan.out, plan.err);
    assert_eq!(dev.end(), 0);

    // The cluster is gone; the saved world and the component's file are there.
    let manifest = written(&place, &(plugin() + &app()));
    says_what_is_wrong(&stateward(&["plan", "-f", &manifest, "--world", world]));
}
