//! Apps with a plugin: what its hooks gate, and what holds while it refuses, fails or is away.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use stateward_planner::journal::commit::Answer;
use stateward_planner::spec::PodManagement;
use stateward_planner::status::Condition;
use stateward_planner::world::{Face, Plugin, Switchover, Verdict};
use stateward_planner::{InvocationId, Model, Owner, Phase, Plan, Step};

use crate::bed::{EVERY_HOOK, image, model, plugin, settle, spec};

/// One round of the operator; calls stay in flight.
fn round(model: &mut Model) -> Plan {
    let plan = model.plan();
    let before = model.world.recorded.clone();
    model.record(&plan);
    if !plan.status_is_urgent || before == model.world.recorded {
        for step in &plan.steps {
            model.apply(step).unwrap();
        }
    }
    plan
}

/// Rounds until a call is in flight or nothing moves; pods start and end by themselves.
fn until_call(model: &mut Model) -> InvocationId {
    for _ in 0..200 {
        if let Some(id) = model.calls().into_iter().next() {
            return id;
        }
        round(model);
        let pods: Vec<_> = model
            .world
            .pods
            .iter()
            .map(|pod| pod.name.clone())
            .collect();
        for pod in pods {
            model.finish(&pod);
            model.start(&pod);
        }
    }
    panic!("no call: {:#?}", model.plan());
}

fn say(model: &mut Model, id: &InvocationId, phase: Phase) {
    let checkpoint = matches!(phase, Phase::InProgress { .. }).then(|| "Y2s=".to_owned());
    let answer = Answer {
        phase,
        checkpoint,
        requests: Vec::new(),
    };
    model.answer(id, &answer).unwrap();
}

fn well(model: &mut Model, id: &InvocationId) {
    let answer = model.well(id);
    model.answer(id, &answer).unwrap();
}

fn in_progress(model: &Model) -> Phase {
    Phase::InProgress {
        ask_again: model.now + SignedDuration::from_secs(2),
        percent: Some(40),
        message: "copying rows".to_owned(),
    }
}

fn refused(model: &Model, reason: &str) -> Phase {
    Phase::Refused {
        reason: reason.to_owned(),
        since: model.now,
        ask_again: model.now + SignedDuration::from_secs(60),
    }
}

fn away() -> Plugin {
    Plugin::Unavailable {
        name: "db".to_owned(),
        reason: "PluginNotFound".to_owned(),
        message: "no Plugin is named db; apply one".to_owned(),
    }
}

fn condition(plan: &Plan, type_: &str) -> Condition {
    let known = |condition: &&Condition| condition.type_ == type_;
    plan.status.conditions.iter().find(known).unwrap().clone()
}

fn creates_or_deletes(plan: &Plan) -> bool {
    plan.steps
        .iter()
        .any(|step| matches!(step, Step::CreatePod { .. } | Step::DeletePod { .. }))
}

fn running(hooks: &[&str]) -> Model {
    let mut model = model(spec(3), plugin(hooks));
    settle(&mut model);
    model
}

#[test]
fn given_a_refused_spec_then_the_accepted_one_is_healed_and_nothing_else() {
    let mut model = running(&EVERY_HOOK);
    model.verdict = Verdict::Refused {
        message: "5 members need a license".to_owned(),
    };
    model.edit(|spec| {
        spec.replicas = 5;
        image(spec, "web:v2");
    });
    settle(&mut model);
    assert_eq!(model.world.pods.len(), 3, "no scale");
    assert_eq!(model.world.revisions.len(), 1, "no roll");
    let plan = model.plan();
    let stalled = condition(&plan, "Stalled");
    assert_eq!(
        (
            stalled.status.as_str(),
            stalled.reason.as_str(),
            stalled.message.as_str()
        ),
        ("True", "SpecRefused", "5 members need a license")
    );
    assert_eq!(plan.status.waiting[0].owner, Owner::User);
    assert_eq!(
        plan.status
            .accepted
            .as_ref()
            .map(|accepted| accepted.replicas),
        Some(3)
    );

    model.delete_pod("web-1");
    settle(&mut model);
    let web_1 = model
        .world
        .pods
        .iter()
        .find(|pod| pod.name == "web-1")
        .unwrap();
    assert_eq!(
        web_1.labels.get("controller-revision-hash"),
        Some(model.world.recorded.update_revision.as_str())
    );
}

