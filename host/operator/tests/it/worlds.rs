//! The world of an app, read for the commands that explain things.

use serde_json::json;
use stateward_operator::{OperatorError, world_of};
use stateward_planner::world::Face;

use crate::bed::{Bed, app};

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
