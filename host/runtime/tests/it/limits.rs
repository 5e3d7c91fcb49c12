//! Every limit has an attack that tries to break it. After each the next call works.

use std::time::Duration;

use stateward_runtime::{CallFault, Grants, Level, Limits, Outcome};

use crate::double::{Double, Member};
use crate::fixture::{act, asked, ended, granted, runtime, snapshot, told};

fn tight() -> Limits {
    Limits {
        wall: Duration::from_secs(20),
        cpu: Duration::from_millis(100),
        ..Limits::default()
    }
}

#[tokio::test]
async fn a_guest_that_spins_is_stopped_and_the_executor_stays_free() {
    let plugin = granted(asked(), tight()).await;
    let effects = Double::new();
    // One thread: the other call answers while this one spins, or not at all.
    let (error, other) = tokio::join!(
        ended(&plugin, "spin", &effects),
        act(&plugin, "done", &effects)
    );
    assert_eq!(error.reason(), "PluginTimeout");
    assert!(error.blames_plugin());
    assert_eq!(other.unwrap().outcome, Outcome::Done);
}

#[tokio::test]
async fn a_guest_that_eats_memory_is_denied_it() {
    let limits = Limits {
        memory: 4 << 20,
        ..Limits::default()
    };
    let plugin = granted(asked(), limits).await;
    let error = ended(&plugin, "eat", &Double::new()).await;
    assert_eq!(error.why, CallFault::OutOfMemory { limit: 4 << 20 });
    assert_eq!(error.reason(), "PluginOutOfMemory");
}

#[tokio::test]
async fn recursion_ends_at_the_end_of_the_stack() {
    let plugin = granted(asked(), Limits::default()).await;
    let effects = Double::new();
    let error = ended(&plugin, "recurse", &effects).await;
    assert_eq!(error.reason(), "PluginStackOverflow");
    let error = ended(&plugin, "recurse-in-memory", &effects).await;
    assert_eq!(error.reason(), "PluginTrapped");
    assert!(error.to_string().contains("recursion"), "{error}");
}

#[tokio::test]
async fn a_panic_is_told_in_its_own_words() {
    let plugin = granted(asked(), Limits::default()).await;
    let effects = Double::new();
    let error = ended(&plugin, "panic", &effects).await;
    assert_eq!(error.reason(), "PluginPanicked");
    let text = error.to_string();
    assert!(text.contains("the tablecloth burns"), "{text}");
    assert!(text.contains("deeds.rs"), "{text}");
    assert!(
        text.contains("hostile") && text.contains("post-ready"),
        "{text}"
    );
    // An SDK's panic hook uses the log.
    let error = ended(&plugin, "panic-quietly", &effects).await;
    assert_eq!(error.reason(), "PluginPanicked");
    assert!(error.to_string().contains("the napkin burns"), "{error}");
}

#[tokio::test]
async fn other_traps_and_exits_are_told_apart() {
    let plugin = granted(asked(), Limits::default()).await;
    let effects = Double::new();
    let error = ended(&plugin, "exit", &effects).await;
    assert_eq!(error.reason(), "PluginTrapped");
    assert!(error.to_string().contains("exit"), "{error}");
    let error = ended(&plugin, "divide", &effects).await;
    // Rust checks before the machine does.
    assert_eq!(error.reason(), "PluginPanicked");
}

#[tokio::test]
async fn a_storm_of_host_calls_is_stopped() {
    let plugin = granted(asked(), Limits::default()).await;
    let error = ended(&plugin, "storm", &Double::new()).await;
    assert_eq!(error.reason(), "PluginHostcallLimit");
    assert!(error.to_string().contains("10000"), "{error}");
}

#[tokio::test]
async fn too_much_in_one_host_call_or_in_an_answer_is_not_taken() {
    let plugin = granted(asked(), Limits::default()).await;
    let effects = Double::new();
    let error = ended(&plugin, "big-argument", &effects).await;
    assert_eq!(error.reason(), "PluginHostcallLimit");
    let error = ended(&plugin, "big-answer", &effects).await;
    assert_eq!(error.reason(), "PluginOutputTooLarge");
    let error = ended(&plugin, "long-checkpoint", &effects).await;
    assert_eq!(error.reason(), "PluginOutputTooLarge");
    assert!(error.to_string().contains("checkpoint of 5000"), "{error}");
    let error = plugin
        .validate(snapshot("many-findings"), None)
        .await
        .unwrap_err();
    assert_eq!(error.reason(), "PluginOutputTooLarge");
}

#[tokio::test]
async fn a_flood_of_log_lines_is_cut_and_said_so() {
    let plugin = granted(asked(), Limits::default()).await;
    let effects = Double::new();
    let answer = act(&plugin, "flood-log:1000", &effects).await.unwrap();
    assert_eq!(answer.usage.log_lines, 1000);
    let log = effects.log();
    assert_eq!(log.len(), 201);
    let (level, text) = log.last().unwrap();
    assert_eq!(*level, Level::Warn);
    assert!(text.contains("dropped"), "{text}");

    // Standard output is thrown away but for its last words.
    let effects = Double::new();
    let answer = act(&plugin, "flood-stderr:2000", &effects).await.unwrap();
    assert_eq!(answer.outcome, Outcome::Done);
    assert!(effects.log().is_empty());

    act(&plugin, "dirty-log", &effects).await.unwrap();
    assert_eq!(effects.log()[0].1, "a [2Jb c d");
}

