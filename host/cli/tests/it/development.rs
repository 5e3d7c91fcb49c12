//! `stateward dev`: one process has a folder, the state outlives it, `reset` takes it away.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use kube::{Api, ResourceExt};

use crate::stateward::{Dev, WEB, stateward};

#[test]
fn a_development_cluster_keeps_its_state_until_it_is_reset() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("dev");
    let path = folder.to_str().unwrap();

    let first = Dev::start(&folder, &[]);
    let kubeconfig = std::fs::read_to_string(&first.kubeconfig).unwrap();
    first.create("statefulsets", WEB);
    for words in [
        &["dev", "--simulated", "--folder", path][..],
        &["dev", "reset", "--folder", path],
    ] {
        let second = stateward(words);
        assert_eq!(second.code, 1, "{}", second.out);
        assert!(
            second.err.contains("is in use by another"),
            "{}",
            second.err
        );
    }
    assert_eq!(first.end(), 0);

    let again = Dev::start(&folder, &[]);
    assert_eq!(
        std::fs::read_to_string(&again.kubeconfig).unwrap(),
        kubeconfig,
        "the kubeconfig stays valid"
    );
    let status = again.stateward(&["rollout", "status", "web", "--timeout", "60s"]);
    assert_eq!(status.code, 0, "{}{}", status.out, status.err);
    assert_eq!(again.end(), 0);

    let reset = stateward(&["dev", "reset", "--folder", path]);
    assert_eq!(reset.code, 0, "{}", reset.err);
    assert!(!folder.exists());
}

#[test]
fn two_development_clusters_run_side_by_side() {
    let place = tempfile::tempdir().unwrap();
    let one = Dev::start(&place.path().join("one"), &[]);
    let other = Dev::start(&place.path().join("other"), &[]);
    let rolled_out = |dev: &Dev| {
        let status = dev.stateward(&["rollout", "status", "web", "--timeout", "60s"]);
        assert_eq!(status.code, 0, "{}{}", status.out, status.err);
    };
    // The same app under the same name in both.
    for dev in [&one, &other] {
        dev.create("statefulsets", WEB);
    }
    rolled_out(&one);
    rolled_out(&other);
    let (ones, others) = (pods(&one), pods(&other));
    assert_eq!((ones.len(), others.len()), (3, 3));
    assert!(ones.is_disjoint(&others), "{ones:?} {others:?}");

    // One ends, and the other goes on.
    assert_eq!(one.end(), 0);
    let restart = other.stateward(&["rollout", "restart", "web"]);
    assert_eq!(restart.code, 0, "{}{}", restart.out, restart.err);
    rolled_out(&other);
    assert!(pods(&other).is_disjoint(&others));
    assert_eq!(other.end(), 0);

    // What it left is all there.
    let one = Dev::start(&place.path().join("one"), &[]);
    rolled_out(&one);
}

/// The UIDs of the pods.
fn pods(dev: &Dev) -> BTreeSet<String> {
    dev.ask(async |client| {
        let pods: Api<Pod> = Api::default_namespaced(client);
        let pods = pods.list(&ListParams::default()).await.unwrap();
        pods.items.iter().filter_map(ResourceExt::uid).collect()
    })
}

#[test]
fn a_folder_that_is_no_development_cluster_is_not_reset() {
    let place = tempfile::tempdir().unwrap();
    let ran = stateward(&["dev", "reset", "--folder", place.path().to_str().unwrap()]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("nothing to reset"), "{}", ran.err);
    assert!(place.path().exists());
}
