//! Points of `docs/statefulset-compatibility.md` that need a world of their own.

use serde_json::json;
use stateward_planner::spec::{Retention, RetentionPolicy};
use stateward_planner::world::{Claim, Face, Plugin};
use stateward_planner::{Model, Step};

use crate::bed::{app, image, model, now, settle, spec, with_claims};

const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
const REVISION: &str = "controller-revision-hash";

fn settled(replicas: u32) -> Model {
    let mut model = model(with_claims(spec(replicas)), Plugin::None);
    settle(&mut model);
    model
}

/// Item 31.
#[test]
fn a_pod_without_a_revision_is_outdated() {
    let mut model = settled(2);
    model.world.pods[1].labels.remove(REVISION);
    let name = model.world.pods[1].name.clone();
    let plan = model.plan();
    let is_it = |step: &&Step| matches!(step, Step::DeletePod { name: gone, .. } if *gone == name);
    assert_eq!(plan.steps.iter().filter(is_it).count(), 1, "{plan:#?}");
}

/// Items 41 and 42.
#[test]
fn a_damaged_identity_is_repaired_ready_or_not() {
    for is_ready in [true, false] {
        let mut model = settled(1);
        model.world.pods[0].labels.insert(POD_NAME, "another");
        if !is_ready {
            model.make_unready("web-0");
        }
        let steps = model.plan().steps;
        let [Step::PatchPod { labels, .. }] = steps.as_slice() else {
            panic!("one patch: {steps:#?}");
        };
        assert_eq!(labels[POD_NAME].as_deref(), Some("web-0"));
        model.apply(&steps[0]).unwrap();
        assert_eq!(model.world.pods[0].labels.get(POD_NAME), Some("web-0"));
    }
    let mut model = settled(1);
    model.world.pods[0]
        .labels
        .remove("apps.kubernetes.io/pod-index");
    assert!(
        model.plan().steps.is_empty(),
        "the index alone is not mended"
    );
}

/// Items 52 and 53.
#[test]
fn a_claim_that_vanished_under_a_pending_pod_is_made_again() {
    let mut model = settled(1);
    model.finish_claim("data-web-0");
    assert!(model.plan().steps.is_empty(), "nothing under a running pod");
    model.world.pods[0].phase = stateward_planner::world::PodPhase::Pending;
    model.world.pods[0].ready_since = None;
    let steps = model.plan().steps;
    assert!(
        matches!(steps.as_slice(), [Step::CreateClaims { ordinal: 0, .. }]),
        "{steps:#?}"
    );
}

/// Item 65.
#[test]
fn nobody_leaves_before_the_claims_have_their_owner() {
    let mut model = settled(3);
    model.edit(|spec| {
        spec.replicas = 1;
        spec.pod_management = stateward_planner::spec::PodManagement::Parallel;
        spec.retention = Retention {
            when_deleted: RetentionPolicy::Retain,
            when_scaled: RetentionPolicy::Delete,
        };
    });
    let steps = model.plan().steps;
    let owned = |step: &Step| matches!(step, Step::OwnClaim { owner: Some(_), .. });
    assert!(steps.len() == 2 && steps.iter().all(owned), "{steps:#?}");
    model.apply(&steps[0]).unwrap();
    let left = model.plan().steps;
    assert!(
        left.len() == 1 && left.iter().all(owned),
        "one claim is left: {left:#?}"
    );
    settle(&mut model);
    assert_eq!(model.world.pods.len(), 1);
    let claims: Vec<_> = model.world.claims.iter().map(|claim| &claim.name).collect();
    assert_eq!(claims, ["data-web-0"], "garbage collection took the others");
}

