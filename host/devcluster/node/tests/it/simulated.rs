//! The simulated runtime and its scripts.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Endpoints, Pod};
use stateward_node::Script;

use crate::bed::{Bed, condition, first_container, is_ready, phase, restarts, waiting};

fn pod(name: &str, more: &str) -> String {
    format!(
        r#"
apiVersion: v1
kind: Pod
metadata: {{ name: {name}, labels: {{ app: web }} }}
spec:
  {more}
  containers: [{{ name: main, image: whatever }}]
"#
    )
}

#[tokio::test]
async fn a_pod_is_ready_at_once_unless_its_script_says_otherwise() {
    let bed = Bed::simulated().await;
    bed.simulation.script("slow", Script::NotReady);
    bed.simulation.script("held", Script::Pending);

    for name in ["quick", "slow", "held"] {
        bed.apply(&pod(name, "")).await;
    }

    bed.until_ready("quick").await;
    let slow = bed
        .until("slow", "running", |pod: &Pod| phase(pod) == Some("Running"))
        .await;
    assert!(!is_ready(&slow));
    let held: Pod = bed.api().get("held").await.expect("the pod");
    assert_ne!(
        held.status.and_then(|status| status.phase).as_deref(),
        Some("Running")
    );

    bed.simulation
        .script("slow", Script::Slow(Duration::from_millis(1)));
    bed.simulation.script("held", Script::Ready);
    bed.until_ready("slow").await;
    bed.until_ready("held").await;
}

#[tokio::test]
async fn a_crashing_container_backs_off_and_recovers() {
    let bed = Bed::simulated().await;
    bed.apply(&pod("web-0", "")).await;
    bed.until_ready("web-0").await;

    bed.simulation.script("web-0", Script::Crash(3));
    let backing_off = bed
        .until("web-0", "in back-off", |pod: &Pod| {
            waiting(pod) == Some("CrashLoopBackOff")
        })
        .await;

    assert_eq!(restarts(&backing_off), 1);
    assert!(!is_ready(&backing_off));
    let status = first_container(&backing_off).expect("a status");
    let last = status.last_state.as_ref().expect("a last state");
    let last = last.terminated.as_ref().expect("an end");
    assert_eq!((last.exit_code, last.reason.as_deref()), (3, Some("Error")));
}

#[tokio::test]
async fn a_pod_that_is_not_restarted_ends_with_its_containers() {
    let bed = Bed::simulated().await;
    for (name, code, expected) in [("good", 0, "Succeeded"), ("bad", 1, "Failed")] {
        bed.simulation.script(name, Script::Crash(code));
        bed.apply(&pod(name, "restartPolicy: Never")).await;
        bed.until(name, expected, |pod: &Pod| phase(pod) == Some(expected))
            .await;
    }
}

#[tokio::test]
async fn readiness_waits_for_gates_that_somebody_else_sets() {
    let bed = Bed::simulated().await;
    bed.apply(&pod(
        "gated",
        "readinessGates: [{ conditionType: example.com/joined }]",
    ))
    .await;
    let pod = bed
        .until("gated", "containers ready", |pod: &Pod| {
            condition(pod, "ContainersReady").as_deref() == Some("True")
        })
        .await;
    assert!(!is_ready(&pod));

    let conditions = serde_json::json!([{ "type": "example.com/joined", "status": "True" }]);
    let patch =
        kube::api::Patch::Strategic(serde_json::json!({ "status": { "conditions": conditions } }));
    bed.api::<Pod>()
        .patch_status("gated", &Default::default(), &patch)
        .await
        .expect("patched");

    let ready = bed.until_ready("gated").await;
    assert_eq!(
        condition(&ready, "example.com/joined").as_deref(),
        Some("True")
    );
}

