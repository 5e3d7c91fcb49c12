//! Requests that nobody should send, made up at random: each gets a `Status` or an object, and the server lives on.

use http::Request;
use kube::client::Body;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use stateward_devcluster::Cluster;

const REQUESTS: u32 = 2_000;

fn part_of_a_path() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "api", "apis", "v1", "apps", "namespaces", "default", "pods", "configmaps", "statefulsets", "status", "scale",
            "eviction", "binding", "one", "policy", "openapi", "v3", "customresourcedefinitions", "apiextensions.k8s.io",
        ]).prop_map(str::to_owned),
        1 => "[a-zA-Z0-9._~%-]{0,12}".prop_map(|text| text.replace('%', "%25")),
    ]
}

fn query() -> impl Strategy<Value = String> {
    let option = prop::sample::select(vec![
        "limit",
        "continue",
        "resourceVersion",
        "resourceVersionMatch",
        "labelSelector",
        "fieldSelector",
        "dryRun",
        "fieldValidation",
        "fieldManager",
        "force",
        "propagationPolicy",
        "gracePeriodSeconds",
        "includeObject",
    ]);
    let value = prop_oneof![
        Just("true".to_owned()),
        Just("1".to_owned()),
        Just("All".to_owned()),
        Just("Strict".to_owned()),
        "[a-z0-9!=,.()-]{0,10}",
    ];
    prop::collection::vec((option, value), 0..3).prop_map(|pairs| {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(option, value)| format!("{option}={value}"))
            .collect();
        pairs.join("&")
    })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        prop::sample::select(vec![
            "one",
            "v1",
            "ConfigMap",
            "Pod",
            "apps/v1",
            "StatefulSet",
            "1Gi",
            "Always"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        let field = prop_oneof![
            4 => prop::sample::select(vec![
                "apiVersion", "kind", "metadata", "name", "namespace", "labels", "finalizers", "ownerReferences", "uid",
                "managedFields", "spec", "status", "containers", "template", "selector", "matchLabels", "replicas",
                "$patch", "$setElementOrder/containers", "data", "op", "path", "value", "ports", "resources", "requests",
            ]).prop_map(str::to_owned),
            1 => ".{0,6}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(field, inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => value().prop_map(|value| value.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..64),
        2 => (value(), value()).prop_map(|(metadata, spec)| {
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}).to_string().into_bytes()
        }),
    ]
}

fn request() -> impl Strategy<Value = (String, String, String, Vec<u8>)> {
    let method = prop::sample::select(vec!["GET", "POST", "PUT", "PATCH", "DELETE", "BREW"]);
    let content_type = prop::sample::select(vec![
        "application/json",
        "application/yaml",
        "application/vnd.kubernetes.protobuf",
        "application/json-patch+json",
        "application/merge-patch+json",
        "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
        "text/plain",
    ]);
    let usual = prop::sample::select(vec![
        "api/v1/namespaces/default/configmaps/one",
        "api/v1/namespaces/default/pods",
        "api/v1/namespaces/default/pods/one",
        "apis/apps/v1/namespaces/default/statefulsets/one",
        "apis/apps/v1/namespaces/default/statefulsets/one/scale",
        "apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    ]);
    let path = prop_oneof![
        2 => usual.prop_map(str::to_owned),
        1 => prop::collection::vec(part_of_a_path(), 0..7).prop_map(|parts| parts.join("/")),
    ];
    (method, path, query(), content_type, body()).prop_map(
        |(method, path, query, content_type, body)| {
            (
                method.to_owned(),
                format!("/{path}?{query}"),
                content_type.to_owned(),
                body,
            )
        },
    )
}

#[test]
fn whatever_is_asked_gets_an_answer() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _within = runtime.enter();
    let cluster = Cluster::in_memory();
    let config = Config {
        cases: REQUESTS,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    runtime.block_on(async {
        for name in ["configmaps", "pods"] {
            let kind = if name == "pods" { "Pod" } else { "ConfigMap" };
            let one = json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "one"}, "spec": {"containers": [{"name": "a", "image": "x"}]}});
            let made = ask(&cluster, "POST", &format!("/api/v1/namespaces/default/{name}"), "application/json", one.to_string().into_bytes()).await;
            assert_eq!(made.0, 201, "{}", made.1);
        }
    });

    runner
        .run(&request(), |(method, path, content_type, body)| {
            let (code, answer) =
                runtime.block_on(ask(&cluster, &method, &path, &content_type, body));
            // Upstream answers 500 without a reason to some mistakes of its clients.
            let is_at_a_loss = code == 500 && !answer["reason"].is_null();
            prop_assert!(!is_at_a_loss, "{} {}: {}", method, path, answer);
            if code >= 400 {
                prop_assert_eq!(&answer["kind"], "Status", "{} {}", method, path);
                prop_assert!(!answer["message"].as_str().unwrap_or_default().is_empty());
            }
            Ok(())
        })
        .unwrap();

    let (code, _) = runtime.block_on(ask(&cluster, "GET", "/version", "", Vec::new()));
    assert_eq!(code, 200);
}

async fn ask(
    cluster: &Cluster,
    method: &str,
    path: &str,
    content_type: &str,
    body: Vec<u8>,
) -> (u16, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", content_type)
        .body(Body::from(body))
        .unwrap();
    let response = cluster.client("default").send(request).await.unwrap();
    let code = response.status().as_u16();
    let bytes = response.into_body().collect_bytes().await.unwrap();
    (code, serde_json::from_slice(&bytes).unwrap_or_default())
}