#[test]
fn given_a_spec_that_was_never_accepted_then_nothing_is_made() {
    for absent in [plugin(&EVERY_HOOK), away()] {
        let mut model = model(spec(3), absent);
        model.verdict = Verdict::Refused {
            message: "no".to_owned(),
        };
        settle(&mut model);
        assert!(model.world.pods.is_empty() && model.world.revisions.is_empty());
        assert_eq!(condition(&model.plan(), "Stalled").status, "True");
    }
}

#[test]
fn given_a_plugin_that_is_away_then_members_come_back_if_they_need_no_answer_of_it() {
    for (hooks, comes_back) in [
        (vec!["pre-scale", "pre-delete"], true),
        (vec!["member-config"], false),
    ] {
        let mut model = running(&hooks);
        model.world.plugin = away();
        model.world.answers.member_config.clear();
        model.delete_pod("web-2");
        settle(&mut model);
        assert_eq!(model.world.pods.len() == 3, comes_back, "{hooks:?}");
        assert_eq!(condition(&model.plan(), "Stalled").reason, "PluginNotFound");
    }
}

#[test]
fn pre_scale_is_asked_before_each_step_and_not_for_healing() {
    let mut model = running(&["pre-scale"]);
    model.delete_pod("web-0");
    settle(&mut model);
    assert_eq!(model.world.recorded.scale.as_ref().unwrap().number, 1);

    model.edit(|spec| spec.replicas = 5);
    let first = until_call(&mut model);
    assert_eq!(first.0, "pre-scale/2/3");
    well(&mut model, &first);
    let second = until_call(&mut model);
    assert_eq!(second.0, "pre-scale/2/4");
    let phase = refused(&model, "a survivor lags");
    say(&mut model, &second, phase);
    let plan = round(&mut model);
    assert!(!creates_or_deletes(&plan));
    assert_eq!(plan.status.waiting[0].reason, "PluginRefuses");
    assert!(plan.status.waiting[0].message.contains("a survivor lags"));
    assert!(plan.wake_at.is_some());
}

#[test]
fn a_member_joins_before_the_next_one_is_made() {
    let mut model = model(spec(2), plugin(&["post-ready"]));
    let join = until_call(&mut model);
    for _ in 0..3 {
        assert!(!creates_or_deletes(&round(&mut model)));
    }
    let phase = in_progress(&model);
    say(&mut model, &join, phase);
    assert!(!creates_or_deletes(&round(&mut model)));
    assert_eq!(model.plan().status.available_replicas, 0);
    model.pass(SignedDuration::from_secs(2));
    assert_eq!(until_call(&mut model), join);
    well(&mut model, &join);
    // Done in memory is enough: no write stands between ready and the next create.
    assert!(creates_or_deletes(&round(&mut model)));
    let world = &model.world;
    assert!(world.recorded.joined.has(&world.pods[0]));
}

#[test]
fn a_restarted_container_joins_again_and_a_restarted_host_does_not_ask_twice() {
    let mut model = running(&["post-ready"]);
    model.restart_host();
    assert!(model.is_at_rest());
    model.restart("web-1");
    model.start("web-1");
    let join = until_call(&mut model);
    assert!(join.0.ends_with("/1"), "{join}");
}

#[test]
fn what_is_in_progress_survives_the_host_under_its_id() {
    let mut model = running(&EVERY_HOOK);
    model.edit(|spec| image(spec, "web:v2"));
    let id = until_call(&mut model);
    assert!(id.0.starts_with("pre-delete/"), "{id}");
    let phase = in_progress(&model);
    say(&mut model, &id, phase);
    model.restart_host();
    model.pass(SignedDuration::from_secs(5));
    assert_eq!(until_call(&mut model), id);
    assert_eq!(model.world.journal[&id].checkpoint.as_deref(), Some("Y2s="));
}

#[test]
fn a_permission_is_recorded_before_it_is_used() {
    let mut model = running(&["pre-delete"]);
    model.edit(|spec| spec.replicas = 2);
    let id = until_call(&mut model);
    // Answered in memory alone, as an operator does that has not written yet.
    model.world.journal.get_mut(&id).unwrap().phase = Phase::Done;
    let plan = model.plan();
    assert!(plan.status_is_urgent && !creates_or_deletes(&plan));
    assert_eq!(plan.status.invocations[0].id, id);
    model.record(&plan);
    assert!(creates_or_deletes(&model.plan()));
}

