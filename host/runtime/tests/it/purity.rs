//! What a hook's kind forbids ends the call, whatever was granted.

use stateward_runtime::{CallFault, ExecGrant, Grants, Limits, SecretsGrant, TcpGrant};

use crate::double::Double;
use crate::fixture::{granted, snapshot};

fn everything() -> Grants {
    Grants {
        tcp: TcpGrant {
            ports: vec!["mysql".to_owned()],
        },
        exec: vec![ExecGrant {
            container: "db".to_owned(),
            argv: vec!["*".to_owned(), "**".to_owned()],
        }],
        secrets: SecretsGrant {
            slots: vec!["root".to_owned()],
            ..SecretsGrant::default()
        },
        state: true,
        requests: true,
        discard_volumes: true,
        events: true,
        ..Grants::default()
    }
}

fn impure(interface: &str, function: &str) -> CallFault {
    CallFault::Impure {
        interface: interface.to_owned(),
        function: function.to_owned(),
    }
}

#[tokio::test]
async fn a_decide_hook_reads_the_snapshot_and_nothing_else() {
    let plugin = granted(everything(), Limits::default()).await;
    let cases = [
        ("dial:mysql,pod-0", "tcp", "connect"),
        ("exec:db cat", "exec", "run"),
        ("secret:root", "secret", "read"),
        ("put:x", "state", "put"),
        ("events:1", "events", "emit"),
        ("random:8", "random", "bytes"),
        ("claim", "requests", "claim-role"),
        ("release:3", "requests", "release-role"),
        ("delete-pod", "requests", "delete-pod"),
        ("discard", "requests", "discard-volumes"),
        ("quarantine", "requests", "quarantine"),
        ("http:GET /state", "http", "send"),
        ("config:mode", "config", "read"),
        ("metric:set depth 1", "metrics", "set"),
    ];
    for (deed, interface, function) in cases {
        // `view.get` comes first in some of them: reading is allowed.
        let error = plugin.validate(snapshot(deed), None).await.unwrap_err();
        assert_eq!(error.why, impure(interface, function), "{deed}");
        assert_eq!(error.reason(), "PluginImpure");
    }
    let findings = plugin
        .validate(snapshot("get:known"), None)
        .await
        .unwrap()
        .answer;
    assert!(findings[0].text.contains("version: 4"), "{findings:?}");
    // Its clock stands still at the snapshot.
    let findings = plugin
        .validate(snapshot("clock"), None)
        .await
        .unwrap()
        .answer;
    assert_eq!(findings[0].text, "0");
}

#[tokio::test]
async fn a_probe_observes_and_changes_nothing() {
    let plugin = granted(everything(), Limits::default()).await;
    let effects = Double::new();
    for (deed, interface, function) in [
        ("put:x", "state", "put"),
        ("claim", "requests", "claim-role"),
        ("release:3", "requests", "release-role"),
        ("delete-pod", "requests", "delete-pod"),
        ("discard", "requests", "discard-volumes"),
        ("quarantine", "requests", "quarantine"),
    ] {
        let probed = plugin.probe(snapshot(deed), 0, effects.clone()).await;
        assert_eq!(
            probed.unwrap_err().why,
            impure(interface, function),
            "{deed}"
        );
    }
    for deed in ["tcp:mysql", "exec:db cat", "secret:root", "random:8"] {
        let probed = plugin.probe(snapshot(deed), 0, effects.clone()).await;
        assert!(probed.is_ok(), "{deed}: {probed:?}");
    }
}
