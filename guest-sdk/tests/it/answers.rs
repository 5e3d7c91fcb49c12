//! What authors write becomes what the host reads.

use serde::{Deserialize, Serialize};
use serde_json::json;
use stateward_sdk::prelude::*;
use stateward_sdk::{CHECKPOINT_MAX, Hook, Plugin};

use crate::ring::Ring;

#[test]
fn a_failed_host_call_means_try_again() {
    let step = || -> Step {
        Err(Failure::Denied("tcp needs a grant".to_owned()))?;
        done()
    };
    let expected = "not granted: tcp needs a grant".to_owned();
    assert_eq!(step(), Err(Fault::Retry(expected)));
}

#[test]
fn progress_is_paced_and_other_answers_are_left_as_they_are() {
    let Ok(Outcome::InProgress(progress)) = again("copies").after(millis(250)).percent(130) else {
        panic!("not in progress");
    };
    assert_eq!(progress.message, "copies");
    assert_eq!(progress.again_after, millis(250));
    assert_eq!(progress.percent, Some(100));
    assert_eq!(done().after(secs(5)).percent(1), done());
    assert_eq!(refuse("no").checkpoint(&1), refuse("no"));
}

#[test]
fn a_checkpoint_comes_back_as_what_it_was() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Copied {
        bytes: u64,
    }
    let Ok(Outcome::InProgress(progress)) = again("copies").checkpoint(&Copied { bytes: 7 }) else {
        panic!("not in progress");
    };
    let mut call = Call {
        checkpoint: Some(progress.checkpoint),
        ..Call::default()
    };
    assert_eq!(call.checkpoint::<Copied>(), Ok(Some(Copied { bytes: 7 })));

    call.checkpoint = Some(Vec::new());
    assert_eq!(call.checkpoint::<Copied>(), Ok(None));
    call.checkpoint = Some(b"{}".to_vec());
    assert!(matches!(call.checkpoint::<Copied>(), Err(Fault::Fatal(_))));

    let too_long = "x".repeat(CHECKPOINT_MAX);
    assert!(matches!(
        again("").checkpoint(&too_long),
        Err(Fault::Fatal(_))
    ));
}

#[test]
fn settings_are_an_object_and_may_be_left_out() {
    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Settings {
        lag: u32,
    }
    let read = |settings: &str| {
        let settings = settings.to_owned();
        App {
            settings,
            ..App::default()
        }
        .settings::<Settings>()
    };
    assert_eq!(read(""), Ok(Settings { lag: 0 }));
    assert_eq!(read("null"), Ok(Settings { lag: 0 }));
    assert_eq!(read(r#"{"lag": 3}"#), Ok(Settings { lag: 3 }));
    assert!(
        read("[3]")
            .unwrap_err()
            .to_string()
            .contains("must be an object")
    );
    assert!(
        read(r#"{"lagg": 3}"#)
            .unwrap_err()
            .to_string()
            .contains("unknown field `lagg`")
    );
}

#[test]
fn an_app_knows_its_range() {
    let app = App {
        name: "db".to_owned(),
        start: 5,
        target: 2,
        ..App::default()
    };
    assert_eq!(
        [4, 5, 6, 7].map(|n| app.wants(n)),
        [false, true, true, false]
    );
    assert_eq!(app.pod_name(6), "db-6");
}

#[test]
fn a_manifest_is_read_by_the_host_as_documented() {
    let manifest = Manifest::new("db", "1.2.3")
        .tcp("sql", "speak")
        .exec("db", ["dbctl", "*", "**"], "ask")
        .secret("root", "log in")
        .state("remember")
        .requests("claim")
        .events("tell")
        .role(Role::exclusive("primary").movable())
        .role(Role::shared("reader"))
        .post_ready_overlaps()
        .pre_scale_overlaps()
        .settings(json!({"type": "object"}));
    let read: serde_json::Value = serde_json::from_str(&manifest.to_json()).unwrap();
    let expected = json!({
        "name": "db", "version": "1.2.3", "sdk": stateward_sdk::VERSION,
        "asks": {
            "tcp": [{"port": "sql", "why": "speak"}],
            "exec": [{"container": "db", "argv": ["dbctl", "*", "**"], "why": "ask"}],
            "secrets": [{"slot": "root", "why": "log in"}],
            "state": {"why": "remember"},
            "requests": {"why": "claim"},
            "events": {"why": "tell"},
        },
        "roles": [
            {"name": "primary", "exclusive": true, "movable": true},
            {"name": "reader", "exclusive": false, "movable": false},
        ],
        "lanes": {"post-ready-overlaps": true, "pre-scale-overlaps": true},
        "settings": {"type": "object"},
    });
    assert_eq!(read, expected);
}

#[test]
fn a_plugin_has_the_hooks_that_were_written() {
    assert_eq!(Ring.hooks(), [Hook::PreDelete]);
    let host = stateward_sdk::testing::MockHost::new(Ring, "ring", 1);
    assert_eq!(Ring.on_pre_scale(&Scaling::default(), &host), None);
}
