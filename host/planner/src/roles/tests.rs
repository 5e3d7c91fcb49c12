use crate::journal::{Act, Invocation, MoveCause, Phase};
use crate::plan::Step;
use crate::status::{EndedRequest, Holder, Moving, RoleStatus};
use crate::testing::{now, pod, world};
use crate::world::{Plugin, ReadyPlugin, Role, Switchover, World};

fn given() -> World {
    let mut world = world(3);
    let revision = world.revisions[0].name.clone();
    world.recorded.current_revision.clone_from(&revision);
    world.pods = (0..3).map(|n| pod(&world.app, n, &revision)).collect();
    let primary = "role.stateward.dev/primary".to_owned();
    world.pods[0].labels.insert(primary, "true");
    world.plugin = Plugin::Ready(ReadyPlugin {
        name: "db".to_owned(),
        digest: "sha256:1".to_owned(),
        hooks: ["move-role".to_owned()].into(),
        roles: vec![
            Role {
                name: "primary".to_owned(),
                exclusive: true,
                movable: true,
                grace_seconds: 30,
            },
            Role {
                name: "arbiter".to_owned(),
                exclusive: true,
                movable: false,
                grace_seconds: 30,
            },
        ],
        ..ReadyPlugin::default()
    });
    world.recorded.roles = vec![RoleStatus {
        holder: Some(Holder {
            ordinal: 0,
            pod: "uid-0".to_owned(),
        }),
        epoch: 1,
        ..RoleStatus::unclaimed("primary")
    }];
    world
}

fn wish(world: &mut World, role: &str, target: Option<u32>) {
    world.app.switchover = Some(Switchover {
        id: "wish".to_owned(),
        role: role.to_owned(),
        target,
    });
}

fn ended(world: &World, role: &str) -> Option<EndedRequest> {
    let status = crate::plan(world, now()).status;
    status
        .roles
        .iter()
        .find(|known| known.name == role)?
        .last_request
        .clone()
}

#[test]
fn a_wish_that_cannot_be_fulfilled_ends_at_once_and_says_why() {
    for (role, target, result, says) in [
        (
            "primary",
            Some(0),
            "AlreadyThere",
            "web-0 holds role primary already",
        ),
        ("primary", Some(9), "Refused", "web has no member 9"),
        (
            "king",
            None,
            "Refused",
            "plugin db knows no role king; it has: primary, arbiter",
        ),
        ("arbiter", None, "Refused", "cannot move role arbiter"),
    ] {
        let mut world = given();
        wish(&mut world, role, target);
        let ended = ended(&world, role).unwrap();
        assert_eq!(ended.result, result);
        assert!(ended.message.contains(says), "{}", ended.message);
    }
}

#[test]
fn a_target_that_cannot_serve_is_refused() {
    let mut world = given();
    world.pods[1].ready_since = None;
    wish(&mut world, "primary", Some(1));
    let ended = ended(&world, "primary").unwrap();
    assert_eq!(ended.message, "web-1 is not available");
}

#[test]
fn without_a_holder_there_is_nothing_to_hand_over() {
    let mut world = given();
    world.recorded.roles.clear();
    wish(&mut world, "primary", None);
    let ended = ended(&world, "primary").unwrap();
    assert!(ended.message.contains("nobody holds"), "{}", ended.message);
}

#[test]
fn a_wish_is_recorded_before_the_first_call() {
    let mut world = given();
    wish(&mut world, "primary", Some(2));
    let plan = crate::plan(&world, now());
    assert!(plan.status_is_urgent && plan.steps.is_empty());
    let moving = plan.status.roles[0].moving.clone().unwrap();
    assert_eq!((moving.number, moving.target), (1, Some(2)));
    world.recorded = plan.status.into();
    let plan = crate::plan(&world, now());
    let [Step::Call { id, .. }] = plan.steps.as_slice() else {
        panic!("the call follows: {:?}", plan.steps);
    };
    assert_eq!(id.0, "move-role/primary/1/1");
}

