//! Every hook gets what the contract says and its answer comes back.

use std::collections::BTreeMap;
use std::time::Duration;

use stateward_runtime::{
    Act, App, Call, Cause, Fault, Grants, Hook, Limits, MoveCause, Outcome, Request,
};

use crate::double::Double;
use crate::fixture::{act, asked, granted, snapshot, told};

#[tokio::test]
async fn arguments_arrive_whole_and_in_their_order() {
    let plugin = granted(asked(), Limits::default()).await;
    let effects = Double::new();
    let call = Call {
        id: "post-ready pod-0 0".to_owned(),
        attempt: 2,
        checkpoint: Some(vec![9]),
        cancelling: true,
        deadline_ms: Some(77),
        extra: vec![("k".to_owned(), "v".to_owned())],
    };
    let answer = |act| plugin.act(act, call.clone(), snapshot("echo"), effects.clone());
    let text = |outcome| match outcome {
        Outcome::Refuse(text) => text,
        other => panic!("{other:?}"),
    };

    let seen = text(answer(Act::PostReady { ordinal: 2 }).await.unwrap().outcome);
    for part in [
        "post-ready pod-0 0",
        "attempt: 2",
        "checkpoint: Some([9])",
        "cancelling: true",
        "deadline-ms: Some(77)",
        "(\"k\", \"v\")",
        "now-ms: 1700000000000",
        "epoch: 3",
        "pod: Some(\"pod-2\")",
        "Standing::Ready",
    ] {
        assert!(seen.contains(part), "{part} in {seen}");
    }

    let leave = Act::PreDelete {
        ordinal: 1,
        cause: Cause::ScaleIn,
    };
    let seen = text(answer(leave).await.unwrap().outcome);
    assert_eq!(seen, "1 Cause::ScaleIn");

    let switch = Act::MoveRole {
        role: "primary".to_owned(),
        cause: MoveCause::Other("later".to_owned()),
        target: Some(1),
    };
    let seen = text(answer(switch).await.unwrap().outcome);
    assert_eq!(seen, "primary 3 MoveCause::Other(\"later\") Some(1)");
}

#[tokio::test]
async fn outcomes_come_back_cleaned_and_within_bounds() {
    let plugin = granted(asked(), Limits::default()).await;
    let effects = Double::new();
    let outcome = async |deed| act(&plugin, deed, &effects).await.unwrap().outcome;
    assert_eq!(outcome("done").await, Outcome::Done);
    assert_eq!(
        outcome("retry:later").await,
        Outcome::Retry("later".to_owned())
    );
    assert_eq!(
        outcome("fatal:never").await,
        Outcome::Fatal("never".to_owned())
    );
    let Outcome::InProgress(progress) = outcome("dirty-message").await else {
        panic!("in progress");
    };
    assert_eq!(progress.message, "a [2Jb c");
    assert_eq!(progress.percent, Some(100));
    assert_eq!(progress.checkpoint, [1]);
    let Outcome::InProgress(progress) = outcome("long-message").await else {
        panic!("in progress");
    };
    assert!(progress.message.len() <= 1024, "{}", progress.message.len());
    assert!(progress.message.ends_with('…'));
    let Outcome::Refuse(text) = outcome("no-message").await else {
        panic!("refused");
    };
    assert!(text.contains("no reason"), "{text}");
}

#[tokio::test]
async fn validate_and_member_config_are_asked_on_the_snapshot() {
    let plugin = granted(asked(), Limits::default()).await;
    let findings = plugin
        .validate(snapshot("view:pod-0"), None)
        .await
        .unwrap()
        .answer;
    assert_eq!(findings.len(), 1);
    assert!(findings[0].text.contains("[0, 1]"), "{findings:?}");
    assert!(!findings[0].blocks);
    let old = Some(App::default());
    let findings = plugin.validate(snapshot("done"), old).await.unwrap().answer;
    assert!(findings[0].blocks);

    let config = plugin
        .member_config(snapshot("done"), 2)
        .await
        .unwrap()
        .answer;
    let expected = BTreeMap::from([("server-id".to_owned(), "102".to_owned())]);
    assert_eq!(config, expected);
}

#[tokio::test]
async fn a_config_that_cannot_be_kept_is_an_error() {
    let plugin = granted(asked(), Limits::default()).await;
    let reason = async |deed| {
        let config = plugin.member_config(snapshot(deed), 0).await;
        config.unwrap_err().reason()
    };
    assert_eq!(reason("bad-key").await, "PluginInvalidAnswer");
    assert_eq!(reason("twice").await, "PluginInvalidAnswer");
    assert_eq!(reason("too-much").await, "PluginOutputTooLarge");
}

#[tokio::test]
async fn a_probe_reports_role_health_and_figures() {
    let plugin = granted(asked(), Limits::default()).await;
    let effects = Double::new();
    let probe = async |deed| plugin.probe(snapshot(deed), 1, effects.clone()).await;
    let probed = probe("tcp:mysql").await.unwrap();
    let report = probed.result.unwrap();
    assert!(report.healthy);
    assert_eq!(report.figures[0].value, 1.5);
    assert!(report.role.unwrap().contains("pong"));
    assert_eq!(probed.usage.connections, 1);
    let failed = probe("retry:no answer").await.unwrap();
    assert_eq!(failed.result, Err(Fault::Retry("no answer".to_owned())));
    let reason = async |deed| probe(deed).await.unwrap_err().reason();
    assert_eq!(reason("long-note").await, "PluginOutputTooLarge");
    assert_eq!(reason("bad-figure").await, "PluginInvalidAnswer");
}

