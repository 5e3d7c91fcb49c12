//! Built components, one shared runtime, and a small application for snapshots.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use stateward_runtime::{
    Act, Answer, App, Call, CallError, Claim, Death, Entry, Granted, Grants, Limits, Member,
    Options, Outcome, Plugin, Runtime, Snapshot, Standing, TcpGrant,
};
use tokio::sync::OnceCell;

use crate::double::Double;

/// The bytes of a component of `tests/hostile`: `hostile`, or one of its examples.
pub(crate) fn component(name: &str) -> Bytes {
    let file = match name {
        "hostile" => stateward_components::built(name),
        _ => stateward_components::example(name),
    };
    Bytes::from(std::fs::read(&file).unwrap_or_else(|err| panic!("{}: {err}", file.display())))
}

/// One runtime for all tests, with a cache that outlives the run: an unoptimized compiler takes a second per component.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        Runtime::new(Options {
            cache: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("runtime-cache")),
            concurrent_calls: 64,
            ..Options::default()
        })
        .expect("an engine")
    })
}

/// The plugin that misbehaves as it is told.
pub(crate) async fn hostile() -> Plugin {
    static HOSTILE: OnceCell<Plugin> = OnceCell::const_new();
    let load = || async {
        let loaded = runtime().load(component("hostile"), None).await;
        loaded.expect("the hostile plugin loads")
    };
    HOSTILE.get_or_init(load).await.clone()
}

/// What the hostile plugin asks for, and nothing else.
pub(crate) fn asked() -> Grants {
    Grants {
        tcp: TcpGrant {
            ports: vec!["mysql".to_owned()],
        },
        ..Grants::default()
    }
}

pub(crate) async fn granted(grants: Grants, limits: Limits) -> Granted {
    let granted = hostile().await.grant(grants, limits);
    granted.expect("the grants cover what it asks for")
}

/// Three members, the first holds the role `primary` under epoch 3 unless the deed is about claiming it.
pub(crate) fn snapshot(deed: &str) -> Snapshot {
    let member = |ordinal: u32| {
        Arc::new(Member {
            ordinal,
            pod: Some(format!("pod-{ordinal}")),
            address: Some(format!("127.0.0.{ordinal}")),
            standing: Standing::Ready,
            revision: "r1".to_owned(),
            extra: vec![("host".to_owned(), format!("db-{ordinal}.db"))],
            ..Member::default()
        })
    };
    let claim = Claim {
        role: "primary".to_owned(),
        ordinal: 0,
        pod: "pod-0".to_owned(),
        epoch: 3,
        ..Claim::default()
    };
    Snapshot {
        app: Arc::new(App {
            uid: "app-uid".to_owned(),
            namespace: "default".to_owned(),
            name: "db".to_owned(),
            now_ms: 1_700_000_000_000,
            generation: 1,
            current: 3,
            target: 3,
            claims: if deed.starts_with("claim") {
                vec![]
            } else {
                vec![claim]
            },
            settings: format!("{deed:?}"),
            ..App::default()
        }),
        members: (0..3).map(member).collect(),
        deaths: Arc::new(BTreeMap::from([("pod-9".to_owned(), Death::NodeFenced)])),
        state: Arc::new(BTreeMap::from([(
            "known".to_owned(),
            Entry {
                value: b"old".to_vec(),
                version: 4,
            },
        )])),
    }
}

/// Calls `post-ready` of the first member for this deed.
pub(crate) async fn act(
    granted: &Granted,
    deed: &str,
    effects: &Arc<Double>,
) -> Result<Answer, CallError> {
    let call = Call {
        id: "call-1".to_owned(),
        attempt: 1,
        ..Call::default()
    };
    let act = Act::PostReady { ordinal: 0 };
    granted
        .act(act, call, snapshot(deed), effects.clone())
        .await
}

/// What the deed found out.
pub(crate) async fn told(granted: &Granted, deed: &str, effects: &Arc<Double>) -> String {
    match act(granted, deed, effects).await {
        Ok(Answer {
            outcome: Outcome::Refuse(text),
            ..
        }) => text,
        other => panic!("{deed}: {other:?}"),
    }
}

/// How the deed's call ended, and that the next one works.
pub(crate) async fn ended(granted: &Granted, deed: &str, effects: &Arc<Double>) -> CallError {
    let error = match act(granted, deed, effects).await {
        Err(error) => error,
        Ok(answer) => panic!("{deed}: {answer:?}"),
    };
    let next = act(granted, "done", effects).await;
    let next = next.expect("another call is not harmed");
    assert_eq!(next.outcome, Outcome::Done);
    error
}

/// A figure, shown also where the output of tests that pass is not.
pub(crate) fn tell(line: std::fmt::Arguments<'_>) {
    let _closed = writeln!(std::io::stdout(), "{line}");
}