#[tokio::test]
async fn waiting_in_small_steps_ends_with_the_call() {
    let limits = Limits {
        wall: Duration::from_millis(300),
        ..Limits::default()
    };
    let plugin = granted(asked(), limits).await;
    let effects = Double::with(Member::Silent);
    let error = ended(&plugin, "drip", &effects).await;
    assert_eq!(error.reason(), "PluginDeadline");
    // One long wait is clipped to what is left of the call, and the call ends with it.
    let error = ended(&plugin, "patience:3600000", &effects).await;
    assert_eq!(error.reason(), "PluginDeadline");
    let read = told(&plugin, "patience:20", &effects).await;
    assert_eq!(read, "Err(Failure::Timeout)");
    let hanging = Double::with(Member::Hangs);
    let error = ended(&plugin, "dial:mysql,pod-0", &hanging).await;
    assert_eq!(error.reason(), "PluginDeadline");
}

#[tokio::test]
async fn waiting_for_members_is_not_computing() {
    let limits = Limits {
        cpu: Duration::from_millis(200),
        ..Limits::default()
    };
    let plugin = granted(asked(), limits).await;
    let effects = Double::with(Member::Silent);
    let answer = act(&plugin, "patience:400", &effects).await.unwrap();
    let usage = answer.usage;
    assert!(usage.wall >= Duration::from_millis(400), "{usage:?}");
    assert!(usage.cpu < Duration::from_millis(200), "{usage:?}");
}

#[tokio::test]
async fn connections_and_bytes_are_counted() {
    let plugin = granted(asked(), Limits::default()).await;
    let effects = Double::with(Member::Swallows);
    let text = told(&plugin, "handles:100", &effects).await;
    assert!(text.starts_with("64 open"), "{text}");
    let usage = act(&plugin, "handles:7", &effects).await.unwrap().usage;
    assert_eq!((usage.connections, usage.connections_peak), (7, 7));
    assert_eq!(usage.handles_peak, 7);
    assert!(text.contains("64 open connections per call"), "{text}");
    let text = told(&plugin, "guzzle", &effects).await;
    assert!(
        text.contains("Budget") && text.contains("16777216"),
        "{text}"
    );
}

#[tokio::test]
async fn random_bytes_are_given_in_full_or_not_at_all() {
    let plugin = granted(asked(), Limits::default()).await;
    let effects = Double::new();
    assert_eq!(told(&plugin, "random:4096", &effects).await, "4096");
    let error = ended(&plugin, "random:4097", &effects).await;
    assert_eq!(error.reason(), "PluginHostcallLimit");
}

#[tokio::test]
async fn events_state_and_output_of_programs_are_bounded() {
    let grants = Grants {
        events: true,
        state: true,
        exec: vec![stateward_runtime::ExecGrant {
            container: "db".to_owned(),
            argv: vec!["cat".to_owned()],
        }],
        ..asked()
    };
    let plugin = granted(grants, Limits::default()).await;
    let effects = Double::new();
    let text = told(&plugin, "events:20", &effects).await;
    assert!(text.contains("16 events per call"), "{text}");
    assert_eq!(effects.events.lock().unwrap().len(), 16);
    let text = told(&plugin, "event-reason:not camel", &effects).await;
    assert!(text.contains("CamelCase"), "{text}");
    let text = told(&plugin, "put-many:20", &effects).await;
    assert!(text.contains("16 keys of state per app"), "{text}");
    assert_eq!(effects.state.lock().unwrap().len(), 15);
    let text = told(&plugin, "put-long", &effects).await;
    assert!(text.contains("1024 bytes per value"), "{text}");
    let text = told(&plugin, "put-badly", &effects).await;
    assert!(text.contains("key"), "{text}");
    let chatty = std::sync::Arc::new(Double {
        output: 1 << 20,
        ..Double::default()
    });
    let text = told(&plugin, "exec:db cat", &chatty).await;
    assert_eq!(text, "3 262144 bytes, truncated true");
}

#[tokio::test]
async fn one_call_asks_for_so_many_things_and_no_more() {
    let grants = Grants {
        requests: true,
        discard_volumes: true,
        ..asked()
    };
    let plugin = granted(grants, Limits::default()).await;
    for deed in ["quarantine", "delete-pod", "discard"] {
        let effects = Double::new();
        let answer = act(&plugin, &format!("{deed}:16"), &effects).await.unwrap();
        assert_eq!(answer.requests.len(), 16, "{deed}");
        let answer = act(&plugin, &format!("{deed}:17"), &effects).await.unwrap();
        let told = format!("{:?}", answer.outcome);
        assert!(told.contains("16 requests per call"), "{deed}: {told}");
        assert_eq!(answer.requests.len(), 16, "{deed}");
        assert_eq!(answer.usage.requests, 16, "{deed}");
    }
}

#[tokio::test]
async fn more_handles_than_there_is_room_for_end_the_call() {
    let limits = Limits {
        connections: 10_000,
        ..Limits::default()
    };
    let plugin = granted(asked(), limits).await;
    let effects = Double::with(Member::Swallows);
    let text = told(&plugin, "handles:400", &effects).await;
    assert!(text.starts_with("400 open"), "{text}");
    let error = ended(&plugin, "handles:501", &effects).await;
    assert_eq!(error.reason(), "PluginHostcallLimit");
    assert!(
        error.to_string().contains("more than 500 open handles"),
        "{error}"
    );
    assert_eq!(error.usage.handles_peak, 500, "what ended is metered too");
}

#[tokio::test]
async fn more_calls_than_sandboxes_wait_for_their_turn() {
    let plugin = granted(asked(), Limits::default()).await;
    let effects = Double::new();
    let calls = (0..200).map(|_| act(&plugin, "done", &effects));
    for answer in futures::future::join_all(calls).await {
        assert_eq!(answer.unwrap().outcome, Outcome::Done);
    }
    // The same engine still loads.
    let again = runtime().load(crate::fixture::component("hostile"), None);
    assert!(again.await.is_ok());
}
