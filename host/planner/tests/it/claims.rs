//! Claims outlive their pods. The claim templates of a StatefulApp may change: what exists stays, and what is made from then on is made by the new ones.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stateward_planner::spec::{Retention, RetentionPolicy, UpdateStrategy};
use stateward_planner::world::Plugin;
use stateward_planner::{Model, Step};

use crate::bed::{image, model, settle, spec};

fn template(name: &str, class: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "storageClassName": class,
            "resources": {"requests": {"storage": "1Gi"}},
        },
    })
}

/// Two members with a claim each, of the class `slow`.
fn given() -> Model {
    let mut spec = spec(2);
    spec.claim_templates = vec![template("data", "slow")];
    let mut model = model(spec, Plugin::None);
    settle(&mut model);
    model
}

fn uids(model: &Model) -> BTreeMap<String, String> {
    (model.world.claims.iter())
        .map(|claim| (claim.name.clone(), claim.uid.clone()))
        .collect()
}

/// Volumes of the pod, and the claims that they are.
fn used(model: &Model, pod: &str) -> Vec<String> {
    let pod = (model.world.pods.iter()).find(|known| known.name == pod);
    pod.unwrap().claims.values().map(str::to_owned).collect()
}

/// Name and class of the claims that the next pod is made with.
fn made(model: &Model) -> Vec<(String, String)> {
    let steps = model.plan().steps;
    let claims = steps.iter().flat_map(|step| match step {
        Step::CreatePod { claims, .. } => claims.as_slice(),
        _ => &[],
    });
    let text = |claim: &Value, at: &str| claim.pointer(at).unwrap().as_str().unwrap().to_owned();
    claims
        .map(|claim| {
            let name = text(claim, "/metadata/name");
            (name, text(claim, "/spec/storageClassName"))
        })
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    (expected.iter())
        .map(|(name, class)| ((*name).to_owned(), (*class).to_owned()))
        .collect()
}

#[test]
fn given_another_claim_template_then_the_next_pod_has_its_claim_and_what_exists_stays() {
    let mut model = given();
    let before = uids(&model);
    model.edit(|spec| {
        spec.claim_templates = vec![template("data", "fast"), template("log", "fast")];
    });
    assert!(model.plan().steps.is_empty(), "an edit alone makes nothing");
    model.delete_pod("web-1");
    model.finish("web-1");
    assert_eq!(made(&model), pairs(&[("log-web-1", "fast")]));
    settle(&mut model);
    assert_eq!(used(&model, "web-1"), ["data-web-1", "log-web-1"]);
    assert_eq!(used(&model, "web-0"), ["data-web-0"], "as it was made");
    let after = uids(&model);
    let names: Vec<_> = after.keys().map(String::as_str).collect();
    assert_eq!(names, ["data-web-0", "data-web-1", "log-web-1"]);
    assert!(before.iter().all(|(name, uid)| after[name] == *uid));
}

#[test]
fn given_another_class_then_claims_are_of_it_that_are_made_from_then_on() {
    let mut model = given();
    model.edit(|spec| {
        spec.claim_templates = vec![template("data", "fast")];
        spec.replicas = 3;
    });
    assert_eq!(made(&model), pairs(&[("data-web-2", "fast")]));
    settle(&mut model);
    // One that is lost is made anew like any other.
    model.delete_claim("data-web-0");
    model.delete_pod("web-0");
    model.finish("web-0");
    model.finish_claim("data-web-0");
    assert_eq!(made(&model), pairs(&[("data-web-0", "fast")]));
}

#[test]
fn given_a_claim_template_that_is_gone_then_the_next_pod_is_without_and_the_claim_stays() {
    let mut model = given();
    let before = uids(&model);
    model.edit(|spec| spec.claim_templates.clear());
    model.delete_pod("web-1");
    settle(&mut model);
    assert!(used(&model, "web-1").is_empty());
    assert_eq!(used(&model, "web-0"), ["data-web-0"]);
    assert_eq!(uids(&model), before);
}

/// Upstream's TestStatefulSetControlRecreateUpdatePreservesPVC.
#[test]
fn recreate_keeps_the_claims() {
    let mut model = given();
    model.edit(|spec| spec.update = UpdateStrategy::Recreate);
    let (claims, pods) = (uids(&model), model.world.pods.clone());
    model.edit(|spec| image(spec, "web:v2"));
    settle(&mut model);
    assert_eq!(uids(&model), claims);
    let is_new = |uid: &String| pods.iter().all(|pod| pod.uid != *uid);
    assert!(model.world.pods.iter().all(|pod| is_new(&pod.uid)));
}

/// Upstream's TestOrphanedPodsWithPVCDeletePolicy.
#[test]
fn an_adopted_member_has_its_claims_owned_by_the_policy() {
    for when_deleted in [RetentionPolicy::Retain, RetentionPolicy::Delete] {
        let mut model = given();
        model.edit(|spec| {
            spec.retention = Retention {
                when_deleted,
                when_scaled: RetentionPolicy::Delete,
            };
        });
        settle(&mut model);
        model.world.pods[1].owners.clear();
        model.world.claims[1].owners.clear();
        let steps = model.plan().steps;
        let [adopted @ Step::AdoptPod { name, .. }] = steps.as_slice() else {
            panic!("first it is adopted: {steps:#?}");
        };
        assert_eq!(name, "web-1");
        model.apply(adopted).unwrap();
        settle(&mut model);
        let owners: Vec<_> = (model.world.claims.iter())
            .map(|claim| claim.owners.iter().any(|owner| owner.uid == "app-uid"))
            .collect();
        let is_owned = when_deleted == RetentionPolicy::Delete;
        assert_eq!(owners, [is_owned, is_owned]);
    }
}
