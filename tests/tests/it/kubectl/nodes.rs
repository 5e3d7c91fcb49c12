//! `kubectl drain`, `cordon` and `uncordon`.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::desk::{Desk, pod};

#[tokio::test]
async fn a_node_is_drained_as_far_as_budgets_let_it() -> Result<()> {
    let desk = Desk::new().await?;
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "one"}});
    desk.reads("create -f -", &node, "node/one created").await?;
    desk.reads("create -f -", &pod("web-0", None), "created")
        .await?;
    let status =
        r#"{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}"#;
    let patch = format!("patch pod web-0 --subresource=status --type=merge -p {status}");
    desk.says(&patch, "patched").await?;
    desk.says(
        "create poddisruptionbudget web --selector=app=web --min-available=1",
        "created",
    )
    .await?;

    let (is_fine, said) = desk
        .run("drain one --force --timeout=1s", &Value::Null)
        .await?;
    ensure!(
        !is_fine && said.contains("violate the pod's disruption budget"),
        "{said}"
    );
    desk.says("get nodes", "SchedulingDisabled").await?;
    desk.says("delete poddisruptionbudget web", "deleted")
        .await?;
    // No agent ends the pod: the drain is left waiting, with the pod on its way.
    let (_, said) = desk
        .run("drain one --force --timeout=2s", &Value::Null)
        .await?;
    ensure!(said.contains("evicting pod default/web-0"), "{said}");
    desk.says("get pods", "Terminating").await?;
    desk.says("delete pod web-0 --force", "force deleted")
        .await?;
    desk.says("drain one --force", "node/one drained").await?;
    desk.says("uncordon one", "node/one uncordoned").await
}
