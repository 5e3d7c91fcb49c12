//! What probes report is to be read where metrics are.

use serde_json::json;
use stateward_operator::Options;

use crate::bed::{Bed, app};
use crate::endpoints::{free_address, get};
use crate::steering::steered;

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_of_each_members_probe_are_served_until_the_app_is_gone() {
    let mut bed = Bed::without_operator().await;
    let address = free_address();
    bed.start_with(Options {
        metrics: Some(address),
        ..bed.options()
    });
    bed.create(steered()).await;
    let mut db = app("StatefulApp", "db", 2);
    db["spec"]["plugin"] =
        json!({ "name": "steered", "settings": { "probe": "figure: lag=42.5" } });
    bed.create(db).await;
    bed.until_settled("StatefulApp", "db", 2).await;
    let series = |ordinal: u32, figure: &str| {
        format!(
            "stateward_probe_figure{{namespace=\"default\",app=\"db\",ordinal=\"{ordinal}\",figure=\"{figure}\"}}"
        )
    };
    let expected: Vec<String> = (0..2)
        .flat_map(|ordinal| {
            let (lag, healthy) = (series(ordinal, "lag"), series(ordinal, "healthy"));
            [format!("{lag} 42.5"), format!("{healthy} 1.0")]
        })
        .collect();
    bed.until("the figures of both are served", || async {
        let served = get(address, "/metrics").await?;
        match expected.iter().all(|line| served.contains(line)) {
            true => Ok(()),
            false => Err(served),
        }
    })
    .await;
    bed.delete("StatefulApp", "db").await;
    bed.until("they are gone with the app", || async {
        let served = get(address, "/metrics").await?;
        match served.contains("stateward_probe_figure{") {
            false => Ok(()),
            true => Err(served),
        }
    })
    .await;
    bed.stop().await;
}
