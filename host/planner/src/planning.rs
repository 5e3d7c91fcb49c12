//! The order in which the rules are asked. Each rule reads the [`Scene`] and writes to the [`Draft`].

use jiff::Timestamp;

use crate::admission::{self, Admission};
use crate::draft::Draft;
use crate::plan::Plan;
use crate::revisions::Revisions;
use crate::scene::{Goal, Mode, Scene};
use crate::status::Ordinals;
use crate::world::World;
use crate::{adoption, claims, facts, failures, hooks, identity, revisions, roles, rollout};
use crate::{
    availability, departures, eviction, orders, rulings, scaling, status, tasks, teardown,
};

/// What to do now. Pure, deterministic and total.
pub fn plan(world: &World, now: Timestamp) -> Plan {
    let mut draft = Draft::of(world);
    let pods = adoption::claim(world, &mut draft);
    let admission = admission::of(world, now, &mut draft);
    let goal = goal(world, &admission);
    let revisions = match admission {
        Admission::Present => revisions::of_template(world),
        Admission::Last { .. } | Admission::Never { .. } => revisions::as_recorded(world),
    };
    let scene = Scene::arrange(world, now, goal, pods, revisions);
    availability::tell(&scene, &mut draft);
    teardown::hold(&scene, &mut draft);
    match scene.goal.mode {
        Mode::Nothing => {}
        Mode::Teardown => tear_down(&scene, &mut draft),
        Mode::Full | Mode::Heal => {
            if are_revisions_settled(&scene.revisions, &mut draft) {
                pursue(&scene, &mut draft);
            }
        }
    }
    let hooks_told = hooks::settle(&scene, &mut draft);
    status::draw_up(&scene, &admission, &hooks_told, &mut draft);
    Plan {
        steps: draft.steps,
        status: draft.status,
        status_is_urgent: draft.is_urgent,
        wake_at: draft.wake_at,
        forget: draft.forget,
    }
}

fn goal(world: &World, admission: &Admission) -> Goal {
    let spec = &world.app.spec;
    let (ordinals, mode) = match admission {
        _ if teardown::is_under_way(world) => {
            let none = Ordinals {
                replicas: 0,
                ..spec.ordinals()
            };
            (none, Mode::Teardown)
        }
        _ if world.app.deletion.is_some() => (spec.ordinals(), Mode::Nothing),
        Admission::Present => (spec.ordinals(), Mode::Full),
        Admission::Last { ordinals, .. } => (ordinals.clone(), Mode::Heal),
        Admission::Never { .. } => (spec.ordinals(), Mode::Nothing),
    };
    Goal { ordinals, mode }
}

/// Pods name their revision, so it must exist before any pod of it does.
fn are_revisions_settled(revisions: &Revisions<'_>, draft: &mut Draft) -> bool {
    draft.steps.extend(revisions.steps.iter().cloned());
    draft.status.collision_count = revisions.collisions;
    revisions.update.is_some()
}

/// The members leave in order; then the app may go.
fn tear_down(scene: &Scene<'_>, draft: &mut Draft) {
    rulings::advance(scene, draft);
    departures::advance(scene, draft);
    teardown::advance(scene, draft);
}

fn pursue(scene: &Scene<'_>, draft: &mut Draft) {
    rulings::advance(scene, draft);
    departures::advance(scene, draft);
    roles::advance(scene, draft);
    scaling::record(scene, draft);
    identity::mend(scene, draft);
    claims::mend(scene, draft);
    facts::keep(scene, draft);
    orders::advance(scene, draft);
    eviction::advance(scene, draft);
    tasks::advance(scene, draft);
    failures::count(scene, draft);
    if scene.goal.mode == Mode::Full {
        claims::retain(scene, draft);
        claims::grow(scene, draft);
    }
    if rollout::is_cleared(scene, draft) {
        let is_settled = scaling::advance(scene, draft);
        rollout::advance(scene, is_settled, draft);
    }
    draft.steps.extend(revisions::surplus(
        scene.world.app.spec.revision_history_limit,
        scene.members.values().map(|member| member.pod),
        &scene.revisions,
    ));
}
