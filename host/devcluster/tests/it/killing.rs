//! A cluster whose process is killed in the middle of its writes: what was acknowledged is there.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::PostParams;
use stateward_devcluster::Cluster;

use crate::config_map;

/// Tells the child, which is this program again, where to write.
const FOLDER: &str = "STATEWARD_TEST_KILLED_CLUSTER";
const CHILD: &str = "killing::writes_until_it_is_killed";

/// The child: writes from several clients at once and tells each name only after it was acknowledged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_until_it_is_killed() -> Result<()> {
    let Some(folder) = std::env::var_os(FOLDER) else {
        // Run among the other tests, it has nothing to write to.
        return Ok(());
    };
    let cluster = Cluster::open(folder.as_ref())?;
    let begin = std::process::id();
    let writers = (0..4).map(|writer| {
        let api: Api<ConfigMap> = Api::default_namespaced(cluster.client("default"));
        async move {
            for number in 0.. {
                let name = format!("written-{begin}-{writer}-{number}");
                api.create(&PostParams::default(), &config_map(&name))
                    .await?;
                println!("acknowledged {name}");
            }
            anyhow::Ok(())
        }
    });
    futures::future::try_join_all(writers).await?;
    Ok(())
}

#[tokio::test]
async fn what_was_acknowledged_outlives_a_kill() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut acknowledged = Vec::new();
    for least in [1, 50, 200] {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--exact", CHILD, "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let mut seen = 0;
        for line in lines {
            // A kill may cut the last line short: what follows the name tells.
            let line = line.unwrap_or_default();
            if let Some((_, name)) = line.split_once("acknowledged ") {
                acknowledged.push(name.to_owned());
                seen += 1;
            }
            if seen == least {
                child.kill()?;
            }
        }
        child.wait()?;
        let last = acknowledged.pop().context("nothing was acknowledged")?;

        let cluster = Cluster::open(folder.path())?;
        let api: Api<ConfigMap> = Api::default_namespaced(cluster.client("default"));
        // The very last line may be a part of a name.
        let is_whole = api.get_opt(&last).await?.is_some();
        if is_whole {
            acknowledged.push(last);
        }
        for name in &acknowledged {
            let found = api.get_opt(name).await?;
            assert!(found.is_some(), "{name} was acknowledged and is gone");
        }
        drop(api);
        drop(cluster);
        wait_until_closed(folder.path()).await;
    }
    assert!(acknowledged.len() >= 250, "{}", acknowledged.len());
    Ok(())
}

/// Clients drop their share of the cluster a moment after they are dropped.
async fn wait_until_closed(folder: &std::path::Path) {
    loop {
        match Cluster::open(folder) {
            Ok(_) => return,
            Err(error) => assert_eq!(error.reason(), "ClusterInUse", "{error}"),
        }
        tokio::task::yield_now().await;
    }
}