#[test]
fn a_wish_that_ended_is_not_taken_up_again() {
    let mut world = given();
    wish(&mut world, "primary", Some(0));
    world.recorded = crate::plan(&world, now()).status.into();
    let plan = crate::plan(&world, now());
    assert!(plan.steps.is_empty() && !plan.status_is_urgent);
}

#[test]
fn a_role_whose_holder_is_gone_is_told() {
    let mut world = given();
    world.pods[0].uid = "another".to_owned();
    let waiting = crate::plan(&world, now()).status.waiting;
    assert_eq!(waiting[0].reason, "RoleUnheld");
}

#[test]
fn while_a_move_is_between_its_claim_and_its_end_no_member_is_deleted() {
    let mut world = given();
    world.app.spec.replicas = 2;
    let deletes = |world: &World| {
        let steps = crate::plan(world, now()).steps;
        steps
            .iter()
            .any(|step| matches!(step, Step::DeletePod { .. }))
    };
    assert!(deletes(&world), "web-2 is out of range");

    let act = Act::MoveRole {
        role: "primary".to_owned(),
        epoch: 1,
        number: 1,
        cause: MoveCause::Update,
        target: None,
    };
    let role = &mut world.recorded.roles[0];
    role.holder = Some(Holder {
        ordinal: 1,
        pod: "uid-1".to_owned(),
    });
    role.epoch = 2;
    role.moves = 1;
    role.moving = Some(Moving {
        number: 1,
        epoch: 1,
        cause: MoveCause::Update,
        target: None,
        request: None,
    });
    let call = Invocation {
        id: act.id(),
        act,
        started: now(),
        attempts: 2,
        checkpoint: None,
        phase: Phase::Failing {
            reason: "PluginTimeout".to_owned(),
            message: "it took too long".to_owned(),
            failures: 1,
            ask_again: now(),
        },
        cancelling: false,
        digest: None,
        is_recorded: true,
    };
    world.journal.insert(call.id.clone(), call);
    assert!(
        !deletes(&world),
        "the move may still need the former holder"
    );
}

mod handed_over {
    use super::*;
    use crate::InvocationId;
    use crate::journal::Cause;
    use crate::status::{Order, Ruling};
    use crate::testing::{calls, deletions, held_by, known, served};
    use crate::world::Verb;

    /// Both of two members are to be replaced, of which the first has the role and the second may go.
    fn given() -> World {
        let mut world = served(2, &["move-role", "pre-delete"]);
        held_by(&mut world, 0);
        let primary = "role.stateward.dev/primary".to_owned();
        world.pods[0].labels.insert(primary, "true");
        world.recorded.orders = vec![replaced(0), replaced(1)];
        known(&mut world, allowed(Cause::Replace), Phase::Done);
        world
    }

    fn replaced(ordinal: u32) -> Order {
        Order::Replace {
            ordinal,
            pod: format!("uid-{ordinal}"),
            why: "stuck".to_owned(),
        }
    }

    fn allowed(cause: Cause) -> Act {
        Act::PreDelete {
            ordinal: 1,
            pod: "uid-1".to_owned(),
            cause,
        }
    }

    fn is_moving(world: &World) -> bool {
        let status = crate::plan(world, now()).status;
        status.roles[0].moving.is_some()
    }

    #[test]
    fn given_that_the_only_other_member_may_be_deleted_then_the_role_waits_until_it_is_back() {
        let mut world = given();
        assert_eq!(deletions(&world), ["web-1 Requested"]);
        assert!(calls(&world).is_empty() && !is_moving(&world));
        let waiting = crate::plan(&world, now()).status.waiting;
        assert!(waiting.iter().any(|wait| wait.reason == "NoCandidate"));

        world.pods[1].uid = "uid-again".to_owned();
        assert!(is_moving(&world));
    }

