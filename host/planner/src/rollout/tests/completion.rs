//! Upstream's TestCompleteUpdate, row by row: when the update revision becomes the current one.

use super::given;
use crate::spec::{PodManagement, UpdateStrategy};
use crate::testing::now;
use crate::world::Face;

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
            let mut old = world.revisions[0].clone();
            old.name = "web-old".to_owned();
            old.number = 0;
            old.data = serde_json::json!({"spec": {"template": {"$patch": "replace"}}}).into();
            world.revisions.push(old);
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
