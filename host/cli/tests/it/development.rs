//! `stateward dev`: one process has a folder, the state outlives it, `reset` takes it away.

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
    let one = Dev::start(&place.path().join("one"), &["--no-operator"]);
    let other = Dev::start(&place.path().join("other"), &["--no-operator"]);
    assert_ne!(
        std::fs::read_to_string(&one.kubeconfig).unwrap(),
        std::fs::read_to_string(&other.kubeconfig).unwrap()
    );
}

#[test]
fn a_folder_that_is_no_development_cluster_is_not_reset() {
    let place = tempfile::tempdir().unwrap();
    let ran = stateward(&["dev", "reset", "--folder", place.path().to_str().unwrap()]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("nothing to reset"), "{}", ran.err);
    assert!(place.path().exists());
}
