//! Upstream's TestCompleteUpdate, row by row: when the update revision becomes the current one.

use super::given;
use crate::plan::Step;
use crate::spec::{PodManagement, UpdateStrategy};
use crate::testing::now;
use crate::world::{Face, World};

/// What pods below the partition come back at.
fn with_old_revision(world: &mut World) {
    let mut old = world.revisions[0].clone();
    old.name = "web-old".to_owned();
    old.number = 0;
    old.data = serde_json::json!({"spec": {"template": {"$patch": "replace"}}}).into();
    world.revisions.push(old);
}

#[test]
fn the_update_revision_is_the_current_one_when_all_are_there_at_it_and_ready() {
    for (is_rolling, pods, is_complete) in [
        (true, "NNN", true),
        (false, "NNN", true),
        (false, "OON", false),
        (true, "NNn", false),
        (true, "NN.", false),
    ] {
        for face in [Face::StatefulSet, Face::StatefulApp] {
            let mut world = given(pods, PodManagement::OrderedReady, 0, 1);
            world.app.face = face;
            if !is_rolling {
                world.app.spec.update = UpdateStrategy::OnDelete;
            }
            with_old_revision(&mut world);
            let status = crate::plan(&world, now()).status;
            let current = if is_complete {
                status.update_revision.as_str()
            } else {
                "web-old"
            };
            assert_eq!(status.current_revision, current, "{face:?} {pods}");
            if is_complete {
                assert_eq!(status.current_replicas, status.updated_replicas);
            }
        }
    }
}

/// Upstream counts pods, whoever they are: one that is about to leave stands for one that is missing, and the update counts as complete.
#[test]
fn given_a_lost_member_below_the_partition_when_another_is_about_to_leave_then_it_comes_back_as_it_was()
 {
    for (face, comes_back_at) in [
        (Face::StatefulApp, "web-old"),
        (Face::StatefulSet, "the update revision"),
    ] {
        let mut world = given(".NN", PodManagement::OrderedReady, 1, 1);
        world.app.face = face;
        world.app.spec.replicas = 2;
        with_old_revision(&mut world);
        // The host dies after it wrote the status.
        world.recorded = crate::plan(&world, now()).status.into();
        let steps = crate::plan(&world, now()).steps;
        let [
            Step::CreatePod {
                ordinal: 0,
                revision,
                ..
            },
        ] = steps.as_slice()
        else {
            panic!("web-0 comes back: {steps:#?}");
        };
        assert_eq!(
            revision == "web-old",
            comes_back_at == "web-old",
            "{face:?}"
        );
    }
}
