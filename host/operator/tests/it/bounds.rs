//! A large app whose members all want the plugin at once: the status stays small, and is written seldom.

use serde_json::{Value, json};
use stateward_devcluster::Cluster;
use stateward_devcluster::simulation::{Exited, FaultPlan};
use tokio::time::{Duration, Instant, sleep};

use crate::bed::{Bed, app, tell};
use crate::hooks::plugin;

const MEMBERS: usize = 1000;
const IN_FLIGHT: usize = 32;
/// Pods that joined of which the status tells.
const TOLD: usize = 512;
const MOST_BYTES: usize = 128 * 1024;
/// The longest time, in the time of the test.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// Waits until the app's status is like that.
async fn until(bed: &Bed, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
    let begin = Instant::now();
    loop {
        let status = bed.get("StatefulApp", "web").await["status"].clone();
        let size = status.to_string().len();
        assert!(size <= MOST_BYTES, "the status has {size} bytes");
        if holds(&status) {
            return status;
        }
        assert!(begin.elapsed() < PATIENCE, "waited in vain until {what}");
        sleep(Duration::from_secs(1)).await;
    }
}

#[test]
fn given_post_ready_due_on_a_thousand_members_then_status_and_writes_stay_small() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut bed = Bed::on(Cluster::simulated(1)).await;
        let link = bed.cluster.link_with_members(|_| Exited::default());
        link.arm(FaultPlan::none());
        let grants = json!({ "requests": true, "discardVolumes": true, "events": true });
        bed.create(plugin("steered", "steered", grants)).await;
        let mut web = app("StatefulApp", "web", u32::try_from(MEMBERS).unwrap());
        web["spec"]["podManagementPolicy"] = json!("Parallel");
        web["spec"].as_object_mut().unwrap().remove("volumeClaimTemplates");
        web["spec"]["template"]["spec"]["containers"][0]
            .as_object_mut()
            .unwrap()
            .remove("volumeMounts");
        bed.create(web).await;
        bed.start_behind(&link);
        until(&bed, "all are ready", |status| status["readyReplicas"] == MEMBERS).await;
        let of_status = || {
            let writes = link.writes();
            let of_status = writes
                .iter()
                .filter(|write| write.ends_with("statefulapps/web/status"));
            of_status.count()
        };
        let at_first = of_status();
        // Now all are to join at once. Each takes long, with the largest checkpoint and a long message.
        let steered =
            json!({ "name": "steered", "settings": { "post-ready": "again: joining" } });
        bed.merge("StatefulApp", "web", json!({ "spec": { "plugin": steered } }))
            .await;
        let status = until(&bed, "32 are under way", |status| {
            status["readyReplicas"] == MEMBERS
                && status["availableReplicas"] != MEMBERS
                && status["invocations"].as_array().is_some_and(|all| all.len() >= IN_FLIGHT)
        })
        .await;
        let under_way = status["invocations"].as_array().unwrap().len();
        assert_eq!(under_way, IN_FLIGHT);
        let until_then = of_status() - at_first;
        tell(format_args!(
            "{MEMBERS} ready, {IN_FLIGHT} joining: {} bytes of status after {until_then} status writes",
            status.to_string().len()
        ));
        // One write per call that must be durable, and what is coalesced.
        assert!(until_then < 4 * IN_FLIGHT, "{until_then} status writes");

        // When they may, all join: the status tells of as many as it has room for, the others tell themselves; and the status is written now and then.
        let joined = || {
            let writes = link.writes();
            let of_pods = writes.iter().filter(|write| write.contains("pods/web-"));
            of_pods.count()
        };
        let marked = joined();
        let gone = json!({ "spec": { "plugin": { "settings": null } } });
        bed.merge("StatefulApp", "web", gone).await;
        let status =
            until(&bed, "all have joined", |status| status["availableReplicas"] == MEMBERS).await;
        assert_eq!(status["joined"].as_array().map(Vec::len), Some(TOLD));
        // Records and the last status may come a moment later.
        sleep(Duration::from_secs(5)).await;
        let after = of_status() - at_first - until_then;
        let records = joined() - marked;
        tell(format_args!("{MEMBERS} joined with {records} records on pods and {after} status writes"));
        assert_eq!(records, MEMBERS - TOLD, "one record each");
        assert!(after < MEMBERS / 4, "{after} status writes");
    });
}
