//! Members reached by `http`, under TLS and through jobs; slots of ConfigMaps; metrics. What is not granted is denied by the name of its grant.

use std::sync::{Arc, OnceLock};

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use stateward_runtime::{
    ConfigGrant, ExecGrant, Grants, HttpGrant, Level, Limits, SecretsGrant, TlsGrant,
};
use tokio_rustls::TlsAcceptor;

use crate::double::{Double, Member};
use crate::fixture::{act, asked, granted, hostile, snapshot, told};

fn certified() -> &'static CertifiedKey<KeyPair> {
    static CERTIFIED: OnceLock<CertifiedKey<KeyPair>> = OnceLock::new();
    CERTIFIED.get_or_init(|| generate_simple_self_signed(["db-0.db".to_owned()]).unwrap())
}

/// The certificate that vouches for the members, PEM.
pub(crate) fn authority() -> String {
    certified().cert.pem()
}

/// The members' end of TLS.
pub(crate) fn acceptor() -> TlsAcceptor {
    let key = PrivatePkcs8KeyDer::from(certified().signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified().cert.der().clone()], key.into())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

fn http() -> Grants {
    Grants {
        http: vec![HttpGrant {
            port: "admin".to_owned(),
            methods: vec!["GET".to_owned(), "POST".to_owned()],
            paths: vec!["/state".to_owned(), "/node/*".to_owned()],
        }],
        secrets: SecretsGrant {
            references: vec!["root".to_owned()],
            ..SecretsGrant::default()
        },
        ..asked()
    }
}

fn trusting() -> Grants {
    Grants {
        config: ConfigGrant {
            slots: vec!["ca".to_owned(), "mode".to_owned()],
        },
        ..asked()
    }
}

#[tokio::test]
async fn an_http_request_goes_where_it_is_granted_and_says_only_what_it_says() {
    let plugin = granted(http(), Limits::default()).await;
    let echo = Double::with(Member::Echoes);
    let text = told(&plugin, "http:POST /node/3?all=1 header:x-a:b", &echo).await;
    assert!(text.starts_with("200 "), "{text}");
    assert!(text.contains("POST /node/3?all=1 HTTP/1.1"), "{text}");
    assert!(
        text.contains("host: db-0.db") && text.contains("x-a: b"),
        "{text}"
    );
    assert_eq!(*echo.dialed.lock().unwrap(), ["pod-0 admin"]);
    let denied = [
        "http:DELETE /state",
        "http:GET /config",
        "http:GET /node/3/4",
        "http:GET /state/",
    ];
    for deed in denied {
        let text = told(&plugin, deed, &echo).await;
        assert!(
            text.contains("Denied") && text.contains("needs the grant http: "),
            "{text}"
        );
    }
    let odd = [
        "http:GET /node/..",
        "http:GET /node/%2e%2e",
        "http:GET /node/%2Fstate",
        "http:get /state",
        "http:CONNECT /state",
        "http:GET /state header:host:other",
        "http:GET /state header:content-length:0",
        "http:GET /state header:transfer-encoding:chunked",
        "http:GET http://169.254.169.254/",
    ];
    for deed in odd {
        let text = told(&plugin, deed, &echo).await;
        assert!(text.contains("Other("), "{deed}: {text}");
    }
    let long = Arc::new(Double {
        member: Member::Echoes,
        output: 1 << 20,
        ..Double::default()
    });
    let text = told(&plugin, "http:GET /state", &long).await;
    assert!(
        text.contains("262144 bytes, truncated true") || text.contains("truncated true"),
        "{text}"
    );
}

