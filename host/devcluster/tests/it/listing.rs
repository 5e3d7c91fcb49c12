//! Lists: selectors, pages, tables.

use anyhow::Result;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use stateward_devcluster::Cluster;

use crate::{config_map, pod, refused};

#[tokio::test]
async fn labels_and_fields_select() -> Result<()> {
    let api: Api<Pod> = Api::default_namespaced(Cluster::in_memory().client("default"));
    for (name, tier, node) in [
        ("a", "front", "n1"),
        ("b", "back", "n1"),
        ("c", "back", "n2"),
    ] {
        let mut pod = pod(name, node);
        pod.labels_mut().insert("tier".to_owned(), tier.to_owned());
        api.create(&PostParams::default(), &pod).await?;
    }
    let cases: &[(&str, &str, &[&str])] = &[
        ("tier=back", "", &["b", "c"]),
        ("tier!=back", "", &["a"]),
        ("tier in (front, middle)", "", &["a"]),
        ("tier notin (front),app", "", &["b", "c"]),
        ("!tier", "", &[]),
        ("", "spec.nodeName=n1", &["a", "b"]),
        ("tier=back", "spec.nodeName!=n1", &["c"]),
        ("", "metadata.name=b,status.phase=Pending", &["b"]),
    ];
    for (labels, fields, expected) in cases {
        let params = ListParams::default().labels(labels).fields(fields);

        let found = api.list(&params).await?;

        let found: Vec<_> = found.items.iter().map(ResourceExt::name_any).collect();
        assert_eq!(found, *expected, "{labels} {fields}");
    }
    let status = refused(api.list(&ListParams::default().fields("spec.foo=1")).await);
    assert_eq!(status.message, "field label not supported: spec.foo");
    Ok(())
}

#[tokio::test]
async fn all_pages_show_the_moment_of_the_first() -> Result<()> {
    let cluster = Cluster::in_memory();
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client("default"));
    for name in ["a", "b", "c", "d"] {
        api.create(&PostParams::default(), &config_map(name))
            .await?;
    }
    let page = ListParams::default().limit(2);
    let first = api.list(&page).await?;
    api.delete("c", &DeleteParams::default()).await?;
    api.create(&PostParams::default(), &config_map("e")).await?;

    let token = first.metadata.continue_.clone().unwrap_or_default();
    let second = api.list(&page.clone().continue_token(&token)).await?;

    assert_eq!(first.metadata.remaining_item_count, Some(2));
    let names: Vec<_> = second.items.iter().map(ResourceExt::name_any).collect();
    assert_eq!(names, ["c", "d"]);
    assert_eq!(
        first.metadata.resource_version,
        second.metadata.resource_version
    );
    assert!(second.metadata.continue_.is_none());

    cluster.compact();
    let status = refused(api.list(&page.continue_token(&token)).await);
    assert_eq!((status.code, status.reason.as_str()), (410, "Expired"));
    Ok(())
}

#[tokio::test]
async fn kubectl_is_told_what_to_print() -> Result<()> {
    let client = Cluster::in_memory().client("default");
    let api: Api<Pod> = Api::default_namespaced(client.clone());
    api.create(&PostParams::default(), &pod("web-0", ""))
        .await?;
    let request = http::Request::get("/api/v1/namespaces/default/pods")
        .header(
            "accept",
            "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
        )
        .body(Vec::new())?;

    let table: Value = client.request(request).await?;

    assert_eq!(table["kind"], "Table");
    let columns: Vec<_> = table["columnDefinitions"]
        .as_array()
        .unwrap()
        .iter()
        .collect();
    let shown: Vec<_> = columns
        .iter()
        .filter(|column| column["priority"] == 0)
        .map(|column| column["name"].as_str().unwrap())
        .collect();
    assert_eq!(shown, ["Name", "Ready", "Status", "Restarts", "Age"]);
    let cells = table["rows"][0]["cells"].as_array().unwrap();
    assert_eq!(
        cells[..4],
        [json!("web-0"), json!("0/1"), json!("Pending"), json!("0")]
    );
    Ok(())
}
