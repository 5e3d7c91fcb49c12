//! The whole status as it should stand.

use super::{conditions, counting, recreate};
use crate::admission::Admission;
use crate::draft::Draft;
use crate::scene::Scene;
use crate::waiting::{self, HookStanding};
use crate::world::Face;

pub(crate) fn draw_up(
    scene: &Scene<'_>,
    admission: &Admission,
    hooks: &[HookStanding],
    draft: &mut Draft,
) {
    let app = &scene.world.app;
    draft.status.observed_generation = app.generation;
    counting::count(scene, draft);
    let waiting = waiting::rendered(
        &app.name,
        &draft.waits,
        draft.unnamed,
        &scene.world.recorded.waiting,
        scene.now,
    );
    match app.face {
        Face::StatefulApp => {
            draft.status.selector = app.spec.selector.to_string();
            conditions::set(scene, admission, hooks, &waiting, draft);
        }
        Face::StatefulSet => recreate::set(scene, draft),
    }
    draft.status.waiting = waiting;
}
