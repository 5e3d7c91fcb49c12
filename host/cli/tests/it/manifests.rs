//! What `stateward plan` says of manifests that are wrong: what, where, and what to do. Each ends with 1 before any cluster is asked.

use crate::stateward::{Ran, WEB, stateward, stateward_reading};

/// Plans a manifest from standard input, without a cluster: the world is missing too, and must not be what is complained about.
fn plan(manifest: &str) -> Ran {
    stateward_reading(&["plan", "-f", "-"], manifest)
}

fn refused(manifest: &str, words: &[&str]) {
    let ran = plan(manifest);
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert_eq!(ran.out, "", "an answer beside an error");
    for word in words {
        assert!(ran.err.contains(word), "{word} is missing: {}", ran.err);
    }
    assert!(!ran.err.contains("cluster"), "{}", ran.err);
}

#[test]
fn text_that_is_no_yaml() {
    refused("a: [1", &["not YAML", "document 1"]);
}

#[test]
fn nothing_at_all() {
    refused("", &["has no StatefulApp or StatefulSet", "nothing"]);
}

#[test]
fn other_kinds_only() {
    refused(
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n",
        &["has no StatefulApp or StatefulSet", "Service web"],
    );
}

#[test]
fn two_apps_and_no_choice() {
    let other = WEB.replace("name: web\nspec", "name: db\nspec");
    refused(
        &format!("{WEB}---\n{other}"),
        &["several apps", "sts/web, sts/db"],
    );
}

#[test]
fn a_missing_selector() {
    let manifest = WEB.replace("  selector: {matchLabels: {app: web}}\n", "");
    refused(&manifest, &["StatefulSet web", "spec.selector"]);
}

#[test]
fn a_selector_that_does_not_fit_the_template() {
    let manifest = WEB.replace("labels: {app: web}}", "labels: {app: other}}");
    refused(&manifest, &["spec.", "selector"]);
}

#[test]
fn a_negative_replica_count() {
    refused(
        &WEB.replace("replicas: 3", "replicas: -1"),
        &["spec.replicas"],
    );
}

#[test]
fn an_unknown_policy() {
    let manifest = WEB.replace(
        "  serviceName",
        "  podManagementPolicy: Sideways\n  serviceName",
    );
    refused(
        &manifest,
        &["podManagementPolicy", "Sideways", "OrderedReady"],
    );
}

#[test]
fn a_file_that_is_not_there() {
    let ran = stateward(&["plan", "-f", "/nonexistent/app.yaml"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("cannot read /nonexistent/app.yaml"),
        "{}",
        ran.err
    );
}

#[test]
fn a_saved_world_that_is_none() {
    let place = tempfile::tempdir().unwrap();
    let world = place.path().join("world.json");
    std::fs::write(&world, "{}").unwrap();
    let ran = stateward(&["plan", "--world", world.to_str().unwrap()]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("is no saved world"), "{}", ran.err);
}
