use crate::journal::{Act, Cause, Phase};
use crate::testing::{calls, deletions, known, now, record, served};
use crate::waiting::Waiting;
use crate::world::World;
use jiff::{SignedDuration, Timestamp};

fn soon() -> Timestamp {
    now() + SignedDuration::from_secs(30)
}

fn waits(world: &World) -> Vec<Waiting> {
    crate::plan(world, now()).status.waiting
}

#[test]
fn given_post_delete_when_a_member_leaves_for_good_then_its_departure_is_recorded_before_its_pod_goes()
 {
    let mut world = served(2, &["post-delete"]);
    world.app.spec.replicas = 1;
    assert!(deletions(&world).is_empty());
    let plan = record(&mut world);
    assert!(plan.status_is_urgent);
    assert_eq!(plan.status.departures[0].pod, "uid-1");
    assert_eq!(deletions(&world), ["web-1 Condemned"]);
}

#[test]
fn given_a_departure_when_the_pod_is_gone_then_post_delete_blocks_the_ordinal() {
    let mut world = served(2, &["post-delete"]);
    world.app.spec.replicas = 1;
    record(&mut world);
    world.pods.pop();
    assert_eq!(calls(&world), ["post-delete/uid-1"]);
    world.app.spec.replicas = 2;
    record(&mut world);
    let waiting = waits(&world);
    assert!(
        waiting.iter().any(|wait| wait.reason == "OrdinalInUse"),
        "{waiting:?}"
    );
    let act = Act::PostDelete {
        ordinal: 1,
        pod: "uid-1".to_owned(),
    };
    known(&mut world, act, Phase::Done);
    record(&mut world);
    assert!(world.recorded.departures.is_empty());
    let created = crate::plan(&world, now()).steps;
    assert!(
        created
            .iter()
            .any(|step| matches!(step, crate::Step::CreatePod { ordinal: 1, .. }))
    );
}

#[test]
fn given_a_departure_when_the_member_stays_after_all_then_it_is_forgotten() {
    let mut world = served(2, &["post-delete"]);
    world.app.spec.replicas = 1;
    record(&mut world);
    world.app.spec.replicas = 2;
    record(&mut world);
    assert!(world.recorded.departures.is_empty());
}

#[test]
fn given_a_pod_that_somebody_else_deletes_then_pre_delete_is_called_within_its_grace() {
    let mut world = served(2, &["pre-delete"]);
    world.pods[1].deletion = Some(soon());
    assert_eq!(calls(&world), ["pre-delete/uid-1/external"]);
    world.pods[1].deletion = Some(now());
    assert!(calls(&world).is_empty(), "the grace is over");
}

#[test]
fn given_a_pod_that_we_deleted_then_nobody_else_did() {
    let mut world = served(2, &["pre-delete"]);
    world.app.spec.replicas = 1;
    let act = Act::PreDelete {
        ordinal: 1,
        pod: "uid-1".to_owned(),
        cause: Cause::ScaleIn,
    };
    known(&mut world, act, Phase::Done);
    assert_eq!(deletions(&world), ["web-1 Condemned"]);
    world.pods[1].deletion = Some(soon());
    record(&mut world);
    assert!(calls(&world).is_empty());
    assert_eq!(
        world.recorded.invocations.len(),
        1,
        "it stays until the pod is gone"
    );
    world.pods.pop();
    record(&mut world);
    assert!(world.recorded.invocations.is_empty());
}
