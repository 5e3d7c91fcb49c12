//! On Kubernetes itself, with the rights that docs/operators.md names and no others: apps of both kinds come, change and shrink, and at rest nothing is
//! asked. Counted in the audit log of the API server, where the operator has a name of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::api::{Api, DynamicObject, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::GroupVersionKind;
use kube::discovery::ApiResource;
use kube::{Client, Config};
use serde_json::{Value, json};
use stateward_controlplane::{ControlPlane, Options, component};
use stateward_devcluster::simulation::FaultPlan;
use stateward_differential::accepted;
use stateward_differential::face::Face;
use stateward_differential::scenario::Scenario;
use stateward_differential::stage::{play_embedded, play_on};
use stateward_operator::StatefulSetsFace;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::kubernetes::{CONTROLLERS, create_node};

/// Who the operator is.
const OPERATOR: &str = "stateward";
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

/// The rules of the role, from the table in the docs: group, resources, verbs, and in brackets what they are for.
fn rights() -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operators.md");
    let text = std::fs::read_to_string(path).unwrap();
    let table = text.split_once("| group | resource | verbs |").unwrap().1;
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [group, resources, verbs] = cells[..] else {
            panic!("three cells: {row}");
        };
        let group = if group == "–" { "" } else { group };
        let verbs = verbs.split('(').next().unwrap();
        let list = |text: &str| -> Vec<String> {
            text.split(',').map(|word| word.trim().to_owned()).collect()
        };
        json!({ "apiGroups": [group], "resources": list(resources), "verbs": list(verbs) })
    })
    .collect()
}

async fn grant(client: Client) {
    let role: ClusterRole = serde_json::from_value(json!({
        "metadata": { "name": OPERATOR }, "rules": rights(),
    }))
    .unwrap();
    let binding: ClusterRoleBinding = serde_json::from_value(json!({
        "metadata": { "name": OPERATOR },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": OPERATOR },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": OPERATOR }],
    }))
    .unwrap();
    let parameters = PostParams::default();
    let roles: Api<ClusterRole> = Api::all(client.clone());
    roles.create(&parameters, &role).await.unwrap();
    let bindings: Api<ClusterRoleBinding> = Api::all(client);
    bindings.create(&parameters, &binding).await.unwrap();
}

/// A client of the operator's own.
async fn as_operator(kubernetes: &ControlPlane) -> Client {
    acting_as(kubernetes, OPERATOR, &[]).await
}

/// A client that acts as this user, in these groups.
pub(crate) async fn acting_as(kubernetes: &ControlPlane, user: &str, groups: &[&str]) -> Client {
    let mut kubeconfig = Kubeconfig::read_from(kubernetes.kubeconfig()).unwrap();
    for named in &mut kubeconfig.auth_infos {
        if let Some(info) = &mut named.auth_info {
            info.impersonate = Some(user.to_owned());
            info.impersonate_groups = (!groups.is_empty())
                .then(|| groups.iter().map(|&group| group.to_owned()).collect());
        }
    }
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    Client::try_from(config.unwrap()).unwrap()
}

/// A component whose hooks answer at once and whose probes ask nobody.
fn component_file() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--target", "wasm32-wasip2"])
        .args(["--profile", "plugin", "--lib", "-p", "stateward-hostile"])
        .current_dir(root)
        .status()
        .unwrap();
    assert!(status.success(), "rustup target add wasm32-wasip2");
    // target/<profile>/deps/<this test> -> target/wasm32-wasip2/plugin
    let this = std::env::current_exe().unwrap();
    let target = this.ancestors().nth(3).unwrap();
    target.join("wasm32-wasip2/plugin/stateward_hostile.wasm")
}

async fn create(client: &Client, namespace: &str, kind: &str, object: Value) {
    let kind = GroupVersionKind::gvk("stateward.dev", "v1alpha1", kind);
    let resource = ApiResource::from_gvk(&kind);
    let api: Api<DynamicObject> = match namespace {
        "" => Api::all_with(client.clone(), &resource),
        namespace => Api::namespaced_with(client.clone(), namespace, &resource),
    };
    let object = serde_json::from_value(object).unwrap();
    api.create(&PostParams::default(), &object).await.unwrap();
}

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
    let kubernetes = ControlPlane::start(options).await.unwrap();
    let client = kubernetes.client().await.unwrap();
    create_node(client.clone()).await;
    stateward_operator::install_crds(client.clone())
        .await
        .unwrap();
    grant(client.clone()).await;

    let stop = CancellationToken::new();
    let options = stateward_operator::Options {
        statefulsets: Some(StatefulSetsFace { embedded: false }),
        patience_with_rivals: Duration::from_secs(1),
        plugin_cache: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-cache")),
        ..stateward_operator::Options::new(as_operator(&kubernetes).await)
    };
    let operator = tokio::spawn(stateward_operator::run(options, stop.clone()));
    let component = tokio::task::spawn_blocking(component_file).await.unwrap();
    create(&client, "", "Plugin", json!({
        "apiVersion": "stateward.dev/v1alpha1", "kind": "Plugin",
        "metadata": { "name": "hostile" },
        "spec": { "source": { "file": component }, "grants": { "tcp": { "ports": ["mysql"] } } },
    }))
    .await;

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
            let played = play_on(client.clone(), &namespace, face, &scenario, as_expected).await;
            let last = played.unwrap().pop().unwrap();
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