    /// The scale waits for a member that can take the role, and a rollout usually for the scale.
    #[test]
    fn given_that_the_only_other_member_was_to_be_updated_before_the_holder_had_to_leave_then_it_is()
     {
        let mut world = served(2, &["move-role", "pre-delete"]);
        held_by(&mut world, 0);
        (world.app.spec.start, world.app.spec.replicas) = (1, 1);
        world.pods[1].labels.remove("controller-revision-hash");
        assert!(
            is_moving(&world),
            "it is there, and nothing was prepared for its end"
        );
        known(&mut world, allowed(Cause::Update), Phase::Done);
        assert_eq!(deletions(&world), ["web-1 Outdated"]);
    }

    #[test]
    fn given_a_third_member_that_stays_then_the_role_moves_at_once() {
        let mut world = given();
        world.app.spec.replicas = 3;
        let mut third = pod(&world.app, 2, &world.revisions[0].name.clone());
        third.annotations = world.pods[1].annotations.clone();
        world.pods.push(third);
        assert!(is_moving(&world));
    }

    #[test]
    fn given_a_decision_that_outlived_its_reason_then_the_member_stays() {
        let mut world = given();
        world.recorded.orders = vec![replaced(0)];
        world.recorded.invocations.clear();
        world.journal.clear();
        world.recorded.rulings = vec![Ruling {
            request: None,
            invocation: InvocationId("pre-delete/uid-1/update".to_owned()),
            verb: Verb::Skip,
            by: "ada".to_owned(),
            reason: "in a hurry".to_owned(),
            at: now(),
            generation: 1,
            result: "Taken".to_owned(),
        }];
        assert!(is_moving(&world));
    }

    #[test]
    fn given_a_wish_for_a_member_that_may_be_deleted_then_it_is_refused() {
        for target in [Some(1), None] {
            let mut world = given();
            world.recorded.orders = vec![replaced(1)];
            wish(&mut world, "primary", target);
            let ended = ended(&world, "primary").unwrap();
            let says = match target {
                Some(_) => "web-1 is about to be replaced",
                None => "no other member is available to take role primary",
            };
            assert_eq!(
                (ended.result.as_str(), ended.message.as_str()),
                ("Refused", says)
            );
        }
    }
}

mod failed {
    use super::*;
    use crate::plan::WhyPatch;
    use crate::testing::{calls, held_by, known, record, served};
    use crate::world::Seen;
    use jiff::SignedDuration;

    fn given() -> World {
        let mut world = served(3, &["move-role", "pre-delete"]);
        held_by(&mut world, 0);
        for pod in &mut world.pods {
            let primary = "role.stateward.dev/primary".to_owned();
            if pod.uid == "uid-0" {
                pod.labels.insert(primary, "true");
            }
        }
        world
    }

    fn cause(world: &World) -> Option<MoveCause> {
        let plan = crate::plan(world, now());
        plan.status.roles[0]
            .moving
            .as_ref()
            .map(|moving| moving.cause)
    }

    #[test]
    fn given_a_holder_that_is_gone_ended_or_deleted_by_others_then_its_role_moves_at_once() {
        let mut gone = given();
        gone.pods.remove(0);
        let mut ended = given();
        ended.pods[0].phase = crate::world::PodPhase::Failed;
        let mut deleted = given();
        deleted.pods[0].deletion = Some(now());
        for mut world in [gone, ended, deleted] {
            assert_eq!(cause(&world), Some(MoveCause::Failed));
            record(&mut world);
            assert!(calls(&world).contains(&"move-role/primary/1/1".to_owned()));
        }
    }

    #[test]
    fn given_a_holder_that_is_unwell_then_its_role_moves_after_the_grace() {
        let mut world = given();
        let ago = |seconds| now() - SignedDuration::from_secs(seconds);
        let seen = |since| {
            Some(Seen {
                at: now(),
                unwell_since: Some(since),
                role: None,
                wants: Vec::new(),
            })
        };
        world.pods[0].seen = seen(ago(29));
        assert_eq!(cause(&world), None);
        let wake = crate::plan(&world, now()).wake_at;
        assert_eq!(wake, Some(ago(-1)));
        world.pods[0].seen = seen(ago(30));
        assert_eq!(cause(&world), Some(MoveCause::Failed));
        record(&mut world);
        world.pods[0].seen = None;
        record(&mut world);
        assert_eq!(
            cause(&world),
            None,
            "it is well again, and nothing was begun"
        );
    }

