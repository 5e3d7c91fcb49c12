use crate::journal::{Act, Cause, InvocationId, Phase};
use crate::spec::{Deadline, DeadlinePolicy};
use crate::testing::{calls, deletions, known, now, record, served};
use crate::world::{RulingWish, Verb, World};
use jiff::SignedDuration;

fn pre_delete(cause: Cause) -> Act {
    Act::PreDelete {
        ordinal: 1,
        pod: "uid-1".to_owned(),
        cause,
    }
}

fn refused() -> Phase {
    Phase::Refused {
        reason: "too few copies".to_owned(),
        since: now(),
        ask_again: now() + SignedDuration::from_secs(60),
    }
}

fn failing_with_checkpoint(world: &mut World, id: &InvocationId) {
    let known = world.journal.get_mut(id).unwrap();
    known.checkpoint = Some("AAAA".to_owned());
    known.phase = Phase::Failing {
        reason: "PluginFailed".to_owned(),
        message: "no".to_owned(),
        failures: 1,
        ask_again: now(),
    };
    world.recorded.invocations = vec![known.clone()];
}

fn decide(world: &mut World, verb: Verb, id: &InvocationId) -> String {
    world.app.wishes.ruling = Some(RulingWish {
        id: format!("{verb:?} {id}"),
        invocation: id.clone(),
        verb,
        by: "ada".to_owned(),
        reason: "the member is empty".to_owned(),
    });
    let plan = record(world);
    assert!(plan.status_is_urgent);
    let ruling = plan.status.rulings.last().unwrap();
    assert_eq!((ruling.by.as_str(), ruling.at), ("ada", now()));
    ruling.result.clone()
}

#[test]
fn given_a_refused_pre_delete_when_a_user_skips_it_then_the_pod_goes_after_that_is_recorded() {
    let mut world = served(2, &["pre-delete"]);
    world.app.spec.replicas = 1;
    let id = known(&mut world, pre_delete(Cause::ScaleIn), refused());
    assert_eq!(decide(&mut world, Verb::Skip, &id), "Taken");
    assert_eq!(deletions(&world), ["web-1 Condemned"]);
    let before = world.recorded.rulings.len();
    record(&mut world);
    assert_eq!(
        world.recorded.rulings.len(),
        before,
        "a decision is taken once"
    );
}

#[test]
fn given_a_pre_delete_under_way_when_a_user_aborts_it_then_it_is_undone_and_the_member_stays() {
    let mut world = served(2, &["pre-delete"]);
    world.app.spec.replicas = 1;
    let id = known(&mut world, pre_delete(Cause::ScaleIn), refused());
    failing_with_checkpoint(&mut world, &id);
    assert_eq!(decide(&mut world, Verb::Abort, &id), "Taken");
    assert_eq!(calls(&world), [format!("undo {id}")]);
    world.journal.clear();
    world.recorded.invocations.clear();
    assert!(calls(&world).is_empty() && deletions(&world).is_empty());
    let waiting = crate::plan(&world, now()).status.waiting;
    assert!(waiting.iter().any(|wait| wait.reason == "Aborted"));
    world.app.generation += 1;
    assert_eq!(calls(&world), [id.to_string()], "a new spec begins anew");
}

#[test]
fn given_an_invocation_that_was_skipped_then_nothing_more_can_be_decided_about_it() {
    let mut world = served(2, &["post-ready"]);
    let joins = Act::PostReady {
        ordinal: 1,
        pod: "uid-1".to_owned(),
        restarts: 0,
    };
    world.pods[1].annotations.clear();
    let id = known(&mut world, joins, refused());
    assert_eq!(decide(&mut world, Verb::Skip, &id), "Taken");
    for verb in [Verb::Retry, Verb::Abort] {
        assert_eq!(decide(&mut world, verb, &id), "AlreadySkipped");
    }
}

#[test]
fn a_decision_about_nothing_or_that_makes_no_sense_is_recorded_as_not_taken() {
    let mut world = served(1, &["post-ready"]);
    let nothing = InvocationId("pre-scale/9/9".to_owned());
    assert_eq!(decide(&mut world, Verb::Skip, &nothing), "NoSuchInvocation");
    world.pods[0].annotations.clear();
    let act = Act::PostReady {
        ordinal: 0,
        pod: "uid-0".to_owned(),
        restarts: 0,
    };
    let id = known(&mut world, act, refused());
    assert_eq!(decide(&mut world, Verb::Abort, &id), "NotAllowed");
    assert_eq!(decide(&mut world, Verb::Skip, &id), "Taken");
    let plan = crate::plan(&world, now());
    assert_eq!(plan.status.available_replicas, 1);
}

#[test]
fn given_a_deadline_when_it_passes_then_its_policy_decides() {
    for (policy, cause, expected) in [
        (DeadlinePolicy::Wait, Cause::Update, None),
        (DeadlinePolicy::Proceed, Cause::Update, Some(Verb::Skip)),
        (DeadlinePolicy::Proceed, Cause::ScaleIn, None),
        (DeadlinePolicy::Abort, Cause::ScaleIn, Some(Verb::Abort)),
    ] {
        let mut world = served(2, &["pre-delete"]);
        let deadline = Deadline {
            seconds: 60,
            policy,
        };
        world.app.spec.deadlines = [("pre-delete".to_owned(), deadline)].into();
        known(&mut world, pre_delete(cause), refused());
        let late = now() + SignedDuration::from_secs(60);
        let plan = crate::plan(&world, late - SignedDuration::from_secs(1));
        assert!(plan.status.rulings.is_empty());
        let plan = crate::plan(&world, late);
        let decided = plan.status.rulings.first().map(|ruling| ruling.verb);
        assert_eq!(decided, expected, "{policy:?} {cause}");
        assert!(
            plan.status
                .rulings
                .iter()
                .all(|ruling| ruling.by == "deadline")
        );
    }
}

#[test]
fn given_a_pod_that_somebody_else_deletes_then_its_grace_period_counts_and_not_the_users_deadline()
{
    let mut world = served(2, &["pre-delete"]);
    let deadline = Deadline {
        seconds: 60,
        policy: DeadlinePolicy::Wait,
    };
    world.app.spec.deadlines = [("pre-delete".to_owned(), deadline)].into();
    let until = |world: &World, id| world.deadline_of(&world.journal[&id]);
    let ours = known(&mut world, pre_delete(Cause::Update), refused());
    let theirs = known(&mut world, pre_delete(Cause::External), refused());
    let graced = now() + SignedDuration::from_secs(5);
    world.pods[1].deletion = Some(graced);
    assert_eq!(
        until(&world, ours),
        Some(now() + SignedDuration::from_secs(60))
    );
    assert_eq!(until(&world, theirs.clone()), Some(graced));
    world.pods.pop();
    assert_eq!(until(&world, theirs), None, "its pod is gone");
}

#[test]
fn given_no_deadline_then_an_invocation_may_take_any_time() {
    let mut world = served(2, &["pre-delete"]);
    let id = known(&mut world, pre_delete(Cause::Update), refused());
    assert_eq!(world.deadline_of(&world.journal[&id]), None);
}
