//! `forecast`: the ordered steps that a change will cause.

use stateward_planner::forecast::End;
use stateward_planner::spec::{MaxUnavailable, PodManagement, UpdateStrategy};
use stateward_planner::world::{Plugin, Switchover};

use crate::bed::{EVERY_HOOK, forecast_of, image, model, plugin, settle, spec, told, with_claims};

fn at_goal(model: &stateward_planner::Model) -> Vec<String> {
    let forecast = forecast_of(model);
    assert_eq!(forecast.end, End::AtGoal, "{:#?}", told(&forecast));
    told(&forecast)
}

#[test]
fn given_nothing_then_members_are_made_in_order_claims_first() {
    let model = model(with_claims(spec(2)), Plugin::None);
    assert_eq!(
        at_goal(&model),
        [
            "create revision r1",
            "create claim data-web-0",
            "create pod web-0 (revision r1)",
            "wait until pod web-0 is available",
            "create claim data-web-1",
            "create pod web-1 (revision r1)",
            "wait until pod web-1 is available",
        ]
    );
}

#[test]
fn given_parallel_then_members_are_made_at_once() {
    let mut spec = spec(2);
    spec.pod_management = PodManagement::Parallel;
    let model = model(spec, Plugin::None);
    assert_eq!(
        at_goal(&model),
        [
            "create revision r1",
            "create pod web-0 (revision r1)",
            "create pod web-1 (revision r1)",
            "wait until pod web-0 is available",
            "wait until pod web-1 is available",
        ]
    );
}

#[test]
fn when_scaled_in_then_the_highest_goes_first_and_claims_stay() {
    let mut model = model(with_claims(spec(3)), Plugin::None);
    settle(&mut model);
    model.edit(|spec| spec.replicas = 1);
    assert_eq!(
        at_goal(&model),
        [
            "delete pod web-2 (scale-in)",
            "wait until pod web-2 is gone",
            "delete pod web-1 (scale-in)",
            "wait until pod web-1 is gone",
        ]
    );
    settle(&mut model);
    assert_eq!(model.world.claims.len(), 3);
}

#[test]
fn when_the_template_changes_then_the_highest_is_replaced_first() {
    let mut model = model(spec(2), Plugin::None);
    settle(&mut model);
    model.edit(|spec| image(spec, "web:v2"));
    assert_eq!(
        at_goal(&model),
        [
            "create revision r1",
            "delete pod web-1 (update)",
            "wait until pod web-1 is gone",
            "create pod web-1 (revision r1)",
            "wait until pod web-1 is available",
            "delete pod web-0 (update)",
            "wait until pod web-0 is gone",
            "create pod web-0 (revision r1)",
            "wait until pod web-0 is available",
        ]
    );
}

#[test]
fn when_the_start_moves_then_the_new_range_is_up_before_the_old_one_goes() {
    let mut model = model(spec(2), Plugin::None);
    settle(&mut model);
    model.edit(|spec| spec.start = 1);
    assert_eq!(
        at_goal(&model),
        [
            "create pod web-2 (revision r1)",
            "wait until pod web-2 is available",
            "delete pod web-0 (scale-in)",
            "wait until pod web-0 is gone",
        ]
    );
}

#[test]
fn given_min_ready_seconds_then_each_step_takes_that_long() {
    let mut spec = spec(2);
    spec.min_ready_seconds = 10;
    let model = model(spec, Plugin::None);
    let told = at_goal(&model);
    assert_eq!(told.iter().filter(|step| *step == "wait 10 s").count(), 2);
}

#[test]
fn given_a_plugin_then_members_join_one_by_one() {
    let model = model(spec(2), plugin(&EVERY_HOOK));
    assert_eq!(
        at_goal(&model),
        [
            "ask the plugin whether it accepts the spec",
            "create revision r1",
            "call pre-scale before web-0 (scale 0 → 2)",
            "create pod web-0 (revision r1)",
            "wait until pod web-0 is ready",
            "call post-ready for web-0",
            "call pre-scale before web-1 (scale 0 → 2)",
            "create pod web-1 (revision r1)",
            "wait until pod web-1 is ready",
            "call post-ready for web-1",
        ]
    );
}

#[test]
fn given_a_primary_when_rolled_then_it_goes_last_after_a_switchover() {
    let mut model = model(spec(3), plugin(&["move-role", "post-ready", "pre-delete"]));
    settle(&mut model);
    model.edit(|spec| image(spec, "web:v2"));
    let steps: Vec<_> = at_goal(&model)
        .into_iter()
        .filter(|step| {
            step.starts_with("delete") || step.starts_with("move") || step.contains("pre-delete")
        })
        .collect();
    assert_eq!(
        steps,
        [
            "call pre-delete for web-2 (update)",
            "delete pod web-2 (update)",
            "call pre-delete for web-1 (update)",
            "delete pod web-1 (update)",
            "move role primary away from web-0 (update)",
            "call pre-delete for web-0 (update)",
            "delete pod web-0 (update)",
        ]
    );
}

