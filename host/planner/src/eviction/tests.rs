use jiff::Timestamp;
use serde_json::json;

use crate::identity::EVICTABLE_LABEL;
use crate::journal::{Act, Cause, Phase};
use crate::plan::{Step, WhyDelete};
use crate::testing::{calls, deletions, known, now, record, served};
use crate::world::{Budget, Budgets, World};

fn budget(name: &str, owner: Option<&str>, app: &str) -> Budget {
    let selector = json!({"matchLabels": {"app": app}});
    Budget {
        name: name.to_owned(),
        uid: format!("uid of {name}"),
        owner: owner.map(str::to_owned),
        selector: serde_json::from_value(selector).unwrap(),
        is_terminating: false,
    }
}

fn ours() -> Budget {
    budget("web-drains", Some("app-uid"), "web")
}

/// Three members, and these budgets in their namespace.
fn given(budgets: &[Budget]) -> World {
    let mut world = served(3, &["pre-delete"]);
    world.budgets = Budgets::Seen {
        budgets: budgets.to_vec(),
    };
    world
}

fn drained(mut world: World, ordinals: &[usize]) -> World {
    for ordinal in ordinals {
        world.pods[*ordinal].is_evicted = true;
        world.pods[*ordinal].node = Some("n1".to_owned());
    }
    world
}

fn budget_steps(world: &World) -> Vec<String> {
    let steps = crate::plan(world, now()).steps;
    let told = steps.iter().filter_map(|step| match step {
        Step::CreateBudget { name, body } => {
            Some(format!("create {name} {}", body["spec"]["maxUnavailable"]))
        }
        Step::DeleteBudget { name, .. } => Some(format!("delete {name}")),
        _ => None,
    });
    told.collect()
}

/// Status, reason and message of the condition.
fn told(world: &World) -> Option<(String, String, String)> {
    let status = crate::plan(world, now()).status;
    let mut conditions = status.conditions.into_iter();
    let found = conditions.find(|one| one.type_ == super::CONDITION)?;
    Some((found.status, found.reason, found.message))
}

#[test]
fn given_a_plugin_with_pre_delete_then_a_budget_of_ours_allows_no_eviction() {
    let world = given(&[]);
    assert_eq!(budget_steps(&world), ["create web-drains 0"]);
    let others = given(&[ours(), budget("other", None, "another")]);
    assert!(budget_steps(&others).is_empty());
    let (status, reason, message) = told(&others).unwrap();
    assert_eq!(
        (status.as_str(), reason.as_str()),
        ("True", "BudgetInPlace")
    );
    assert!(message.contains("web-drains"), "{message}");
}

#[test]
fn given_no_pre_delete_or_nobody_who_looks_then_there_is_no_budget() {
    let mut without = served(3, &["post-ready"]);
    without.budgets = Budgets::Seen {
        budgets: Vec::new(),
    };
    assert!(budget_steps(&without).is_empty());
    assert_eq!(told(&without), None);
    let unlooked = served(3, &["pre-delete"]);
    assert!(budget_steps(&unlooked).is_empty());
    // One that was needed before goes.
    without.budgets = Budgets::Seen {
        budgets: vec![ours()],
    };
    assert_eq!(budget_steps(&without), ["delete web-drains"]);
}

#[test]
fn given_a_budget_of_the_user_then_ours_goes_and_the_condition_names_the_other() {
    let world = drained(given(&[ours(), budget("mine", None, "web")]), &[2]);
    assert_eq!(budget_steps(&world), ["delete web-drains"]);
    let (status, reason, message) = told(&world).unwrap();
    assert_eq!((status.as_str(), reason.as_str()), ("False", "UsersBudget"));
    assert!(message.contains("mine"), "{message}");
    assert!(calls(&world).is_empty(), "the drain evicts it, not we");
}

#[test]
fn given_budgets_that_cannot_be_read_then_the_condition_says_why() {
    let mut world = drained(given(&[]), &[0]);
    world.budgets = Budgets::Unreadable {
        why: "forbidden".to_owned(),
    };
    assert!(budget_steps(&world).is_empty());
    let (status, reason, message) = told(&world).unwrap();
    assert_eq!(
        (status.as_str(), reason.as_str()),
        ("False", "BudgetsUnreadable")
    );
    assert!(message.contains("forbidden"), "{message}");
    assert!(calls(&world).is_empty());
}

fn prepared(ordinal: u32) -> Act {
    Act::PreDelete {
        ordinal,
        pod: format!("uid-{ordinal}"),
        cause: Cause::Evict,
    }
}

