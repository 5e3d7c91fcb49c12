use std::time::Duration;

use serde_json::{Value, json};

use super::super::record::Ended;
use super::*;

fn facts() -> PodFacts {
    PodFacts {
        is_deleting: false,
        restart_policy: RestartPolicy::Always,
        is_prepared: true,
        prepare_at: None,
        refused: None,
    }
}

/// A pod's records from its spec: each container as `name` or `name=exit code`.
fn records(init: Value, main: Value) -> Vec<Record> {
    let pod = serde_json::from_value(
        json!({ "metadata": {}, "spec": { "initContainers": init, "containers": main } }),
    )
    .expect("a pod");
    Record::all_of(&pod)
}

fn end(record: &mut Record, code: i32) {
    record.state = State::Ended(Ended {
        code,
        reason: "Error",
        message: None,
        id: None,
        started_at: None,
        finished_at: None,
    });
}

#[test]
fn init_containers_run_one_after_the_other_before_the_others() {
    let init = json!([{ "name": "first" }, { "name": "second" }]);
    let mut records = records(init, json!([{ "name": "a" }, { "name": "b" }]));
    let now = Instant::now();

    assert_eq!(decide(&facts(), &records, now), Decision::Start(vec![0]));
    end(&mut records[0], 0);
    assert_eq!(decide(&facts(), &records, now), Decision::Start(vec![1]));
    end(&mut records[1], 0);
    assert_eq!(decide(&facts(), &records, now), Decision::Start(vec![2, 3]));
}

#[test]
fn a_sidecar_has_to_be_started_before_what_follows() {
    let init = json!([{ "name": "sidecar", "restartPolicy": "Always" }]);
    let mut records = records(init, json!([{ "name": "a" }]));
    let now = Instant::now();

    assert_eq!(decide(&facts(), &records, now), Decision::Start(vec![0]));
    records[0].state = State::Starting;
    assert_eq!(decide(&facts(), &records, now), Decision::Wait(None));
}

#[test]
fn restart_policy_decides_what_follows_an_exit() {
    use RestartPolicy::{Always, Never, OnFailure};
    for (policy, code, expected) in [
        (Always, 0, None),
        (Always, 1, None),
        (OnFailure, 0, Some(Outcome::Succeeded)),
        (OnFailure, 1, None),
        (Never, 0, Some(Outcome::Succeeded)),
        (Never, 1, Some(Outcome::Failed)),
    ] {
        let facts = PodFacts {
            restart_policy: policy,
            ..facts()
        };
        let mut records = records(json!([]), json!([{ "name": "a" }]));
        end(&mut records[0], code);

        assert_eq!(outcome(&facts, &records), expected, "{policy:?} {code}");
        let next = decide(&facts, &records, Instant::now());
        match expected {
            None => assert_eq!(next, Decision::Start(vec![0]), "{policy:?} {code}"),
            Some(_) => assert_eq!(next, Decision::Wait(None), "{policy:?} {code}"),
        }
    }
}

#[test]
fn a_container_in_back_off_waits_for_its_moment() {
    let mut records = records(json!([]), json!([{ "name": "a" }]));
    let now = Instant::now();
    let later = now + Duration::from_secs(10);
    end(&mut records[0], 1);
    records[0].not_before = Some(later);

    assert_eq!(decide(&facts(), &records, now), Decision::Wait(Some(later)));
    assert_eq!(decide(&facts(), &records, later), Decision::Start(vec![0]));
}

#[test]
fn a_failed_init_container_fails_a_pod_that_is_never_restarted() {
    let facts = PodFacts {
        restart_policy: RestartPolicy::Never,
        ..facts()
    };
    let mut records = records(json!([{ "name": "first" }]), json!([{ "name": "a" }]));
    end(&mut records[0], 3);

    assert_eq!(outcome(&facts, &records), Some(Outcome::Failed));
    assert_eq!(
        decide(&facts, &records, Instant::now()),
        Decision::Wait(None)
    );
}

#[test]
fn volumes_come_before_containers() {
    let facts = PodFacts {
        is_prepared: false,
        ..facts()
    };
    let records = records(json!([]), json!([{ "name": "a" }]));

    assert_eq!(decide(&facts, &records, Instant::now()), Decision::Prepare);
}

#[test]
fn a_deleted_pod_is_removed_when_nothing_of_it_runs() {
    let facts = PodFacts {
        is_deleting: true,
        ..facts()
    };
    let mut records = records(json!([]), json!([{ "name": "a" }]));
    let now = Instant::now();

    assert_eq!(decide(&facts, &records, now), Decision::Remove);
    records[0].state = State::Starting;
    assert_eq!(decide(&facts, &records, now), Decision::Stop(vec![0]));
    end(&mut records[0], 143);
    assert_eq!(decide(&facts, &records, now), Decision::Remove);
    assert_eq!(outcome(&facts, &records), Some(Outcome::Failed));
}

#[test]
fn sidecars_stop_after_the_others_the_last_one_first() {
    let facts = PodFacts {
        is_deleting: true,
        ..facts()
    };
    let sidecar = |name: &str| json!({ "name": name, "restartPolicy": "Always" });
    let mut records = records(
        json!([sidecar("first"), { "name": "once" }, sidecar("last")]),
        json!([{ "name": "a" }, { "name": "b" }]),
    );
    for record in &mut records {
        record.state = State::Starting;
    }
    end(&mut records[1], 0);
    let now = Instant::now();

    for stopped in [vec![3, 4], vec![2], vec![0]] {
        assert_eq!(
            decide(&facts, &records, now),
            Decision::Stop(stopped.clone())
        );
        for at in stopped {
            end(&mut records[at], 143);
        }
    }
    assert_eq!(decide(&facts, &records, now), Decision::Remove);
}