#[tokio::test]
async fn the_view_shows_the_snapshot_and_what_is_known_of_deaths() {
    let plugin = granted(asked(), Limits::default()).await;
    let effects = Double::new();
    let seen = told(&plugin, "view:pod-9", &effects).await;
    assert_eq!(seen, "[0, 1] [2] [] false Death::NodeFenced");
    let seen = told(&plugin, "view:pod-0", &effects).await;
    assert!(seen.ends_with("Death::Alive"), "{seen}");
    let seen = told(&plugin, "view:unknown", &effects).await;
    assert!(seen.ends_with("Death::ObjectGone"), "{seen}");
}

#[tokio::test]
async fn a_role_is_claimed_with_the_outcome_or_not_at_all() {
    let grants = Grants {
        requests: true,
        ..asked()
    };
    let plugin = granted(grants, Limits::default()).await;
    let effects = Double::new();
    let answer = act(&plugin, "claim", &effects).await.unwrap();
    let Outcome::InProgress(progress) = answer.outcome else {
        panic!("in progress");
    };
    // A foreign pod, an epoch that never was, the right one, and the same again.
    assert_eq!(
        progress.message,
        "(Err(Failure::Replaced), Err(Failure::Conflict), Ok(()), Err(Failure::Conflict))"
    );
    let claim = Request::ClaimRole {
        role: "primary".to_owned(),
        pod: "pod-0".to_owned(),
        after_epoch: 0,
    };
    assert_eq!(answer.requests, [claim]);

    // A failed call asks for nothing.
    let answer = act(&plugin, "claim-and-fail", &effects).await.unwrap();
    assert_eq!(answer.outcome, Outcome::Retry("Ok(())".to_owned()));
    assert_eq!(answer.requests, []);

    // A role that is not exclusive cannot be claimed.
    let answer = act(&plugin, "claim:witness", &effects).await.unwrap();
    assert_eq!(answer.requests, []);

    let answer = act(&plugin, "release:3", &effects).await.unwrap();
    let release = Request::ReleaseRole {
        role: "primary".to_owned(),
        after_epoch: 3,
    };
    assert_eq!(answer.requests, [release]);
    let answer = act(&plugin, "release:2", &effects).await.unwrap();
    assert_eq!(answer.requests, []);
}

#[tokio::test]
async fn what_the_snapshot_lacks_is_the_callers_mistake() {
    let plugin = granted(asked(), Limits::default()).await;
    let effects = Double::new();
    let move_role = Act::MoveRole {
        role: "none".to_owned(),
        cause: MoveCause::Planned,
        target: None,
    };
    for act in [Act::PostReady { ordinal: 77 }, move_role] {
        let call = Call::default();
        let error = plugin
            .act(act, call, snapshot("done"), effects.clone())
            .await
            .unwrap_err();
        assert_eq!(error.reason(), "NotInSnapshot");
        assert!(!error.blames_plugin());
    }
}

#[tokio::test]
async fn the_same_call_gets_the_same_hash_seeds_and_the_clock_of_its_snapshot() {
    let plugin = granted(asked(), Limits::default()).await;
    let effects = Double::new();
    let first = told(&plugin, "hash", &effects).await;
    assert_eq!(told(&plugin, "hash", &effects).await, first);
    let call = Call {
        id: "call-2".to_owned(),
        ..Call::default()
    };
    let other = plugin
        .act(Act::PreScale, call, snapshot("hash"), effects.clone())
        .await;
    assert_ne!(other.unwrap().outcome, Outcome::Refuse(first));
    let since: u64 = told(&plugin, "clock", &effects).await.parse().unwrap();
    assert!(Duration::from_millis(since) < Limits::default().wall);
}

#[tokio::test]
async fn usage_counts_what_was_used() {
    let plugin = granted(asked(), Limits::default()).await;
    let effects = Double::new();
    let usage = act(&plugin, "tcp:mysql", &effects).await.unwrap().usage;
    assert_eq!(usage.connections, 1);
    assert_eq!(usage.bytes, 8);
    assert!(usage.host_calls >= 4, "{usage:?}");
    assert!(usage.memory_peak > 64 << 10, "{usage:?}");
    let usage = act(&plugin, "flood-log:3", &effects).await.unwrap().usage;
    assert_eq!(usage.log_lines, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_run_as_tasks_beside_each_other() {
    let plugin = granted(asked(), Limits::default()).await;
    let calls = (0..20).map(|_| {
        let plugin = plugin.clone();
        tokio::spawn(async move {
            let effects = Double::new();
            let probed = plugin.probe(snapshot("tcp:mysql"), 0, effects.clone());
            let acted = plugin.act(
                Act::PreScale,
                Call::default(),
                snapshot("done"),
                effects.clone(),
            );
            let (probed, acted) = tokio::join!(probed, acted);
            assert!(probed.unwrap().result.unwrap().healthy);
            assert_eq!(acted.unwrap().outcome, Outcome::Done);
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
}

#[test]
fn hooks_have_the_names_of_the_contract() {
    for hook in Hook::ALL {
        assert_eq!(Hook::named(hook.name()), Some(hook));
        let json = serde_json::to_string(&hook).unwrap();
        assert_eq!(json, format!("\"{hook}\""));
    }
}