#[tokio::test]
async fn a_deleted_pod_goes_when_its_containers_have_ended_and_a_forced_one_at_once() {
    let bed = Bed::simulated().await;
    bed.simulation.script("web-1", Script::Stubborn);
    for name in ["web-0", "web-1"] {
        bed.apply(&pod(name, "terminationGracePeriodSeconds: 1000"))
            .await;
        bed.until_ready(name).await;
    }

    bed.api::<Pod>()
        .delete("web-0", &Default::default())
        .await
        .expect("deleted");
    bed.until_gone::<Pod>("web-0").await;

    bed.api::<Pod>()
        .delete("web-1", &Default::default())
        .await
        .expect("deleted");
    bed.until("web-1", "unready while it stops", |pod: &Pod| {
        !is_ready(pod)
    })
    .await;
    let at_once = kube::api::DeleteParams::default().grace_period(0);
    bed.api::<Pod>()
        .delete("web-1", &at_once)
        .await
        .expect("deleted");
    bed.until_gone::<Pod>("web-1").await;
}

#[tokio::test]
async fn a_lost_pod_stays_as_it_was_until_its_node_is_back() {
    let bed = Bed::simulated().await;
    bed.apply(&pod("web-0", "")).await;
    bed.until_ready("web-0").await;
    bed.simulation.script("web-0", Script::Lost);

    bed.api::<Pod>()
        .delete("web-0", &Default::default())
        .await
        .expect("deleted");
    bed.apply(&pod("web-1", "")).await;
    bed.until_ready("web-1").await;
    let lost: Pod = bed.api().get("web-0").await.expect("still there");
    assert!(is_ready(&lost) && lost.metadata.deletion_timestamp.is_some());

    bed.simulation.script("web-0", Script::Ready);
    bed.until_gone::<Pod>("web-0").await;
}

#[tokio::test]
async fn a_pod_whose_host_port_is_taken_fails() {
    let bed = Bed::simulated().await;
    let with_port = |name: &str| {
        pod(name, "").replace(
            "image: whatever",
            "image: whatever, ports: [{ containerPort: 80, hostPort: 80 }]",
        )
    };
    bed.apply(&with_port("first")).await;
    bed.until_ready("first").await;

    bed.apply(&with_port("second").replace("spec:", "spec:\n  nodeName: node"))
        .await;

    let failed = bed
        .until("second", "failed", |pod: &Pod| phase(pod) == Some("Failed"))
        .await;
    assert_eq!(
        failed.status.and_then(|status| status.reason).as_deref(),
        Some("NodePorts")
    );

    bed.api::<Pod>()
        .delete("first", &Default::default())
        .await
        .expect("deleted");
    bed.until_gone::<Pod>("first").await;
    bed.apply(&with_port("third")).await;
    bed.until_ready("third").await;
}

#[tokio::test]
async fn a_deleted_pod_that_a_finalizer_holds_has_ended() {
    let bed = Bed::simulated().await;
    bed.apply(&pod("held", "").replace("name: held", "name: held, finalizers: [example.com/hold]"))
        .await;
    bed.until_ready("held").await;

    bed.api::<Pod>()
        .delete("held", &Default::default())
        .await
        .expect("deleted");

    let ended = bed
        .until("held", "ended", |pod: &Pod| {
            matches!(phase(pod), Some("Succeeded" | "Failed"))
        })
        .await;
    assert!(ended.metadata.deletion_timestamp.is_some());
    assert!(!is_ready(&ended));
    let release = serde_json::json!({ "metadata": { "finalizers": null } });
    bed.api::<Pod>()
        .patch(
            "held",
            &Default::default(),
            &kube::api::Patch::Merge(release),
        )
        .await
        .expect("released");
    bed.until_gone::<Pod>("held").await;
}

#[tokio::test]
async fn endpoints_follow_readiness() {
    let bed = Bed::simulated().await;
    bed.apply("apiVersion: v1\nkind: Service\nmetadata: { name: web }\nspec: { clusterIP: None, selector: { app: web }, ports: [{ port: 80 }] }\n")
        .await;
    let lists = |endpoints: &Endpoints| -> (usize, usize) {
        let subset = endpoints
            .subsets
            .as_ref()
            .and_then(|subsets| subsets.first());
        let count = |list: Option<&Vec<_>>| list.map_or(0, Vec::len);
        (
            count(subset.and_then(|subset| subset.addresses.as_ref())),
            count(subset.and_then(|subset| subset.not_ready_addresses.as_ref())),
        )
    };

    for name in ["web-0", "web-1"] {
        bed.apply(&pod(name, "")).await;
    }
    bed.until("web", "two ready", |endpoints| lists(endpoints) == (2, 0))
        .await;
    bed.simulation.script("web-1", Script::NotReady);
    bed.until("web", "one ready", |endpoints| lists(endpoints) == (1, 1))
        .await;
    bed.api::<Pod>()
        .delete("web-1", &Default::default())
        .await
        .expect("deleted");
    bed.until("web", "one left", |endpoints| lists(endpoints) == (1, 0))
        .await;
}