/// Two members on a drained node, and `pre-delete` of the one that goes first is done.
fn prepared_for_a_drain() -> World {
    let mut world = drained(given(&[ours()]), &[1, 2]);
    known(&mut world, prepared(2), Phase::Done);
    record(&mut world);
    for known in world.journal.values_mut() {
        known.is_recorded = true;
    }
    world
}

/// What is to become of this label on pods.
fn labelled(world: &World, at: Timestamp) -> Vec<String> {
    let steps = crate::plan(world, at).steps;
    let told = steps.iter().filter_map(|step| match step {
        Step::PatchPod { name, labels, .. } => {
            let value = labels.get(EVICTABLE_LABEL)?;
            Some(format!("{name} {}", value.as_deref().unwrap_or("none")))
        }
        _ => None,
    });
    told.collect()
}

fn label(world: &mut World, ordinal: usize) {
    let since = now().as_second().to_string();
    let labels = &mut world.pods[ordinal].labels;
    labels.insert(EVICTABLE_LABEL, since);
}

#[test]
fn given_a_drained_node_then_its_members_leave_one_at_a_time_each_after_pre_delete() {
    let world = drained(given(&[ours()]), &[1, 2]);
    assert_eq!(calls(&world), ["pre-delete/uid-2/evict"]);
    let waiting = crate::plan(&world, now()).status.waiting;
    let queued = waiting.iter().find(|wait| wait.reason == "DrainQueued");
    assert_eq!(queued.unwrap().subject, "pod web-1");
    assert!(labelled(&world, now()).is_empty());
}

#[test]
fn given_pre_delete_is_done_then_the_member_may_be_evicted_before_it_is_deleted() {
    let mut world = prepared_for_a_drain();
    let since = now().as_second();
    assert_eq!(labelled(&world, now()), [format!("web-2 {since}")]);
    assert!(deletions(&world).is_empty());

    label(&mut world, 2);
    let plan = crate::plan(&world, now());
    assert!(plan.steps.is_empty(), "{:?}", plan.steps);
    let awaited = (plan.status.waiting.iter()).find(|wait| wait.reason == "EvictionAwaited");
    assert_eq!(awaited.unwrap().subject, "pod web-2");
    let end = now().checked_add(super::TO_EVICT).unwrap();
    assert_eq!(plan.wake_at, Some(end));

    let steps = crate::plan(&world, end).steps;
    assert!(
        matches!(&steps[..], [Step::DeletePod { name, why: WhyDelete::Evicted, .. }] if name == "web-2"),
        "{steps:?}"
    );
}

#[test]
fn given_a_label_that_is_no_time_then_it_is_written_again() {
    let mut world = prepared_for_a_drain();
    let labels = &mut world.pods[2].labels;
    labels.insert(EVICTABLE_LABEL, "true");
    let since = now().as_second();
    assert_eq!(labelled(&world, now()), [format!("web-2 {since}")]);
}

#[test]
fn given_the_budget_of_an_app_then_it_leaves_out_who_may_be_evicted() {
    let steps = crate::plan(&given(&[]), now()).steps;
    let body = steps.iter().find_map(|step| match step {
        Step::CreateBudget { body, .. } => Some(body.clone()),
        _ => None,
    });
    let selector = &body.unwrap()["spec"]["selector"];
    assert_eq!(selector["matchLabels"], json!({"app": "web"}));
    let expression = &selector["matchExpressions"][0];
    assert_eq!(expression["key"], EVICTABLE_LABEL);
    assert_eq!(expression["operator"], "DoesNotExist");
}

#[test]
fn given_an_uncordoned_node_when_pre_delete_was_done_then_it_is_undone_and_nobody_may_evict() {
    let mut world = given(&[ours()]);
    known(&mut world, prepared(2), Phase::Done);
    label(&mut world, 2);
    let steps = crate::plan(&world, now()).steps;
    assert!(
        (steps.iter()).any(|step| matches!(
            step,
            Step::Call {
                cancelling: true,
                ..
            }
        )),
        "{steps:?}"
    );
    assert_eq!(labelled(&world, now()), ["web-2 none"]);
}

#[test]
fn given_a_refused_spec_then_drained_members_leave_all_the_same() {
    let mut world = drained(given(&[ours()]), &[0]);
    record(&mut world);
    world.app.generation = 2;
    world.answers.validate = Some(crate::world::Verdict::Refused {
        message: "no".to_owned(),
    });
    assert_eq!(calls(&world), ["pre-delete/uid-0/evict"]);
}