/// Item 65: until then the scale can be taken back, and nothing is lost.
#[test]
fn a_claim_is_given_to_a_pod_that_leaves_when_its_turn_has_come() {
    let mut model = settled(3);
    model.make_unready("web-0");
    model.edit(|spec| {
        spec.replicas = 1;
        spec.retention.when_scaled = RetentionPolicy::Delete;
    });
    let owned = |step: &Step| matches!(step, Step::OwnClaim { .. });
    let steps = model.plan().steps;
    assert!(!steps.iter().any(owned), "{steps:#?}");
    model.start("web-0");
    let steps = model.plan().steps;
    assert_eq!(
        steps.iter().filter(|step| owned(step)).count(),
        2,
        "{steps:#?}"
    );
    settle(&mut model);
    assert_eq!(model.world.claims.len(), 1);
}

/// Item 66: a quota may refuse the pod for ever.
#[test]
fn the_claim_of_a_missing_pod_gets_and_loses_its_owner_beside_its_creation() {
    let mut model = settled(2);
    let gone = model.world.pods.remove(1);
    for (when_deleted, is_owned) in [
        (RetentionPolicy::Delete, true),
        (RetentionPolicy::Retain, false),
    ] {
        model.edit(|spec| spec.retention.when_deleted = when_deleted);
        let steps = model.plan().steps;
        let is_making =
            |step: &Step| matches!(step, Step::CreatePod { name, .. } if *name == gone.name);
        assert!(steps.iter().any(is_making), "{steps:#?}");
        for step in steps.iter().filter(|step| !is_making(step)) {
            model.apply(step).unwrap();
        }
        let owned = |claim: &Claim| !claim.owners.is_empty();
        let found: Vec<_> = model
            .world
            .claims
            .iter()
            .map(|claim| owned(claim))
            .collect();
        assert_eq!(found, [is_owned; 2]);
    }
}

/// Items 59 and 88: upstream's processReplica goes on behind a terminating pod where it does not wait.
#[test]
fn a_member_that_is_wanted_again_while_its_pod_goes_keeps_its_claims_in_parallel() {
    use stateward_planner::spec::PodManagement::{OrderedReady, Parallel};
    for (face, policy, keeps) in [
        (Face::StatefulSet, Parallel, true),
        (Face::StatefulSet, OrderedReady, false),
        (Face::StatefulApp, Parallel, false),
    ] {
        let mut app = app(with_claims(spec(2)));
        app.face = face;
        app.spec.pod_management = policy;
        app.spec.retention.when_scaled = RetentionPolicy::Delete;
        let mut model = Model::of(app, Plugin::None, now());
        settle(&mut model);
        model.edit(|spec| spec.replicas = 1);
        for _ in 0..2 {
            for step in model.plan().steps {
                model.apply(&step).unwrap();
            }
        }
        model.edit(|spec| spec.replicas = 2);
        let steps = model.plan().steps;
        let is_given_back = |step: &Step| matches!(step, Step::OwnClaim { name, owner: None, .. } if name == "data-web-1");
        assert_eq!(
            steps.iter().any(is_given_back),
            keeps,
            "{face:?}: {steps:#?}"
        );
        settle(&mut model);
        assert_eq!(model.world.pods.len(), 2, "{face:?}");
    }
}

/// Items 108, 133 and 134.
#[test]
fn counters_are_those_of_upstream() {
    for (face, available) in [(Face::StatefulSet, 3), (Face::StatefulApp, 2)] {
        let mut app = app(spec(3));
        app.face = face;
        let mut model = Model::of(app, Plugin::None, now());
        settle(&mut model);
        model.edit(|spec| image(spec, "web:v2"));
        for _ in 0..2 {
            let plan = model.plan();
            model.record(&plan);
            for step in &plan.steps {
                model.apply(step).unwrap();
            }
        }
        let status = model.plan().status;
        let counters = [
            status.replicas,
            status.ready_replicas,
            status.available_replicas,
            status.current_replicas,
            status.updated_replicas,
        ];
        assert_eq!(
            counters,
            [3, 3, available, 2, 0],
            "{face:?}: {}",
            json!(status)
        );
    }
}