    #[test]
    fn given_nobody_who_could_take_it_then_no_failover_begins() {
        let mut world = given();
        world.pods.truncate(1);
        world.pods[0].deletion = Some(now());
        assert_eq!(cause(&world), None);
    }

    #[test]
    fn given_a_refused_failover_when_the_holder_is_back_and_recorded_anew_then_it_is_over() {
        let mut world = given();
        let mut pod = world.pods.remove(0);
        record(&mut world);
        let act = Act::MoveRole {
            role: "primary".to_owned(),
            cause: MoveCause::Failed,
            epoch: 1,
            number: 1,
            target: None,
        };
        let refused = Phase::Refused {
            reason: "it does not fail over".to_owned(),
            since: now(),
            ask_again: now() + SignedDuration::from_secs(60),
        };
        known(&mut world, act, refused);
        assert_eq!(cause(&world), Some(MoveCause::Failed), "it is still gone");

        pod.uid = "uid-again".to_owned();
        world.pods.insert(0, pod);
        let role = &mut world.recorded.roles[0];
        role.epoch = 2;
        role.holder = Some(Holder {
            ordinal: 0,
            pod: "uid-again".to_owned(),
        });
        let plan = record(&mut world);
        assert_eq!(cause(&world), None);
        assert_eq!(plan.status.waiting, [], "nobody is waited for");
    }

    #[test]
    fn given_another_invocation_in_progress_then_a_failover_goes_first_and_it_resumes_later() {
        let mut world = given();
        world.app.spec.replicas = 2;
        let act = Act::PreDelete {
            ordinal: 2,
            pod: "uid-2".to_owned(),
            cause: crate::journal::Cause::ScaleIn,
        };
        let in_progress = Phase::InProgress {
            ask_again: now(),
            percent: None,
            message: "half way".to_owned(),
        };
        let id = known(&mut world, act, in_progress);
        assert_eq!(calls(&world), [id.to_string()]);
        world.pods.remove(0);
        record(&mut world);
        assert_eq!(calls(&world), ["move-role/primary/1/1"]);
        held_by(&mut world, 1);
        assert_eq!(calls(&world), [id.to_string()]);
    }

    #[test]
    fn given_a_call_in_flight_then_a_failover_waits_for_it_or_cuts_it_short_as_the_manifest_says() {
        for interrupts in [false, true] {
            let mut world = given();
            world.app.spec.replicas = 2;
            if let Plugin::Ready(plugin) = &mut world.plugin {
                plugin.failover_interrupts = interrupts;
            }
            let act = Act::PreDelete {
                ordinal: 2,
                pod: "uid-2".to_owned(),
                cause: crate::journal::Cause::ScaleIn,
            };
            let id = known(&mut world, act, Phase::Calling);
            world.pods.remove(0);
            record(&mut world);
            assert!(calls(&world).is_empty(), "one exclusive call at a time");
            let cut_short = Step::Interrupt { id };
            let steps = crate::plan(&world, now()).steps;
            assert_eq!(steps.contains(&cut_short), interrupts);
        }
    }

    #[test]
    fn the_label_of_an_exclusive_role_leaves_its_former_holder_first() {
        let mut world = given();
        held_by(&mut world, 1);
        let patches = |world: &World| -> Vec<String> {
            let steps = crate::plan(world, now()).steps.into_iter();
            steps
                .filter_map(|step| match step {
                    Step::PatchPod {
                        name,
                        labels,
                        why: WhyPatch::Roles,
                        ..
                    } => Some(format!("{name} {labels:?}")),
                    _ => None,
                })
                .collect()
        };
        let label = "role.stateward.dev/primary";
        assert_eq!(patches(&world), [format!("web-0 {{{label:?}: None}}")]);
        world.pods[0].labels.remove(label);
        assert_eq!(
            patches(&world),
            [format!("web-1 {{{label:?}: Some(\"true\")}}")]
        );
    }
}
