//! `kubectl delete` and its cascades.

use anyhow::{Result, ensure};
use serde_json::Value;
use stateward_tests::user::Face;

use super::desk::{Desk, app, pod};

#[tokio::test]
async fn dependents_of_a_stateful_set_stay_or_go_as_it_is_said() -> Result<()> {
    stay_or_go(Face::StatefulSet).await
}

#[tokio::test]
async fn dependents_of_a_stateful_app_stay_or_go_as_it_is_said() -> Result<()> {
    stay_or_go(Face::StatefulApp).await
}

async fn stay_or_go(face: Face) -> Result<()> {
    let desk = Desk::new().await?;
    let delete = |cascade: &str| {
        let resource = face.resource();
        format!("delete {resource} web --cascade={cascade} --timeout=60s")
    };
    for (cascade, name) in [
        ("orphan", "web-0"),
        ("foreground", "web-1"),
        ("background", "web-2"),
    ] {
        desk.reads("create -f -", &app(face, "web:1"), "created")
            .await?;
        let uid = desk.uid(face).await?;
        let mut dependent = pod(name, Some((face, &uid)));
        // Nobody runs it, so that it goes at once.
        dependent["spec"]["nodeName"] = "".into();
        desk.reads("create -f -", &dependent, "created").await?;

        desk.says(&delete(cascade), "deleted").await?;

        if cascade == "orphan" {
            desk.says(&format!("get pod {name}"), name).await?;
            let owners = format!("get pod {name} -o jsonpath={{.metadata.ownerReferences}}");
            let (_, owners) = desk.run(&owners, &Value::Null).await?;
            ensure!(owners.is_empty(), "it still has an owner: {owners}");
        } else {
            let gone = format!("wait --for=delete pod/{name} --timeout=60s");
            desk.says(&gone, "").await?;
            let (_, said) = desk.run(&format!("get pod {name}"), &Value::Null).await?;
            ensure!(said.contains("not found"), "{said}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn many_are_deleted_by_their_labels_and_what_is_not_there_is_told() -> Result<()> {
    let desk = Desk::new().await?;
    for name in ["web-0", "web-1"] {
        desk.reads("create -f -", &pod(name, None), "created")
            .await?;
    }
    desk.says("delete pods -l app=web --force", "force deleted")
        .await?;
    desk.says("get pods", "No resources found").await?;
    let (is_fine, said) = desk.run("delete pod web-0", &Value::Null).await?;
    ensure!(!is_fine && said.contains("NotFound"), "{said}");
    desk.says("delete pod web-0 --ignore-not-found", "").await
}
