//! Every command explains itself; a wrong command line is told apart from a failure.

use crate::stateward::stateward;

const COMMANDS: [&[&str]; 25] = [
    &[],
    &["run"],
    &["dev"],
    &["dev", "reset"],
    &["plan"],
    &["why"],
    &["switchover"],
    &["do"],
    &["invocation"],
    &["invocation", "skip"],
    &["invocation", "retry"],
    &["invocation", "abort"],
    &["timeline"],
    &["set-image"],
    &["rollout"],
    &["rollout", "status"],
    &["rollout", "restart"],
    &["plugin"],
    &["plugin", "new"],
    &["plugin", "build"],
    &["plugin", "run"],
    &["plugin", "dev"],
    &["plugin", "test"],
    &["plugin", "check"],
    &["plugin", "inspect"],
];

#[test]
fn every_command_has_help() {
    for command in COMMANDS {
        let ran = stateward(&[command, &["--help"]].concat());
        assert_eq!(ran.code, 0, "{command:?}: {}", ran.err);
        assert!(
            ran.out.contains("Usage: stateward"),
            "{command:?}: {}",
            ran.out
        );
        assert!(
            !ran.out.contains('\u{1b}'),
            "{command:?} is coloured without a terminal"
        );
    }
}

#[test]
fn commands_that_do_something_show_examples() {
    for command in COMMANDS.iter().filter(|command| !command.is_empty()) {
        let ran = stateward(&[*command, &["--help"]].concat());
        let groups = ["invocation", "rollout", "plugin", "dev reset"];
        if !groups.contains(&command.join(" ").as_str()) {
            assert!(ran.out.contains("Example"), "{command:?}: {}", ran.out);
        }
    }
}

#[test]
fn the_help_tells_the_exit_codes() {
    let help = stateward(&["--help"]).out;
    for code in [
        "0  done",
        "1  failed",
        "2  the command line is wrong",
        "3  not there yet",
    ] {
        assert!(help.contains(code), "{code}: {help}");
    }
}

#[test]
fn a_wrong_command_line_ends_with_2() {
    for words in [
        &["frobnicate"][..],
        &["why"],
        &["set-image", "web", "web"],
        &["plan"],
        &["rollout"],
        &["run", "--admission-service", "stateward/admission"],
        &["run", "--admission", "8443"],
        &[
            "run",
            "--admission",
            "[::]:8443",
            "--admission-service",
            "admission",
        ],
        &[
            "run",
            "--admission",
            "[::]:8443",
            "--admission-url",
            "http://ops",
        ],
    ] {
        let ran = stateward(words);
        assert_eq!(ran.code, 2, "{words:?}: {}", ran.out);
        assert!(!ran.err.is_empty(), "{words:?}");
    }
}

#[test]
fn without_a_cluster_the_message_says_what_to_do() {
    for words in [
        &["why", "web"][..],
        &["rollout", "status", "web"],
        &["switchover", "web"],
        &["run"],
    ] {
        let ran = stateward(words);
        assert_eq!(ran.code, 1, "{words:?}: {}", ran.out);
        assert!(ran.err.contains("stateward dev"), "{words:?}: {}", ran.err);
    }
    let ran = stateward(&["why", "web", "--kubeconfig", "/nonexistent/kubeconfig"]);
    assert_eq!(ran.code, 1);
    assert!(ran.err.contains("/nonexistent/kubeconfig"), "{}", ran.err);
}

#[test]
fn a_cluster_that_does_not_answer_is_told_so() {
    let place = tempfile::tempdir().unwrap();
    let kubeconfig = place.path().join("kubeconfig");
    // Nobody listens on port 1.
    let text = "apiVersion: v1\nkind: Config\ncurrent-context: a\ncontexts: [{name: a, context: {cluster: a, user: a}}]\nclusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}]\nusers: [{name: a, user: {}}]\n";
    std::fs::write(&kubeconfig, text).unwrap();
    let ran = stateward(&["why", "web", "--kubeconfig", kubeconfig.to_str().unwrap()]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.err.contains("the cluster does not answer"),
        "{}",
        ran.err
    );
}

#[test]
fn the_definitions_are_printed_as_yaml() {
    let ran = stateward(&["crd"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    for name in ["statefulapps.stateward.dev", "plugins.stateward.dev"] {
        assert!(ran.out.contains(name), "{}", ran.out);
    }
}

#[test]
fn arguments_of_a_task_that_are_too_long_are_refused_before_anything_is_asked() {
    let ran = stateward(&["do", "mariadb", "restore", "--arguments", &"a".repeat(1025)]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    for words in ["1025 bytes in JSON, 1024 are allowed", "ConfigMap"] {
        assert!(ran.err.contains(words), "{}", ran.err);
    }
}