#[tokio::test]
async fn credentials_are_filled_in_by_the_host_and_stay_unseen() {
    let plugin = granted(http(), Limits::default()).await;
    let echo = Double::with(Member::Echoes);
    // The member echoes what it was sent.
    let text = told(&plugin, "http:GET /state bearer:root", &echo).await;
    assert!(text.contains("Bearer ***"), "{text}");
    assert!(!text.contains("opensesame"), "{text}");
    let text = told(&plugin, "http:GET /state basic:admin:root", &echo).await;
    assert!(text.contains("authorization: Basic"), "{text}");
    // base64 of opensesame behind `admin:`
    assert!(!text.contains("b3BlbnNlc2FtZ"), "{text}");
    let text = told(&plugin, "http:GET /state bearer:other", &echo).await;
    assert!(
        text.contains("secrets.references: [\\\"other\\\"]"),
        "{text}"
    );
    // To use is not to read.
    let error = act(&plugin, "secret:root", &echo).await.unwrap();
    assert!(
        format!("{:?}", error.outcome).contains("secrets.slots"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_stream_is_encrypted_from_its_start_or_later_and_the_other_end_is_proven() {
    let plugin = granted(trusting(), Limits::default()).await;
    let member = Double::with(Member::Secured);
    for deed in ["tls:ca", "start-tls:ca"] {
        assert_eq!(
            told(&plugin, deed, &member).await,
            "Ok(()) Ok(\"pong\")",
            "{deed}"
        );
    }
    let text = told(&plugin, "tls:mode", &member).await;
    assert!(text.contains("does not hold certificates"), "{text}");
    let text = told(&plugin, "tls:unverified", &member).await;
    assert!(text.contains("tls: {unverified: true}"), "{text}");
    let text = told(&plugin, "tls:elsewhere", &member).await;
    assert!(text.contains("config.slots: [\\\"elsewhere\\\"]"), "{text}");
    let plain = Double::with(Member::Answers);
    let text = told(&plugin, "tls:ca", &plain).await;
    assert!(text.starts_with("Failure::"), "{text}");

    let grants = Grants {
        tls: TlsGrant { unverified: true },
        ..trusting()
    };
    let plugin = granted(grants, Limits::default()).await;
    assert_eq!(
        told(&plugin, "tls:unverified", &member).await,
        "Ok(()) Ok(\"pong\")"
    );
}

#[tokio::test]
async fn a_program_runs_under_a_key_and_outlives_its_call() {
    let grants = Grants {
        exec: vec![ExecGrant {
            container: "db".to_owned(),
            argv: vec!["backup".to_owned(), "*".to_owned()],
        }],
        ..asked()
    };
    let plugin = granted(grants, Limits::default()).await;
    let effects = Double::new();
    assert!(told(&plugin, "poll:b1", &effects).await.contains("Lost"));
    let text = told(&plugin, "start:b1 db backup full", &effects).await;
    assert!(text.contains("Running"), "{text}");
    assert!(told(&plugin, "poll:b1", &effects).await.contains("Running"));
    let text = told(&plugin, "start:b2 db rm -rf", &effects).await;
    assert!(text.contains("Denied"), "{text}");
    for key in ["../b", "-b", "a/b", ""] {
        let text = told(&plugin, &format!("start:{key} db backup full"), &effects).await;
        assert!(text.contains("Other(") && text.contains("key"), "{text}");
    }
    let plugin = granted(asked(), Limits::default()).await;
    assert!(told(&plugin, "poll:b1", &effects).await.contains("Denied"));
}

#[tokio::test]
async fn config_and_metrics_need_their_grants_and_their_declarations() {
    let plugin = granted(asked(), Limits::default()).await;
    let effects = Double::new();
    let text = told(&plugin, "config:mode", &effects).await;
    assert!(text.contains("config.slots: [\\\"mode\\\"]"), "{text}");
    let text = told(&plugin, "metric:add jobs 1", &effects).await;
    assert!(text.contains("metrics: true"), "{text}");

    let grants = Grants {
        metrics: true,
        ..trusting()
    };
    let plugin = granted(grants, Limits::default()).await;
    assert_eq!(told(&plugin, "config:mode", &effects).await, "Ok(\"fast\")");
    assert_eq!(told(&plugin, "metric:add jobs 2", &effects).await, "Ok(())");
    assert_eq!(
        told(&plugin, "metric:set depth 1.5", &effects).await,
        "Ok(())"
    );
    let wrong = [
        "add depth 1",
        "set jobs 1",
        "add jobs -1",
        "set depth NaN",
        "set other 1",
    ];
    for line in wrong {
        let text = told(&plugin, &format!("metric:{line}"), &effects).await;
        assert!(text.starts_with("Err("), "{line}: {text}");
    }
    let metrics = effects.metrics.lock().unwrap().clone();
    assert_eq!(metrics, ["jobs None Add(2.0)", "depth Some(0) Set(1.5)"]);
}

#[tokio::test]
async fn counting_lets_through_what_enforcing_refuses_and_tells_of_it() {
    let hostile = hostile().await;
    let echo = Double::with(Member::Echoes);
    let enforced = granted(asked(), Limits::default()).await;
    told(&enforced, "http:GET /state", &echo).await;
    let counted = hostile.count(Grants::default(), Limits::default());
    let text = told(&counted, "http:GET /state", &echo).await;
    assert!(text.starts_with("200 "), "{text}");
    let grant = "http: [{port: \"admin\", methods: [\"GET\"], paths: [\"/state\"]}]".to_owned();
    let refused = echo.refused.lock().unwrap().clone();
    assert_eq!(refused, [(grant.clone(), false), (grant, true)]);
}

#[tokio::test]
async fn secrets_are_masked_when_encoded_and_when_an_earlier_call_has_read_them() {
    let grants = Grants {
        secrets: SecretsGrant {
            slots: vec!["root".to_owned()],
            ..SecretsGrant::default()
        },
        ..asked()
    };
    let plugin = granted(grants, Limits::default()).await;
    let effects = Double::new();
    act(&plugin, "secret-encoded:root", &effects).await.unwrap();
    assert_eq!(
        effects.log(),
        [(Level::Info, "it is *** indeed".to_owned())]
    );
    let later = Arc::new(Double {
        known: vec![b"opensesame".to_vec()],
        ..Double::default()
    });
    let text = told(&plugin, "no such deed opensesame", &later).await;
    assert_eq!(text, "no such deed: no such deed ***");
}

#[tokio::test]
async fn settings_are_checked_by_the_schema_of_the_manifest() {
    let plugin = hostile().await;
    assert!(plugin.check_settings(&serde_json::json!("done")).is_empty());
    let findings = plugin.check_settings(&serde_json::json!("against-the-schema"));
    assert_eq!(findings.len(), 1);
    assert!(
        findings[0].blocks && findings[0].path == "settings",
        "{findings:?}"
    );
    // Hooks see what they are given: the check is the host's, before them.
    let granted = granted(asked(), Limits::default()).await;
    let checked = granted.validate(snapshot("done"), None).await.unwrap();
    assert!(checked.usage.wall > std::time::Duration::ZERO);
}