#[test]
fn what_was_begun_for_nothing_is_undone() {
    let mut model = running(&["pre-delete"]);
    model.edit(|spec| spec.replicas = 2);
    let id = until_call(&mut model);
    let phase = in_progress(&model);
    say(&mut model, &id, phase);
    model.edit(|spec| spec.replicas = 3);
    model.pass(SignedDuration::from_secs(5));
    let plan = model.plan();
    let [
        Step::Call {
            id: called,
            cancelling: true,
            ..
        },
    ] = plan.steps.as_slice()
    else {
        panic!("it is undone: {:?}", plan.steps);
    };
    assert_eq!(*called, id);
    settle(&mut model);
    assert!(model.world.journal.is_empty() && model.world.pods.len() == 3);
}

#[test]
fn a_permission_that_is_not_used_is_undone_too() {
    let mut model = running(&["pre-delete"]);
    model.edit(|spec| spec.replicas = 2);
    let id = until_call(&mut model);
    well(&mut model, &id);
    model.edit(|spec| spec.replicas = 3);
    assert_eq!(until_call(&mut model), id);
    assert!(model.world.journal[&id].cancelling);
    // Wanted again meanwhile: what was undone is no permission, not even for a host that only knows the status.
    well(&mut model, &id);
    model.edit(|spec| spec.replicas = 2);
    let plan = model.plan();
    assert!(plan.status_is_urgent && plan.steps.is_empty() && plan.status.invocations.is_empty());
    model.record(&plan);
    model.restart_host();
    assert!(!creates_or_deletes(&model.plan()));
    let again = until_call(&mut model);
    assert_eq!(again, id);
    assert!(!model.world.journal[&id].cancelling);
}

#[test]
fn a_restarted_host_that_asks_again_writes_nothing() {
    let mut model = running(&EVERY_HOOK);
    let recorded = model.world.recorded.clone();
    model.restart_host();
    assert!(
        !model
            .plan()
            .status
            .is_worth_writing(&recorded, Face::StatefulApp)
    );
    settle(&mut model);
    assert!(
        !model
            .world
            .recorded
            .is_worth_writing(&recorded, Face::StatefulApp)
    );
}

#[test]
fn what_did_nothing_is_forgotten_when_its_purpose_goes() {
    let mut model = running(&["pre-delete"]);
    model.edit(|spec| spec.replicas = 2);
    let id = until_call(&mut model);
    let phase = refused(&model, "not now");
    say(&mut model, &id, phase);
    model.edit(|spec| spec.replicas = 3);
    round(&mut model);
    assert!(model.world.journal.is_empty());
}

#[test]
fn one_exclusive_hook_runs_at_a_time() {
    let mut model = running(&EVERY_HOOK);
    for pod in ["web-1", "web-2"] {
        model.restart(pod);
        model.start(pod);
    }
    let first = until_call(&mut model);
    round(&mut model);
    assert_eq!(model.calls(), std::slice::from_ref(&first));
    let waiting = model.plan().status.waiting;
    assert!(
        waiting.iter().any(|wait| wait.reason == "HookQueued"),
        "{waiting:#?}"
    );
    // Who is refused leaves the lane.
    let phase = refused(&model, "later");
    say(&mut model, &first, phase);
    let second = until_call(&mut model);
    assert_ne!(first, second);
}

#[test]
fn two_that_a_dead_host_left_in_progress_go_on_one_after_the_other() {
    let mut model = running(&EVERY_HOOK);
    model.edit(|spec| spec.replicas = 2);
    let first = until_call(&mut model);
    assert!(first.0.starts_with("pre-scale/"), "{first}");
    let phase = in_progress(&model);
    say(&mut model, &first, phase);
    let left = model.world.recorded.invocations[0].clone();
    model.pass(SignedDuration::from_secs(5));
    assert_eq!(until_call(&mut model), first);
    well(&mut model, &first);
    let second = until_call(&mut model);
    assert!(second.0.starts_with("pre-delete/"), "{second}");
    let phase = in_progress(&model);
    say(&mut model, &second, phase);
    // The host dies before it has written that the first one ended.
    model.world.recorded.invocations.push(left);
    model.restart_host();
    model.pass(SignedDuration::from_secs(5));
    assert_eq!(until_call(&mut model), first);
    round(&mut model);
    assert_eq!(model.calls(), std::slice::from_ref(&first));
    well(&mut model, &first);
    assert_eq!(until_call(&mut model), second);
}

