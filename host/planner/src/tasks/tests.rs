use crate::journal::{Act, Phase};
use crate::status::{Ordinals, Origin, Scale};
use crate::testing::{calls, known, now, record, served};
use crate::world::{Plugin, Seen, TaskWish, World};
use jiff::SignedDuration;

fn given() -> World {
    served(2, &["task"])
}

fn wish(world: &mut World, id: &str, task: &str, member: Option<u32>) {
    world.app.wishes.task = Some(TaskWish {
        id: id.to_owned(),
        task: task.to_owned(),
        member,
        arguments: "now".to_owned(),
    });
}

fn tidy(run: u64) -> Act {
    Act::Task {
        name: "tidy".to_owned(),
        run,
        member: None,
        arguments: "now".to_owned(),
    }
}

fn result(world: &World) -> (String, String) {
    let last = world.recorded.tasks[0].last.clone().unwrap();
    (last.result, last.message)
}

#[test]
fn given_a_users_wish_then_the_run_is_recorded_before_its_first_call_and_fulfilled_once() {
    let mut world = given();
    wish(&mut world, "a", "tidy", None);
    let plan = record(&mut world);
    assert!(plan.status_is_urgent && plan.steps.is_empty());
    assert_eq!(calls(&world), ["task/tidy/1"]);
    known(&mut world, tidy(1), Phase::Done);
    record(&mut world);
    assert_eq!(result(&world).0, "Done");
    record(&mut world);
    assert!(
        calls(&world).is_empty(),
        "the same wish is not fulfilled again"
    );
    wish(&mut world, "b", "tidy", None);
    record(&mut world);
    assert_eq!(calls(&world), ["task/tidy/2"]);
}

#[test]
fn a_wish_that_cannot_be_fulfilled_ends_and_says_why() {
    for (task, member, says) in [
        (
            "rebuild",
            None,
            "plugin db knows no task rebuild; it has: tidy",
        ),
        ("tidy", Some(7), "web has no member 7"),
    ] {
        let mut world = given();
        wish(&mut world, "a", task, member);
        record(&mut world);
        assert_eq!(result(&world), ("Refused".to_owned(), says.to_owned()));
        assert!(calls(&world).is_empty());
    }
}

#[test]
fn given_a_refusal_then_a_users_run_ends_and_the_hosts_is_asked_again() {
    let refused = Phase::Refused {
        reason: "busy".to_owned(),
        since: now(),
        ask_again: now(),
    };
    let mut world = given();
    wish(&mut world, "a", "tidy", None);
    record(&mut world);
    known(&mut world, tidy(1), refused.clone());
    record(&mut world);
    assert_eq!(result(&world), ("Refused".to_owned(), "busy".to_owned()));
    let mut world = given();
    world.pods[1].seen = Some(seen(0));
    record(&mut world);
    assert_eq!(
        world.recorded.tasks[0].running.as_ref().unwrap().origin,
        Origin::Probe
    );
    known(
        &mut world,
        Act::Task {
            name: "tidy".to_owned(),
            run: 1,
            member: Some(1),
            arguments: String::new(),
        },
        refused,
    );
    assert_eq!(calls(&world), ["task/tidy/1"]);
}

fn seen(after: i64) -> Seen {
    Seen {
        at: now() + SignedDuration::from_secs(after),
        unwell_since: None,
        role: None,
        wants: vec!["tidy".to_owned()],
    }
}

#[test]
fn what_a_probe_wants_runs_again_only_when_it_is_wanted_after_the_last_run() {
    let mut world = given();
    world.pods[1].seen = Some(seen(0));
    record(&mut world);
    known(
        &mut world,
        Act::Task {
            name: "tidy".to_owned(),
            run: 1,
            member: Some(1),
            arguments: String::new(),
        },
        Phase::Done,
    );
    record(&mut world);
    let is_running = |world: &World| {
        crate::plan(
            world,
            world.recorded.tasks[0].last.as_ref().unwrap().at + SignedDuration::from_secs(61),
        )
        .status
        .tasks[0]
            .running
            .is_some()
    };
    assert!(!is_running(&world), "seen before the run ended");
    world.pods[1].seen = Some(seen(10));
    assert!(record(&mut world).wake_at.is_some(), "it rests first");
    assert!(is_running(&world));
}

#[test]
fn given_a_task_for_finished_scales_then_it_runs_once_after_each() {
    let mut world = given();
    let Plugin::Ready(plugin) = &mut world.plugin else {
        unreachable!()
    };
    plugin.tasks[0].after_scale = true;
    let reached = Ordinals {
        replicas: 2,
        start: 0,
        reserved: Default::default(),
    };
    world.recorded.scale = Some(Scale {
        number: 3,
        target: 2,
        start: 0,
        reserved: Default::default(),
        reached: Some(reached),
    });
    record(&mut world);
    assert_eq!(calls(&world), ["task/tidy/1"]);
    known(
        &mut world,
        Act::Task {
            name: "tidy".to_owned(),
            run: 1,
            member: None,
            arguments: String::new(),
        },
        Phase::Done,
    );
    record(&mut world);
    record(&mut world);
    assert!(calls(&world).is_empty());
    assert_eq!(world.recorded.tasks[0].after_scale, 3);
}