#[tokio::test]
async fn a_simulated_command_answers_as_scripted() {
    let bed = Bed::simulated().await;
    bed.simulation.on_exec(|pod, command| {
        (
            4,
            format!("{pod}: {}", command.join(" ")),
            "warned".to_owned(),
        )
    });
    bed.apply(&pod("web-0", "")).await;
    bed.until_ready("web-0").await;

    let output = bed.exec("web-0", &["show", "status"], "").await;

    assert_eq!(
        (output.code, output.stdout.as_str(), output.stderr.as_str()),
        (4, "web-0: show status", "warned")
    );
}

#[tokio::test]
async fn the_start_of_a_pod_costs_few_writes() {
    let bed = Bed::simulated().await;
    bed.apply(&pod("first", "")).await;
    bed.until_ready("first").await;
    let before = bed.cluster.request_counts();

    bed.apply(&pod("web-0", "")).await;
    bed.until_ready("web-0").await;
    bed.told("web-0", "Started").await;

    let writes: Vec<(String, u64)> = bed
        .cluster
        .request_counts()
        .into_iter()
        .filter(|(what, _)| {
            !what.starts_with("get ") && !what.starts_with("list ") && !what.starts_with("watch ")
        })
        .map(|(what, count)| {
            (
                what.clone(),
                count - before.get(&what).copied().unwrap_or_default(),
            )
        })
        .filter(|(_, count)| *count > 0)
        .collect();
    let expected = [
        ("create events", 2),
        ("create pods/binding", 1),
        // The manifest itself.
        ("patch pods", 1),
        ("patch pods/status", 2),
    ];
    assert_eq!(
        writes,
        expected.map(|(what, count)| (what.to_owned(), count))
    );
}

/// Time is moved here, so it can be compared.
#[tokio::test(start_paused = true)]
async fn a_hook_that_sleeps_comes_before_the_signal_and_within_the_grace_period() {
    let bed = Bed::simulated().await;
    for (name, grace, script, lived) in [
        ("short", 30, Script::Ready, 5),
        ("cut", 2, Script::Ready, 2),
        ("deaf", 10, Script::Stubborn, 10),
    ] {
        bed.simulation.script(name, script);
        let grace = format!("terminationGracePeriodSeconds: {grace}");
        let sleeps = "image: whatever, lifecycle: { preStop: { sleep: { seconds: 5 } } }";
        bed.apply(&pod(name, &grace).replace("image: whatever", sleeps))
            .await;
        bed.until_pod(name, |pod| pod.is_some_and(is_ready)).await;

        let asked = tokio::time::Instant::now();
        bed.api::<Pod>()
            .delete(name, &Default::default())
            .await
            .expect("deleted");
        bed.until_pod(name, |pod| pod.is_none()).await;

        assert_eq!(asked.elapsed().as_secs(), lived, "{name}");
    }
}

/// Time is moved here, so it can be compared.
#[tokio::test(start_paused = true)]
async fn sidecars_that_do_not_hear_the_signal_get_two_seconds_each_when_the_grace_period_is_over() {
    let bed = Bed::simulated().await;
    bed.simulation.script("deaf", Script::Stubborn);
    let sidecars = "terminationGracePeriodSeconds: 10\n  initContainers: [{ name: first, image: any, restartPolicy: Always }, { name: last, image: any, restartPolicy: Always }]";
    bed.apply(&pod("deaf", sidecars)).await;
    bed.until_pod("deaf", |pod| pod.is_some_and(is_ready)).await;

    let asked = tokio::time::Instant::now();
    bed.api::<Pod>()
        .delete("deaf", &Default::default())
        .await
        .expect("deleted");
    bed.until_pod("deaf", |pod| pod.is_none()).await;

    assert_eq!(asked.elapsed().as_secs(), 14);
}