#[test]
fn joins_may_overlap_where_the_manifest_says_so() {
    let mut model = running(&EVERY_HOOK);
    if let Plugin::Ready(plugin) = &mut model.world.plugin {
        plugin.post_ready_overlaps = true;
    }
    for pod in ["web-1", "web-2"] {
        model.restart(pod);
        model.start(pod);
    }
    until_call(&mut model);
    assert_eq!(model.calls().len(), 2);
    model.world.app.switchover = Some(Switchover {
        id: "wish".to_owned(),
        role: "primary".to_owned(),
        target: None,
    });
    for _ in 0..4 {
        round(&mut model);
    }
    let is_move = |id: &InvocationId| id.0.starts_with("move-role/");
    assert!(!model.calls().iter().any(is_move), "never beside a move");
}

/// A Parallel app of one, about to have so many, of a plugin that judges each step by itself.
fn judged_side_by_side(replicas: u32) -> Model {
    let mut spec = spec(1);
    spec.pod_management = PodManagement::Parallel;
    let mut model = model(spec, plugin(&["pre-scale", "post-ready", "pre-delete"]));
    if let Plugin::Ready(plugin) = &mut model.world.plugin {
        plugin.pre_scale_overlaps = true;
    }
    settle(&mut model);
    model.edit(|spec| spec.replicas = replicas);
    model
}

#[test]
fn steps_of_a_scale_may_be_judged_side_by_side_where_the_manifest_says_so() {
    let mut model = judged_side_by_side(31);
    let first = until_call(&mut model);
    let calls = model.calls();
    assert_eq!(calls.len(), 16, "{calls:?}");
    // A step that is let go makes room for the next one, whoever else is still being judged.
    well(&mut model, &first);
    round(&mut model);
    let now = model.calls();
    assert_eq!(now.len(), 16);
    assert!(!now.contains(&first));
}

#[test]
fn steps_that_are_judged_side_by_side_let_a_leaver_go_first() {
    let mut model = judged_side_by_side(31);
    until_call(&mut model);
    model.restart("web-0");
    model.start("web-0");
    for _ in 0..16 {
        let judged = model.calls().remove(0);
        assert!(judged.0.starts_with("pre-scale/"), "{judged}");
        well(&mut model, &judged);
        round(&mut model);
    }
    let calls = model.calls();
    assert!(
        calls.len() == 1 && calls[0].0.starts_with("post-ready/"),
        "a join is exclusive here, and no further step is judged before it: {calls:?}"
    );
}

#[test]
fn a_failover_goes_before_a_join_that_is_in_progress() {
    for overlaps in [false, true] {
        let mut model = running(&["post-ready", "move-role"]);
        if let Plugin::Ready(plugin) = &mut model.world.plugin {
            plugin.post_ready_overlaps = overlaps;
        }
        model.restart("web-2");
        model.start("web-2");
        let join = until_call(&mut model);
        let phase = in_progress(&model);
        say(&mut model, &join, phase);
        model.delete_pod("web-0");
        model.pass(SignedDuration::from_secs(5));
        let failover = until_call(&mut model);
        assert!(failover.0.starts_with("move-role/"), "{failover}");
        assert_eq!(model.calls(), [failover], "and nothing beside it");
    }
}

#[test]
fn a_refused_switchover_ends_and_tells_why() {
    let mut model = running(&EVERY_HOOK);
    model.world.app.switchover = Some(Switchover {
        id: "wish".to_owned(),
        role: "primary".to_owned(),
        target: Some(1),
    });
    let id = until_call(&mut model);
    let phase = refused(&model, "web-1 lags 12 s");
    say(&mut model, &id, phase);
    round(&mut model);
    round(&mut model);
    let role = &model.world.recorded.roles[0];
    let ended = role.last_request.clone().unwrap();
    assert_eq!(
        (ended.result.as_str(), ended.message.as_str(), &role.moving),
        ("Refused", "web-1 lags 12 s", &None)
    );
    assert!(model.is_at_rest());
}

#[test]
fn a_switchover_moves_the_role_once() {
    let mut model = running(&EVERY_HOOK);
    model.world.app.switchover = Some(Switchover {
        id: "wish".to_owned(),
        role: "primary".to_owned(),
        target: Some(2),
    });
    settle(&mut model);
    let role = &model.world.recorded.roles[0];
    assert_eq!(role.holder.as_ref().map(|holder| holder.ordinal), Some(2));
    assert_eq!(role.last_request.as_ref().unwrap().result, "Moved");
    assert_eq!((role.epoch, role.moves), (2, 1));
}

