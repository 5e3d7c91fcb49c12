//! The watches of the operator tell one event at a time, in every order between them: pods still come and go in order, and it comes to rest after few events.

use std::time::Duration;

use serde_json::json;
use stateward_devcluster::Cluster;
use tokio::time::sleep;

use crate::bed::{Bed, app, tell};
use crate::hooks::{doing, hostile};

/// Orders that are tried.
const ORDERS: u64 = 25;
/// More events than that for three pods would be an operator that goes round in circles.
const MOST: u32 = 120;

/// Delivers events in the order of the seed until there are no more; returns how many there were.
async fn to_rest(bed: &Bed, link: &stateward_devcluster::simulation::Link, seed: u64) -> u32 {
    let mut random = fastrand::Rng::with_seed(seed);
    let (mut ticks, mut quiet) = (0, 0);
    while quiet < 20 {
        // Time passes only when nobody has anything to do.
        sleep(Duration::from_millis(100)).await;
        let held = link.held();
        match random.choice(&held) {
            Some(held) => {
                assert!(link.deliver(held.watch));
                (ticks, quiet) = (ticks + 1, 0);
            }
            None => quiet += 1,
        }
        assert!(
            ticks <= MOST,
            "still not at rest: {:?}",
            bed.kubelet.record()
        );
    }
    ticks
}

#[test]
fn whatever_the_order_between_watches_pods_come_and_go_in_order() {
    let mut most = 0;
    for seed in 0..ORDERS {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        let ticks = runtime.block_on(async {
            let mut bed = Bed::on(Cluster::simulated(seed)).await;
            let link = bed.cluster.link();
            link.hold_watches();
            bed.start_behind(&link);
            bed.create(app("StatefulApp", "db", 3)).await;
            let mut ticks = to_rest(&bed, &link, seed).await;
            let came = ["+db-0", "!db-0", "+db-1", "!db-1", "+db-2", "!db-2"];
            assert_eq!(bed.kubelet.record(), came, "seed {seed}");
            bed.kubelet.forget();
            bed.merge("StatefulApp", "db", json!({ "spec": { "replicas": 1 } }))
                .await;
            ticks += to_rest(&bed, &link, seed).await;
            let went = ["~db-2", "-db-2", "~db-1", "-db-1"];
            assert_eq!(bed.kubelet.record(), went, "seed {seed}");
            ticks
        });
        most = most.max(ticks);
    }
    tell(format_args!(
        "{ORDERS} orders of events, at most {most} events each"
    ));
}

#[tokio::test(start_paused = true)]
async fn pods_of_a_parallel_app_come_together_though_pre_scale_is_asked_one_by_one() {
    let mut bed = Bed::on(Cluster::simulated(0)).await;
    let link = bed.cluster.link();
    link.hold_watches();
    bed.start_behind(&link);
    bed.create(hostile()).await;
    let mut db = doing("db", "done", 4);
    db["spec"]["podManagementPolicy"] = json!("Parallel");
    bed.create(db).await;
    // It hears of everything but of pods: who waited for each to be seen would make one.
    let mut quiet = 0;
    while quiet < 20 {
        sleep(Duration::from_millis(100)).await;
        let held = link.held();
        let told = held.iter().find(|held| held.resource != "pods");
        match told {
            Some(held) => {
                assert!(link.deliver(held.watch));
                quiet = 0;
            }
            None => quiet += 1,
        }
    }
    let mut came = bed.kubelet.record();
    came.retain(|what| what.starts_with('+'));
    assert_eq!(came, ["+db-0", "+db-1", "+db-2", "+db-3"]);
}
