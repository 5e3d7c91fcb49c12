//! The operator as somebody who has the rights that docs/operators.md names and no others, and what it is given to manage.

use std::path::Path;

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::api::{Api, DynamicObject, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::GroupVersionKind;
use kube::discovery::ApiResource;
use kube::{Client, Config};
use serde_json::{Value, json};
use stateward_components::built;
use stateward_controlplane::{ControlPlane, Options};

/// Who the operator is.
pub(crate) const OPERATOR: &str = "stateward";

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

/// Kubernetes with our definitions, and its administrator.
pub(crate) async fn with_definitions(options: Options) -> (ControlPlane, Client) {
    let kubernetes = ControlPlane::start(options).await.unwrap();
    let client = kubernetes.client().await.unwrap();
    stateward_operator::install_crds(client.clone())
        .await
        .unwrap();
    (kubernetes, client)
}

/// Gives them to the operator.
pub(crate) async fn grant(client: Client) {
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
pub(crate) async fn as_operator(kubernetes: &ControlPlane) -> Client {
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

/// Creates the Plugin object of this name, which serves this component.
pub(crate) async fn install(client: &Client, name: &str, component: &'static str, grants: Value) {
    // It is built first where it is not there yet.
    let component = tokio::task::spawn_blocking(move || built(component));
    let file = component.await.unwrap();
    create(
        client,
        "",
        "Plugin",
        json!({
            "apiVersion": "stateward.dev/v1alpha1", "kind": "Plugin",
            "metadata": { "name": name },
            "spec": { "source": { "file": file }, "grants": grants },
        }),
    )
    .await;
}

/// Creates an object of ours; cluster-wide ones are in no namespace.
pub(crate) async fn create(client: &Client, namespace: &str, kind: &str, object: Value) {
    let kind = GroupVersionKind::gvk("stateward.dev", "v1alpha1", kind);
    let resource = ApiResource::from_gvk(&kind);
    let api: Api<DynamicObject> = match namespace {
        "" => Api::all_with(client.clone(), &resource),
        namespace => Api::namespaced_with(client.clone(), namespace, &resource),
    };
    let object = serde_json::from_value(object).unwrap();
    api.create(&PostParams::default(), &object).await.unwrap();
}
