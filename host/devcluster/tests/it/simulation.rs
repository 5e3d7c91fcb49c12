//! The cluster as an experiment: moved time, planned faults, events delivered by hand.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{AttachParams, ListParams, PostParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt};
use stateward_devcluster::Cluster;
use stateward_devcluster::simulation::{Exited, Fault, FaultPlan, Link, WatchFault, WriteFault};
use tokio::io::AsyncReadExt;
use tokio::time::{sleep, timeout};

use crate::{config_map, pod};

fn maps(link: &Link) -> Api<ConfigMap> {
    Api::default_namespaced(link.client("default"))
}

async fn exists(cluster: &Cluster, name: &str) -> bool {
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client("default"));
    api.get_opt(name).await.unwrap().is_some()
}

fn on_write(nth: u32, how: WriteFault) -> FaultPlan {
    FaultPlan::only(Fault::Write { nth, how })
}

#[tokio::test(start_paused = true)]
async fn objects_are_stamped_with_the_time_that_the_test_moves() -> Result<()> {
    let cluster = Cluster::simulated(1);
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client("default"));
    let created = |map: &ConfigMap| map.creation_timestamp().unwrap().0.to_string();
    let params = PostParams::default();
    let first = api.create(&params, &config_map("a")).await?;
    sleep(Duration::from_secs(3600)).await;
    let second = api.create(&params, &config_map("b")).await?;
    assert_eq!(created(&first), "2030-01-01T00:00:00Z");
    assert_eq!(created(&second), "2030-01-01T01:00:00Z");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_uids() -> Result<()> {
    let mut uids = Vec::new();
    for seed in [7, 7, 8] {
        let api: Api<ConfigMap> =
            Api::default_namespaced(Cluster::simulated(seed).client("default"));
        let created = api.create(&PostParams::default(), &config_map("a")).await?;
        uids.push(created.uid());
    }
    assert_eq!(uids[0], uids[1]);
    assert_ne!(uids[0], uids[2]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_write_fails_before_or_after_it_took_effect() {
    let cases = [
        (WriteFault::Refused(409), false, "409"),
        (WriteFault::Refused(429), false, "429"),
        (WriteFault::Refused(500), false, "500"),
        (WriteFault::DoneAndRefused(504), true, "504"),
        (WriteFault::DoneAndLost, true, "the connection was reset"),
    ];
    for (how, took_effect, said) in cases {
        let cluster = Cluster::simulated(1);
        let link = cluster.link();
        link.arm(on_write(2, how));
        let api = maps(&link);
        let params = PostParams::default();
        api.create(&params, &config_map("a")).await.unwrap();
        let error = api.create(&params, &config_map("b")).await.unwrap_err();
        assert!(format!("{error:?}").contains(said), "{how}: {error:?}");
        assert_eq!(exists(&cluster, "b").await, took_effect, "{how}");
        api.create(&params, &config_map("c")).await.unwrap();
        assert_eq!(link.writes().len(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_died_sends_nothing_and_hears_nothing() {
    for (how, took_effect) in [
        (WriteFault::CrashBefore, false),
        (WriteFault::CrashAfter, true),
    ] {
        let cluster = Cluster::simulated(1);
        let link = cluster.link();
        let events = maps(&link).watch(&WatchParams::default(), "0").await;
        let mut events = events.unwrap().boxed();
        link.arm(on_write(1, how));
        let api = maps(&link);
        let day = Duration::from_secs(86_400);
        let params = PostParams::default();
        let map = config_map("a");
        let answer = timeout(day, api.create(&params, &map)).await;
        assert!(answer.is_err(), "{how}");
        assert!(link.is_cut());
        let params = ListParams::default();
        assert!(timeout(day, api.list(&params)).await.is_err(), "{how}");
        assert!(timeout(day, events.next()).await.is_err(), "{how}");
        assert_eq!(exists(&cluster, "a").await, took_effect, "{how}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_shows_an_earlier_state_and_the_watch_from_there_catches_up() -> Result<()> {
    let cluster = Cluster::simulated(1);
    let link = cluster.link();
    let api = maps(&link);
    for name in ["a", "b", "c"] {
        let params = PostParams::default();
        api.create(&params, &config_map(name)).await?;
    }
    link.arm(FaultPlan::only(Fault::StaleList { nth: 1, behind: 2 }));
    let stale = api.list(&ListParams::default()).await?;
    assert_eq!(stale.items.len(), 1);
    assert_eq!(api.list(&ListParams::default()).await?.items.len(), 3);
    let version = stale.metadata.resource_version.unwrap_or_default();
    let events = api.watch(&WatchParams::default(), &version).await?;
    let seen: Vec<_> = events.take(2).try_collect().await?;
    assert!(seen.iter().all(|seen| matches!(seen, WatchEvent::Added(_))));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_watch_is_cut_expires_or_lags_after_so_many_events() -> Result<()> {
    for how in [
        WatchFault::Cut,
        WatchFault::Expired,
        WatchFault::Late(Duration::from_secs(9)),
    ] {
        let link = Cluster::simulated(1).link();
        let after = 2;
        link.arm(FaultPlan::only(Fault::Watch { nth: 1, after, how }));
        let api = maps(&link);
        let mut events = api.watch(&WatchParams::default(), "0").await?.boxed();
        for name in ["a", "b", "c"] {
            let params = PostParams::default();
            api.create(&params, &config_map(name)).await?;
        }
        for _ in 0..after {
            let event = events.next().await.unwrap()?;
            assert!(matches!(event, WatchEvent::Added(_)), "{how}: {event:?}");
        }
        let begin = tokio::time::Instant::now();
        let third = events.next().await.unwrap();
        let took = begin.elapsed();
        match how {
            WatchFault::Cut => assert!(third.is_err(), "{third:?}"),
            WatchFault::Expired => {
                assert!(
                    matches!(&third, Ok(WatchEvent::Error(status)) if status.code == 410),
                    "{third:?}"
                );
            }
            WatchFault::Late(by) => {
                assert!(matches!(third?, WatchEvent::Added(_)));
                assert!(took >= by, "{took:?}");
            }
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn held_events_come_when_they_are_delivered_in_any_order_between_watches() -> Result<()> {
    let cluster = Cluster::simulated(1);
    let link = cluster.link();
    link.hold_watches();
    let pods: Api<Pod> = Api::default_namespaced(link.client("default"));
    let mut map_events = maps(&link)
        .watch(&WatchParams::default(), "0")
        .await?
        .boxed();
    let mut pod_events = pods.watch(&WatchParams::default(), "0").await?.boxed();
    let params = PostParams::default();
    maps(&link).create(&params, &config_map("a")).await?;
    maps(&link).create(&params, &config_map("b")).await?;
    pods.create(&params, &pod("web-0", "")).await?;

    let held = link.held();
    let waiting: BTreeMap<_, _> = (held.iter())
        .map(|held| (held.resource.as_str(), held.waiting))
        .collect();
    assert_eq!(waiting, BTreeMap::from([("configmaps", 2), ("pods", 1)]));
    let moment = Duration::from_millis(1);
    assert!(timeout(moment, map_events.next()).await.is_err());
    assert!(timeout(moment, pod_events.next()).await.is_err());

    let watch_of = |resource: &str| {
        let held = link.held();
        let found = held.into_iter().find(|held| held.resource == resource);
        found.map(|held| held.watch)
    };
    assert!(link.deliver(watch_of("pods").unwrap()));
    assert!(timeout(moment, pod_events.next()).await.is_ok());
    assert!(timeout(moment, map_events.next()).await.is_err());
    assert!(link.deliver(watch_of("configmaps").unwrap()));
    assert!(timeout(moment, map_events.next()).await.is_ok());
    assert!(timeout(moment, map_events.next()).await.is_err());
    assert_eq!(watch_of("pods"), None);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn programs_in_pods_are_answered_by_the_test() -> Result<()> {
    let link = Cluster::simulated(1).link_with_members(|started| Exited {
        code: if started.argv[0] == "false" { 1 } else { 0 },
        stdout: format!("{} in {}", started.argv.join(" "), started.pod),
    });
    let pods: Api<Pod> = Api::default_namespaced(link.client("default"));
    let params = AttachParams::default().stderr(false);
    let mut process = pods.exec("web-0", ["echo", "a b"], &params).await?;
    let mut said = String::new();
    let mut stdout = process.stdout().unwrap();
    stdout.read_to_string(&mut said).await?;
    assert_eq!(said, "echo a b in web-0");
    let status = process.take_status().unwrap().await.unwrap();
    assert_eq!(status.status.as_deref(), Some("Success"));
    let mut process = pods.exec("web-0", ["false"], &params).await?;
    let status = process.take_status().unwrap().await.unwrap();
    assert_eq!(status.reason.as_deref(), Some("NonZeroExitCode"));
    assert_eq!(link.writes(), ["exec web-0 echo a b", "exec web-0 false"]);
    Ok(())
}

#[test]
fn a_plan_is_drawn_from_its_seed_shrunk_and_told_in_words() {
    let plan = FaultPlan::from_seed(11, 20);
    assert_eq!(plan, FaultPlan::from_seed(11, 20));
    assert_ne!(plan, FaultPlan::from_seed(12, 20));
    let lost = Fault::Write {
        nth: 3,
        how: WriteFault::DoneAndLost,
    };
    let mut plan = plan;
    plan.faults.insert(1, lost);
    let shrunk = plan.clone().shrunk(|plan| plan.faults.contains(&lost));
    assert_eq!(shrunk.plan.faults, [lost]);
    let words = format!(
        "seed 11: write 3 is done but its answer is lost (1 of {} faults)",
        plan.faults.len()
    );
    assert_eq!(shrunk.to_string(), words);
}
