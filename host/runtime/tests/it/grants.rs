//! Deny by default: what is not granted is denied with the name of the grant, before anything is reached.

use stateward_runtime::{ExecGrant, Grants, Limits, SecretsGrant};

use crate::double::Double;
use crate::fixture::{act, asked, granted, hostile, told};

#[tokio::test]
async fn asking_for_more_than_is_given_needs_consent() {
    let error = hostile()
        .await
        .grant(Grants::default(), Limits::default())
        .unwrap_err();
    assert_eq!(error.reason(), "NeedsConsent");
    assert_eq!(error.missing.len(), 1);
    let text = error.to_string();
    assert!(text.contains("hostile"), "{text}");
    assert!(
        text.contains("tcp.ports: [\"mysql\"] (to talk to members)"),
        "{text}"
    );
}

#[tokio::test]
async fn a_denial_names_the_grant_and_reaches_nothing() {
    let plugin = granted(asked(), Limits::default()).await;
    let effects = Double::new();
    for (deed, grant) in [
        ("tcp:3306", "tcp.ports: [\\\"3306\\\"]"),
        (
            "exec:db rm -rf /",
            "exec: [{container: \\\"db\\\", argv: [\\\"rm\\\", \\\"-rf\\\", \\\"/\\\"]}]",
        ),
        ("put:x", "state: true"),
        ("events:1", "events: true"),
    ] {
        let text = told(&plugin, deed, &effects).await;
        assert!(text.contains("Denied"), "{deed}: {text}");
        assert!(text.contains(grant), "{deed}: {text}");
    }
    let answer = act(&plugin, "secret:root", &effects).await.unwrap();
    let text = format!("{:?}", answer.outcome);
    assert!(text.contains("secrets.slots"), "{text}");
    let answer = act(&plugin, "claim", &effects).await.unwrap();
    assert!(format!("{:?}", answer.outcome).contains("requests: true"));
    assert_eq!(answer.requests, []);

    assert!(effects.dialed.lock().unwrap().is_empty());
    assert!(effects.ran.lock().unwrap().is_empty());
    assert!(effects.state.lock().unwrap().is_empty());
    assert!(effects.events.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_member_and_its_data_are_done_away_with_only_under_the_grants_for_it() {
    let nothing = granted(asked(), Limits::default()).await;
    let requests = Grants {
        requests: true,
        ..asked()
    };
    let requests = granted(requests, Limits::default()).await;
    let discards = Grants {
        discard_volumes: true,
        ..asked()
    };
    let discards = granted(discards, Limits::default()).await;
    // Where grants are only counted, data is not discarded all the same.
    let counted = hostile().await.count(Grants::default(), Limits::default());
    let cases = [
        (&nothing, "delete-pod", Some("requests: true")),
        (&nothing, "quarantine", Some("requests: true")),
        (&nothing, "discard", Some("discardVolumes: true")),
        (&requests, "delete-pod", None),
        (&requests, "quarantine", None),
        (&requests, "discard", Some("discardVolumes: true")),
        (&discards, "delete-pod", Some("requests: true")),
        (&discards, "quarantine", Some("requests: true")),
        (&discards, "discard", None),
        (&counted, "delete-pod", None),
        (&counted, "quarantine", None),
        (&counted, "discard", Some("discardVolumes: true")),
    ];
    for (plugin, deed, lacks) in cases {
        let effects = Double::new();
        let answer = act(plugin, deed, &effects).await.unwrap();
        let told = format!("{:?}", answer.outcome);
        let refused = effects.refused.lock().unwrap().clone();
        let Some(grant) = lacks else {
            assert_eq!(answer.requests.len(), 1, "{deed}: {told}");
            continue;
        };
        assert!(
            told.contains("Denied") && told.contains(grant),
            "{deed}: {told}"
        );
        assert_eq!(answer.requests, [], "{deed}");
        assert_eq!(refused, [(grant.to_owned(), false)], "{deed}");
    }
}

#[tokio::test]
async fn only_members_of_the_own_app_are_reached() {
    let plugin = granted(asked(), Limits::default()).await;
    let effects = Double::new();
    let text = told(&plugin, "dial:mysql,pod-0,somebody-else,pod-2", &effects).await;
    assert_eq!(text, "[Ok(\"open\"), Err(Failure::Replaced), Ok(\"open\")]");
    let dialed = effects.dialed.lock().unwrap().clone();
    assert_eq!(dialed, ["pod-0 mysql", "pod-2 mysql"]);
}

#[tokio::test]
async fn a_program_is_granted_by_container_and_pattern() {
    let grants = Grants {
        exec: vec![
            ExecGrant {
                container: "db".to_owned(),
                argv: vec!["mariadb".to_owned(), "--version".to_owned()],
            },
            ExecGrant {
                container: "first".to_owned(),
                argv: vec!["echo".to_owned(), "**".to_owned()],
            },
        ],
        ..asked()
    };
    let plugin = granted(grants, Limits::default()).await;
    let effects = Double::new();
    assert_eq!(
        told(&plugin, "exec:db mariadb --version", &effects).await,
        "3 0 bytes, truncated false"
    );
    for line in [
        "db mariadb --version -e x",
        "other mariadb --version",
        "db mariadb",
        "db echo",
    ] {
        let text = told(&plugin, &format!("exec:{line}"), &effects).await;
        assert!(text.contains("Denied"), "{line}: {text}");
    }
    // No container named: the pod's first one, and its grant.
    assert_eq!(
        told(&plugin, "exec:- echo a b", &effects).await,
        "3 0 bytes, truncated false"
    );
    let ran = effects.ran.lock().unwrap().clone();
    assert_eq!(ran.len(), 2);
    assert_eq!(ran[1].container, "first");
    assert_eq!(ran[1].argv, ["echo", "a", "b"]);
    assert_eq!(ran[1].stdin, b"in");
}

#[tokio::test]
async fn state_is_written_by_compare_and_set_and_read_back_at_once() {
    let grants = Grants {
        state: true,
        ..asked()
    };
    let plugin = granted(grants, Limits::default()).await;
    let effects = Double::new();
    let text = told(&plugin, "put:hello", &effects).await;
    assert!(text.starts_with("Ok(1) Some(Entry"), "{text}");
    assert!(text.contains("version: 1"), "{text}");
    // Written since: the snapshot does not know, the effect does.
    let text = told(&plugin, "put:hello", &effects).await;
    assert_eq!(text, "Err(Failure::Conflict) None");
    let text = told(&plugin, "get:known", &effects).await;
    assert!(text.contains("version: 4"), "{text}");
}

#[tokio::test]
async fn a_slot_is_granted_by_name() {
    let grants = Grants {
        secrets: SecretsGrant {
            slots: vec!["root".to_owned(), "unbound".to_owned()],
            ..SecretsGrant::default()
        },
        ..asked()
    };
    let plugin = granted(grants, Limits::default()).await;
    let effects = Double::new();
    assert!(act(&plugin, "secret:root", &effects).await.is_ok());
    let text = format!("{:?}", act(&plugin, "secret:unbound", &effects).await);
    assert!(text.contains("slot unbound is not bound"), "{text}");
    let text = format!("{:?}", act(&plugin, "secret:other", &effects).await);
    assert!(text.contains("secrets.slots"), "{text}");
}
