//! An app that no operator looks at: the commands say so, and a wait ends with 3.

use crate::stateward::{Dev, web_as_app};

#[test]
fn without_an_operator_the_commands_say_who_is_missing() {
    let place = tempfile::tempdir().unwrap();
    let dev = Dev::start(&place.path().join("dev"), &["--no-operator"]);
    dev.create("statefulapps", &web_as_app());

    let why = dev.stateward(&["why", "web"]);
    assert_eq!(why.code, 0, "{}", why.err);
    assert!(
        why.out.contains("no operator has looked at it yet"),
        "{}",
        why.out
    );
    assert!(why.out.contains("stateward run"), "{}", why.out);

    let status = dev.stateward(&["rollout", "status", "web", "--timeout", "1s"]);
    assert_eq!(status.code, 3, "{}", status.err);
    assert!(
        status.out.contains("waiting for the operator"),
        "{}",
        status.out
    );

    let switchover = dev.stateward(&["switchover", "web"]);
    assert_eq!(switchover.code, 1);
    assert!(switchover.err.contains("has no role"), "{}", switchover.err);

    let nobody = dev.stateward(&["why", "nobody"]);
    assert_eq!(nobody.code, 1);
    assert!(
        nobody
            .err
            .contains("no StatefulApp or StatefulSet nobody in namespace default"),
        "{}",
        nobody.err
    );
}
