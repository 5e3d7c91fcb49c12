//! The world of an app, read for the commands that explain things.

use http::{Request, Response};
use kube::client::Body;
use serde_json::json;
use stateward_operator::{OperatorError, world_of};
use stateward_planner::world::{Face, Hold};
use stateward_planner::{Step, World};

use crate::bed::{Bed, app};
use crate::endings::{KIND, given_a_held_app};

#[tokio::test(flavor = "multi_thread")]
async fn the_world_of_an_app_at_rest_plans_nothing() {
    let bed = Bed::new().await;
    for face in [Face::StatefulApp, Face::StatefulSet] {
        let (kind, name) = match face {
            Face::StatefulApp => ("StatefulApp", "one"),
            Face::StatefulSet => ("StatefulSet", "other"),
        };
        bed.create(app(kind, name, 2)).await;
        bed.until_settled(kind, name, 2).await;
        let world = world_of(bed.client.clone(), "default", name, face)
            .await
            .unwrap();
        assert_eq!(world.pods.len(), 2);
        assert_eq!(world.claims.len(), 2);
        assert_eq!(world.revisions.len(), 1);
        let plan = stateward_planner::plan(&world, jiff::Timestamp::now());
        assert!(plan.steps.is_empty(), "{:?}", plan.steps);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_world_tells_when_there_is_no_app_or_its_spec_is_invalid() {
    let bed = Bed::without_operator().await;
    let world =
        |name: &'static str| world_of(bed.client.clone(), "default", name, Face::StatefulApp);
    let missing = world("nothing").await;
    assert!(
        matches!(missing, Err(OperatorError::AppNotFound { .. })),
        "{missing:?}"
    );
    let mut bad = app("StatefulApp", "bad", 1);
    bad["spec"]["template"]["metadata"]["labels"] = json!({});
    bed.create(bad).await;
    let invalid = world("bad").await;
    assert!(
        matches!(invalid, Err(OperatorError::InvalidApp { .. })),
        "{invalid:?}"
    );
}

async fn world_of_db(client: kube::Client) -> World {
    world_of(client, "shop", "db", Face::StatefulApp)
        .await
        .unwrap()
}

/// A client of somebody who may see neither namespaces nor definitions.
fn of_a_stranger(client: kube::Client) -> kube::Client {
    kube::Client::new(
        tower::service_fn(move |request: Request<Body>| {
            let client = client.clone();
            async move {
                let path = request.uri().path();
                let is_forbidden =
                    path == "/api/v1/namespaces/shop" || path.contains("customresourcedefinitions");
                if !is_forbidden {
                    return client.send(request).await;
                }
                let status = json!({
                    "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": 403,
                    "reason": "Forbidden", "message": "you may not",
                });
                let response = Response::builder().status(403);
                Ok(response
                    .body(Body::from(status.to_string().into_bytes()))
                    .unwrap())
            }
        }),
        "shop",
    )
}

/// While no operator runs: it would let the app go at once.
#[tokio::test(flavor = "multi_thread")]
async fn given_an_app_that_no_teardown_can_hold_then_its_world_says_so_as_the_operator_does() {
    for (kind, name, words) in [
        ("Namespace", "shop", "its namespace is being deleted"),
        (
            "CustomResourceDefinition",
            KIND,
            "Stateward is being uninstalled",
        ),
    ] {
        let mut bed = given_a_held_app().await;
        assert_eq!(world_of_db(bed.client.clone()).await.app.hold, Hold::Held);
        bed.stop().await;
        bed.delete(kind, name).await;
        let world = world_of_db(bed.client.clone()).await;
        let Hold::Void { why } = &world.app.hold else {
            panic!("{kind}: {:?}", world.app.hold);
        };
        assert!(why.contains(words), "{why}");
        let plan = stateward_planner::plan(&world, jiff::Timestamp::now());
        let releases = |step: &Step| matches!(step, Step::ReleaseApp { .. });
        assert_eq!(
            world.app.deletion.is_some(),
            plan.steps.iter().any(releases)
        );
        // Who may not see why says nothing of it.
        let stranger = of_a_stranger(bed.client.clone());
        assert_eq!(world_of_db(stranger).await.app.hold, Hold::Held);
        bed.start();
        bed.until("the app is let go", || async {
            match bed.get("StatefulApp", "db").await {
                serde_json::Value::Null => Ok(()),
                app => Err(app["metadata"].to_string()),
            }
        })
        .await;
    }
}
