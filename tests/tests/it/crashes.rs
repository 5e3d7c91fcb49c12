//! The MariaDB tour while the operator is killed again and again: the same end, nothing restarted for it, no effect twice.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::ListParams;
use serde_json::Value;
use stateward_tests::bed::Bed;
use stateward_tests::mariadb;
use stateward_tests::narrator::Narrator;
use stateward_tests::user::{Face, User, is_ready};

/// A moment at which the operator dies, recognised by what the API shows.
type Moment = (&'static str, fn(&Value, &[Pod]) -> bool);

const MOMENTS: [Moment; 12] = [
    ("the app was applied", |_, _| true),
    ("the first pod exists", |_, pods| has(pods, 0)),
    ("the first pod is ready", |_, pods| ready(pods, 0)),
    ("the role was claimed for the first time", |app, _| {
        epoch(app) >= 1
    }),
    ("the second pod is ready", |_, pods| ready(pods, 1)),
    ("the third pod exists", |_, pods| has(pods, 2)),
    ("it scales to 5", |app, _| {
        app["status"]["scale"]["target"] == 5
    }),
    ("the fourth pod is ready", |_, pods| ready(pods, 3)),
    ("it scales to 2", |app, _| {
        app["status"]["scale"]["target"] == 2
    }),
    ("the fifth pod leaves", |_, pods| {
        pods.iter()
            .any(|pod| pod.name_any() == "mariadb-4" && pod.metadata.deletion_timestamp.is_some())
            || (!has(pods, 4) && !has(pods, 3))
    }),
    ("the primary is about to move", |app, _| {
        !app["status"]["roles"][0]["moving"].is_null() || epoch(app) >= 2
    }),
    ("the primary has moved", |app, _| epoch(app) >= 2),
];

fn has(pods: &[Pod], ordinal: u32) -> bool {
    pods.iter()
        .any(|pod| pod.name_any() == format!("mariadb-{ordinal}"))
}

fn ready(pods: &[Pod], ordinal: u32) -> bool {
    pods.iter()
        .any(|pod| pod.name_any() == format!("mariadb-{ordinal}") && is_ready(pod))
}

fn epoch(app: &Value) -> u64 {
    app["status"]["roles"][0]["epoch"].as_u64().unwrap_or(0)
}

/// Kills the operator at each of the moments, and starts it again.
async fn kill_again_and_again(bed: &mut Bed, user: &User) -> Result<()> {
    for (what, has_come) in MOMENTS {
        loop {
            let app = user.app(mariadb::APP).await.unwrap_or(Value::Null);
            let pods = user.pods().list(&ListParams::default()).await?.items;
            if !app.is_null() && has_come(&app, &pods) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        bed.crash_operator()
            .with_context(|| format!("killing the operator when {what}"))?;
        bed.start_operator()?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_dies_twelve_times_and_the_tour_ends_the_same() -> Result<()> {
    let mut bed = Bed::without_operator().await?;
    bed.start_operator()?;
    let user = User::new(&bed, "shop", Face::StatefulApp, Narrator::Silent)
        .await?
        .through_the_api();
    // The operator brings the kinds.
    let tour = mariadb::run(user.clone());
    let result = async {
        tokio::pin!(tour);
        let end = tokio::select! {
            end = &mut tour => { end?; bail!("the tour ended before all moments had come") }
            killed = kill_again_and_again(&mut bed, &user) => { killed?; tour.await? }
        };
        Ok(end)
    }
    .await;
    if let Err(error) = result.and_then(|_| no_hook_under_two_ids(&bed)) {
        let folder = bed.keep();
        return Err(error.context(format!("the logs are kept in {}", folder.display())));
    }
    Ok(())
}

/// Every call of an act hook is in the operator's log with its id and what it is for. One purpose, one id.
fn no_hook_under_two_ids(bed: &Bed) -> Result<()> {
    let log = std::fs::read_to_string(bed.folder.join("operator.log"))?;
    let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut calls = 0;
    for line in log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
    {
        let fields = &line["fields"];
        if let (Some(id), Some("act hook called")) =
            (fields["invocation"].as_str(), fields["message"].as_str())
        {
            calls += 1;
            let purpose = format!(
                "{} of generation {}",
                fields["act"].as_str().unwrap_or_default(),
                fields["generation"]
            );
            ids.entry(purpose).or_default().insert(id.to_owned());
        }
    }
    if calls == 0 {
        bail!("the operator's log tells of no call");
    }
    let twice: Vec<_> = ids.iter().filter(|(_, ids)| ids.len() > 1).collect();
    if !twice.is_empty() {
        bail!("purposes that were served under several ids: {twice:?}");
    }
    Ok(())
}
