use crate::journal::{Act, Cause, Phase};
use crate::plan::{Step, WhyRelease};
use crate::testing::{calls, deletions, known, now, record, served};
use crate::world::{Hold, World};

fn released(world: &World) -> Option<WhyRelease> {
    let mut steps = crate::plan(world, now()).steps.into_iter();
    steps.find_map(|step| match step {
        Step::ReleaseApp { why } => Some(why),
        _ => None,
    })
}

#[test]
fn given_a_plugin_that_prepares_deletions_then_the_app_is_held() {
    let mut world = served(1, &["pre-delete"]);
    world.app.hold = Hold::None;
    assert!(crate::plan(&world, now()).steps.contains(&Step::HoldApp));
    let mut world = served(1, &["post-ready"]);
    world.app.hold = Hold::Held;
    assert_eq!(released(&world), Some(WhyRelease::NotNeeded));
    world.app.hold = Hold::None;
    assert!(!crate::plan(&world, now()).steps.contains(&Step::HoldApp));
}

#[test]
fn given_a_held_app_when_it_is_deleted_then_members_leave_in_order_and_it_goes_last() {
    let mut world = served(2, &["pre-delete"]);
    world.app.deletion = Some(now());
    for ordinal in [1, 0] {
        assert_eq!(
            calls(&world),
            [format!("pre-delete/uid-{ordinal}/teardown")]
        );
        assert!(deletions(&world).is_empty());
        let pod = format!("uid-{ordinal}");
        known(
            &mut world,
            Act::PreDelete {
                ordinal,
                pod,
                cause: Cause::Teardown,
            },
            Phase::Done,
        );
        assert_eq!(deletions(&world), [format!("web-{ordinal} Teardown")]);
        assert_eq!(released(&world), None);
        world.pods.pop();
        record(&mut world);
    }
    assert_eq!(released(&world), Some(WhyRelease::TornDown));
}

#[test]
fn given_an_app_that_goes_when_the_host_starts_again_then_no_verdict_is_waited_for() {
    let mut world = served(2, &["pre-delete", "validate"]);
    world.app.deletion = Some(now());
    world.answers.validate = None;
    let waiting = crate::plan(&world, now()).status.waiting;
    let subjects: Vec<_> = waiting.iter().map(|wait| wait.reason.as_str()).collect();
    assert!(!subjects.contains(&"ValidationPending"), "{subjects:?}");
    assert_eq!(calls(&world), ["pre-delete/uid-1/teardown"]);
}

#[test]
fn given_a_deletion_that_leaves_no_time_then_the_app_is_released_at_once() {
    let mut world = served(2, &["pre-delete"]);
    world.app.deletion = Some(now());
    world.app.hold = Hold::Void {
        why: "it is deleted in the foreground".to_owned(),
    };
    assert!(matches!(released(&world), Some(WhyRelease::Void { .. })));
    assert!(deletions(&world).is_empty() && calls(&world).is_empty());
}
