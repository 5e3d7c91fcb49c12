//! On Kubernetes itself, with the rights that docs/operators.md names and no others: apps of both kinds come, change and shrink, and at rest nothing is
//! asked. Counted in the audit log of the API server, where the operator has a name of its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use stateward_controlplane::{Options, component};
use stateward_devcluster::simulation::FaultPlan;
use stateward_differential::accepted;
use stateward_differential::face::Face;
use stateward_differential::scenario::Scenario;
use stateward_differential::stage::{Patience, play_embedded, play_on};
use stateward_operator::StatefulSetsFace;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::kubernetes::{CALM, CONTROLLERS, create_node};
use crate::rights::{OPERATOR, as_operator, grant, install, with_definitions};

/// How long nothing may be asked.
const REST: Duration = Duration::from_secs(60);

const POLICY: &str = "
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{ level: Metadata }]
";

/// Every right that the operator uses: claims that pods own, adoption, rollouts, a plugin, a teardown.
const SCENARIOS: [&str; 3] = [
    "set replicas=3 claims whenScaled=Delete\nscale 1\nimage app:2",
    "set replicas=2 policy=Parallel\ndelete set orphan\nset replicas=3\nrelabel pod 2",
    "set replicas=2 history=0\nimage app:2\nfail 1",
];

/// What the operator asked so far but for watches and leases, how often; and what it had no right to.
fn asked(log: &Path) -> (BTreeMap<String, u32>, Vec<String>) {
    let (mut counts, mut forbidden) = (BTreeMap::<String, u32>::new(), Vec::new());
    for line in std::fs::read_to_string(log).unwrap().lines() {
        // The last line may be half written.
        let Ok(entry) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        if entry["impersonatedUser"]["username"] != OPERATOR {
            continue;
        }
        let (verb, object) = (&entry["verb"], &entry["objectRef"]);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let what = format!(
            "{} {}/{}",
            text(verb),
            text(&object["resource"]),
            text(&object["subresource"])
        );
        if entry["responseStatus"]["code"] == 403 {
            forbidden.push(format!("{what}: {}", entry["responseStatus"]["message"]));
        }
        if verb != "watch" && object["resource"] != "leases" {
            *counts.entry(what).or_default() += 1;
        }
    }
    (counts, forbidden)
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_rights_of_the_docs_apps_are_managed_and_at_rest_nothing_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (policy, log) = (folder.path().join("policy.yaml"), folder.path().join("log"));
    std::fs::write(&policy, POLICY).unwrap();
    let options = Options::default()
        .without(component::SCHEDULER)
        .argument(component::CONTROLLER_MANAGER, CONTROLLERS)
        .argument(
            component::API_SERVER,
            "--enable-admission-plugins=OwnerReferencesPermissionEnforcement",
        )
        .argument(
            component::API_SERVER,
            &format!("--audit-policy-file={}", policy.display()),
        )
        .argument(
            component::API_SERVER,
            &format!("--audit-log-path={}", log.display()),
        );
    let (kubernetes, client) = with_definitions(options).await;
    create_node(client.clone()).await;
    grant(client.clone()).await;

    let stop = CancellationToken::new();
    let options = stateward_operator::Options {
        statefulsets: Some(StatefulSetsFace { embedded: false }),
        patience_with_rivals: Duration::from_secs(1),
        plugin_cache: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-cache")),
        ..stateward_operator::Options::new(as_operator(&kubernetes).await)
    };
    let operator = tokio::spawn(stateward_operator::run(options, stop.clone()));
    let grants = json!({ "tcp": { "ports": ["mysql"] } });
    install(&client, "hostile", "hostile", grants).await;

    let meant = accepted::load().unwrap();
    for face in [Face::StatefulSet, Face::StatefulApp] {
        for text in SCENARIOS {
            let scenario = Scenario::parse("rights", text).unwrap();
            let expected = {
                let scenario = scenario.clone();
                let play = move || play_embedded(face, &scenario, &FaultPlan::none()).unwrap();
                tokio::task::spawn_blocking(play).await.unwrap().pictures
            };
            let namespace = kubernetes.namespace("rest").await.unwrap();
            let as_expected = |place: usize, picture: &_| {
                accepted::unexpected(&meant, &scenario, &expected[place], picture).is_empty()
            };
            let restart = async || Ok(());
            let played = play_on(
                client.clone(),
                &namespace,
                face,
                &scenario,
                Patience {
                    calm: CALM,
                    has_nudge: false,
                },
                as_expected,
                restart,
            );
            let last = played.await.unwrap().pop().unwrap();
            let found = accepted::unexpected(&meant, &scenario, expected.last().unwrap(), &last);
            let forbidden = asked(&log).1;
            assert!(forbidden.is_empty(), "not in the docs: {forbidden:#?}");
            assert!(found.is_empty(), "{face:?}\n{scenario}{found:#?}");
        }
    }

    let mut before = asked(&log);
    loop {
        sleep(Duration::from_secs(5)).await;
        let now = asked(&log);
        if now == before {
            break;
        }
        before = now;
    }
    println!("asked so far: {:?}", before.0);
    sleep(REST).await;
    let after = asked(&log);
    assert_eq!(after.0, before.0, "asked at rest");
    stop.cancel();
    operator.await.unwrap().unwrap();
}