#[test]
fn done_without_a_new_holder_is_told_and_asked_again_later() {
    let mut model = running(&EVERY_HOOK);
    model.world.app.switchover = Some(Switchover {
        id: "wish".to_owned(),
        role: "primary".to_owned(),
        target: None,
    });
    let id = until_call(&mut model);
    say(&mut model, &id, Phase::Done);
    let plan = round(&mut model);
    assert!(plan.steps.is_empty() && plan.wake_at.is_some());
    assert_eq!(plan.status.waiting[0].reason, "PluginDidNotMove");
    model.now = plan.wake_at.unwrap();
    assert_eq!(until_call(&mut model), id);
}

#[test]
fn a_fatal_hook_waits_for_another_spec_or_plugin() {
    let mut model = model(spec(1), plugin(&["post-ready"]));
    let id = until_call(&mut model);
    let fatal = Phase::Fatal {
        message: "settings.password is wrong".to_owned(),
        generation: model.world.app.generation,
        digest: "sha256:1".to_owned(),
    };
    say(&mut model, &id, fatal);
    let plan = round(&mut model);
    assert!(plan.steps.is_empty() && plan.wake_at.is_none());
    assert_eq!(condition(&plan, "Stalled").reason, "PluginFatal");
    model.edit(|spec| spec.min_ready_seconds = 1);
    assert_eq!(until_call(&mut model), id);
}

#[test]
fn a_hook_that_keeps_failing_stalls_the_app_with_its_own_reason() {
    let mut model = model(spec(1), plugin(&["post-ready"]));
    let id = until_call(&mut model);
    for (failures, stalled) in [(1, "False"), (3, "True")] {
        let failing = Phase::Failing {
            reason: "PluginPanicked".to_owned(),
            message: "index out of bounds".to_owned(),
            failures,
            ask_again: model.now + SignedDuration::from_secs(1),
        };
        say(&mut model, &id, failing);
        let condition = condition(&round(&mut model), "Stalled");
        assert_eq!(condition.status, stalled);
    }
}

#[test]
fn member_config_stands_on_the_pod_and_follows_the_plugin() {
    let mut model = model(spec(1), plugin(&["member-config"]));
    model.config = BTreeMap::from([("server-id".to_owned(), "1".to_owned())]);
    settle(&mut model);
    let annotation = "config.stateward.dev/server-id";
    assert_eq!(model.world.pods[0].annotations.get(annotation), Some("1"));
    model.config = BTreeMap::from([("seeds".to_owned(), "web-0".to_owned())]);
    model.world.answers.member_config.clear();
    settle(&mut model);
    let annotations = &model.world.pods[0].annotations;
    assert!(!annotations.contains_key(annotation));
    assert_eq!(annotations.get("config.stateward.dev/seeds"), Some("web-0"));
}

#[test]
fn what_changes_with_every_look_is_not_written() {
    let mut model = model(spec(1), plugin(&["post-ready"]));
    let id = until_call(&mut model);
    let phase = in_progress(&model);
    say(&mut model, &id, phase);
    round(&mut model);
    let recorded = model.world.recorded.clone();
    let known = model.world.journal.get_mut(&id).unwrap();
    known.attempts = 7;
    known.phase = Phase::InProgress {
        ask_again: model.now + SignedDuration::from_secs(9),
        percent: Some(80),
        message: "copying more rows".to_owned(),
    };
    let looked = model.plan().status;
    assert_ne!(looked, *recorded);
    assert!(!looked.is_worth_writing(&recorded, Face::StatefulApp));
    model.world.journal.get_mut(&id).unwrap().checkpoint = Some("bmV3".to_owned());
    let moved = model.plan().status;
    assert!(moved.is_worth_writing(&recorded, Face::StatefulApp));
}

#[test]
fn a_statefulset_writes_only_what_upstream_has() {
    let mut model = model(spec(2), Plugin::None);
    model.world.app.face = Face::StatefulSet;
    settle(&mut model);
    assert!(model.plan().status.conditions.is_empty());
    model.make_unready("web-1");
    let status = model.plan().status;
    assert!(!status.waiting.is_empty());
    assert!(status.is_worth_writing(&model.world.recorded, Face::StatefulSet));
    model.record(&model.plan());
    model.world.recorded.waiting.clear();
    let status = model.plan().status;
    assert!(!status.is_worth_writing(&model.world.recorded, Face::StatefulSet));
}