#[test]
fn given_the_primary_on_top_when_scaled_in_then_it_hands_over_before_it_leaves() {
    let mut model = model(spec(3), plugin(&EVERY_HOOK));
    settle(&mut model);
    model.world.app.switchover = Some(Switchover {
        id: "one".to_owned(),
        role: "primary".to_owned(),
        target: Some(2),
    });
    assert_eq!(
        at_goal(&model),
        ["move role primary from web-0 to web-2 (planned)"]
    );
    settle(&mut model);
    model.edit(|spec| spec.replicas = 2);
    assert_eq!(
        at_goal(&model),
        [
            "ask the plugin whether it accepts the spec",
            "call pre-scale before web-2 (scale 3 → 2)",
            "move role primary away from web-2 (leaving)",
            "call pre-delete for web-2 (scale-in)",
            "delete pod web-2 (scale-in)",
            "wait until pod web-2 is gone",
        ]
    );
}

#[test]
fn given_nobody_who_stays_then_the_role_is_not_moved() {
    let mut model = model(spec(1), plugin(&EVERY_HOOK));
    settle(&mut model);
    model.edit(|spec| spec.replicas = 0);
    let told = at_goal(&model);
    assert!(
        told.iter().all(|step| !step.starts_with("move")),
        "{told:#?}"
    );
}

#[test]
fn given_a_budget_of_two_then_two_go_at_once() {
    let mut spec = spec(3);
    spec.update = UpdateStrategy::RollingUpdate {
        partition: 0,
        max_unavailable: Some(MaxUnavailable::Count(2)),
    };
    let mut model = model(spec, Plugin::None);
    settle(&mut model);
    model.edit(|spec| image(spec, "web:v2"));
    assert_eq!(
        at_goal(&model)[1..6],
        [
            "delete pod web-2 (update)",
            "delete pod web-1 (update)",
            "wait until pod web-1 is gone",
            "wait until pod web-2 is gone",
            "create pod web-1 (revision r1)",
        ]
    );
}

#[test]
fn what_only_a_user_can_end_is_told() {
    let mut partitioned = spec(2);
    partitioned.update = UpdateStrategy::RollingUpdate {
        partition: 1,
        max_unavailable: None,
    };
    let mut on_delete = spec(2);
    on_delete.update = UpdateStrategy::OnDelete;
    for (spec, reason) in [(partitioned, "Partition"), (on_delete, "OnDelete")] {
        let mut model = model(spec, Plugin::None);
        settle(&mut model);
        model.edit(|spec| image(spec, "web:v2"));
        let End::Waits { waiting } = forecast_of(&model).end else {
            panic!("{reason} waits");
        };
        let reasons: Vec<_> = waiting.iter().map(|wait| wait.reason.as_str()).collect();
        assert_eq!(reasons, [reason]);
    }
}

#[test]
fn given_recreate_then_the_last_old_pod_is_gone_before_the_first_new_one_comes() {
    let mut spec = spec(2);
    spec.update = UpdateStrategy::Recreate;
    let mut model = model(spec, Plugin::None);
    settle(&mut model);
    model.edit(|spec| image(spec, "web:v2"));
    assert_eq!(
        at_goal(&model)[..6],
        [
            "create revision r1",
            "delete pod web-1 (update)",
            "delete pod web-0 (update)",
            "wait until pod web-0 is gone",
            "wait until pod web-1 is gone",
            "create pod web-0 (revision r1)",
        ]
    );
}

#[test]
fn a_plugin_that_is_away_is_what_is_waited_for() {
    let away = Plugin::Unavailable {
        name: "db".to_owned(),
        reason: "PluginNotFound".to_owned(),
        message: "no Plugin is named db; apply one".to_owned(),
    };
    let forecast = forecast_of(&model(spec(3), away));
    assert_eq!(forecast.steps, []);
    let End::Waits { waiting } = forecast.end else {
        panic!("it waits");
    };
    assert_eq!(waiting[0].reason, "PluginUnavailable");
}

#[test]
fn billions_of_replicas_end_the_forecast_and_not_the_machine() {
    let mut spec = spec(i32::MAX as u32);
    spec.pod_management = PodManagement::Parallel;
    let plan = model(spec, Plugin::None).plan();
    assert_eq!(plan.steps.len(), 1, "the revision first");
}
