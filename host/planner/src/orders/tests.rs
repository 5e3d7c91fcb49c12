use crate::journal::{Act, Cause, InvocationId, Phase};
use crate::plan::Step;
use crate::status::Order;
use crate::testing::{calls, claim, deletions, known, now, record, served};
use crate::world::{RulingWish, Verb};

#[test]
fn given_a_pod_that_the_plugin_wants_replaced_then_it_is_prepared_and_deleted() {
    let mut world = served(2, &["pre-delete"]);
    let why = "stuck".to_owned();
    world.recorded.orders = vec![Order::Replace {
        ordinal: 1,
        pod: "uid-1".to_owned(),
        why,
    }];
    assert_eq!(calls(&world), ["pre-delete/uid-1/replace"]);
    let act = Act::PreDelete {
        ordinal: 1,
        pod: "uid-1".to_owned(),
        cause: Cause::Replace,
    };
    known(&mut world, act, Phase::Done);
    assert_eq!(deletions(&world), ["web-1 Requested"]);
    world.pods.pop();
    record(&mut world);
    assert!(world.recorded.orders.is_empty());
}

#[test]
fn given_volumes_to_discard_then_first_the_pod_goes_then_the_claims_and_then_it_comes_back() {
    let mut world = served(2, &[]);
    world.claims = vec![claim("data-web-1").into()];
    let uid = world.claims[0].uid.clone();
    world.recorded.orders = vec![Order::Discard {
        ordinal: 1,
        claims: vec![uid.clone()],
        why: "diverged".to_owned(),
    }];
    assert_eq!(deletions(&world), ["web-1 Requested"]);
    world.pods.pop();
    let steps = crate::plan(&world, now()).steps;
    assert_eq!(
        steps,
        [Step::DeleteClaim {
            name: "data-web-1".to_owned(),
            uid
        }]
    );
    world.claims.clear();
    let plan = record(&mut world);
    assert!(plan.status.orders.is_empty());
    assert!(
        plan.steps
            .iter()
            .any(|step| matches!(step, Step::CreatePod { ordinal: 1, .. }))
    );
}

#[test]
fn given_a_quarantined_member_then_it_is_not_started_until_somebody_releases_it() {
    let mut world = served(2, &[]);
    world.pods.pop();
    world.recorded.orders = vec![Order::Quarantine {
        ordinal: 1,
        why: "its data diverged".to_owned(),
    }];
    let plan = record(&mut world);
    assert!(plan.steps.is_empty());
    assert!(
        plan.status
            .waiting
            .iter()
            .any(|wait| wait.reason == "Quarantined")
    );
    world.app.wishes.ruling = Some(RulingWish {
        id: "1".to_owned(),
        invocation: InvocationId("quarantine/1".to_owned()),
        verb: Verb::Skip,
        by: "ada".to_owned(),
        reason: "rebuilt by hand".to_owned(),
    });
    let plan = record(&mut world);
    assert_eq!(plan.status.rulings[0].result, "Taken");
    assert!(plan.status.orders.is_empty());
    let steps = record(&mut world).steps;
    assert!(
        steps
            .iter()
            .any(|step| matches!(step, Step::CreatePod { ordinal: 1, .. }))
    );
}
