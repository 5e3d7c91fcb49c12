//! What every plan must obey, judged from the world alone and without the planner's own rules.

use std::collections::BTreeSet;

use stateward_planner::journal::{Act, Cause, MoveCause};
use stateward_planner::plan::WhyDelete;
use stateward_planner::spec::{PodManagement, UpdateStrategy};
use stateward_planner::status::Ordinals;
use stateward_planner::world::{Hold, Plugin, Pod, PodPhase, Verdict};
use stateward_planner::{Invocation, Model, Phase, Plan, Step};

pub(crate) const REVISION: &str = "controller-revision-hash";

pub(crate) fn ordinal(name: &str) -> u32 {
    name.rsplit_once('-').unwrap().1.parse().unwrap()
}

fn has_hook(model: &Model, hook: &str) -> bool {
    matches!(&model.world.plugin, Plugin::Ready(plugin) if plugin.hooks.contains(hook))
}

/// The ordinals that may be pursued: those of the last accepted spec while the plugin does not accept the present one.
fn goal(model: &Model) -> Ordinals {
    let spec = &model.world.app.spec;
    match &model.world.recorded.accepted {
        Some(accepted) if !is_accepted(model) => accepted.ordinals(),
        _ => spec.ordinals(),
    }
}

fn is_accepted(model: &Model) -> bool {
    !has_hook(model, "validate") || model.world.answers.validate == Some(Verdict::Accepted)
}

fn has_joined(model: &Model, pod: &Pod) -> bool {
    let id = Act::PostReady {
        ordinal: 0,
        pod: pod.uid.clone(),
        restarts: pod.restarts,
    }
    .id();
    !has_hook(model, "post-ready")
        || model.world.recorded.joined.has(pod)
        || pod.annotations.get("stateward.dev/post-ready")
            == Some(pod.restarts.to_string().as_str())
        || model
            .world
            .journal
            .get(&id)
            .is_some_and(Invocation::is_done)
}

fn is_ready(model: &Model, pod: &Pod) -> bool {
    let seconds = i64::from(model.world.app.spec.min_ready_seconds);
    pod.deletion.is_none()
        && pod.phase == PodPhase::Running
        && pod
            .ready_since
            .is_some_and(|since| since.as_second() + seconds <= model.now.as_second())
}

pub(crate) fn is_available(model: &Model, pod: &Pod) -> bool {
    is_ready(model, pod) && has_joined(model, pod)
}

/// Panics when the plan breaks a promise.
pub(crate) fn judge(model: &Model, plan: &Plan) {
    assert_eq!(*plan, model.plan(), "the same world has the same plan");
    let mut touched = BTreeSet::new();
    let mut called = 0;
    for step in &plan.steps {
        match step {
            Step::CreatePod {
                ordinal,
                claims,
                revision,
                ..
            } => {
                judge_creation(model, *ordinal);
                judge_revision(model, plan, *ordinal, revision);
                assert!(touched.insert(*ordinal), "one step per ordinal: {plan:#?}");
                for claim in claims {
                    let name = claim["metadata"]["name"].as_str().unwrap();
                    assert!(
                        model.world.claims.iter().all(|known| known.name != name),
                        "claim {name} exists"
                    );
                }
            }
            Step::DeletePod {
                ordinal, uid, why, ..
            } => {
                judge_deletion(model, uid, *why);
                assert!(touched.insert(*ordinal), "one step per ordinal: {plan:#?}");
            }
            Step::Call { id, act, .. } => {
                called += 1;
                let known = model.world.journal.get(id);
                assert!(
                    known.is_none_or(|known| known.phase != Phase::Calling),
                    "{id} is in flight"
                );
                if let Act::MoveRole { role, number, .. } = act {
                    let recorded = model
                        .world
                        .recorded
                        .roles
                        .iter()
                        .find(|known| known.name == *role)
                        .and_then(|known| known.moving.as_ref());
                    assert_eq!(
                        recorded.map(|moving| moving.number),
                        Some(*number),
                        "a move is recorded before its first call"
                    );
                }
            }
            _ => {}
        }
    }
    judge_lanes(model, plan, called);
    judge_budget(model, plan);
}

fn judge_creation(model: &Model, created: u32) {
    let world = &model.world;
    let spec = &world.app.spec;
    assert!(world.app.deletion.is_none(), "nothing is made for who goes");
    assert!(goal(model).contains(created));
    let pods: Vec<_> = world
        .pods
        .iter()
        .map(|pod| (ordinal(&pod.name), pod))
        .collect();
    assert!(
        pods.iter().all(|(ordinal, _)| *ordinal != created),
        "at most one pod per identity: {created} exists still"
    );
    let suffix = format!("-{}-{created}", world.app.name);
    let mut own = (world.claims.iter()).filter(|claim| claim.name.ends_with(&suffix));
    assert!(
        own.all(|claim| claim.deletion.is_none()),
        "{created} is made on a claim that goes"
    );
    if spec.pod_management == PodManagement::OrderedReady {
        for lower in goal(model).iter().take_while(|lower| *lower < created) {
            let pod = pods.iter().find(|(ordinal, _)| *ordinal == lower);
            assert!(
                pod.is_some_and(|(_, pod)| is_available(model, pod)),
                "{created} is created before {lower} is available"
            );
        }
    }
    if has_hook(model, "member-config") {
        assert!(world.answers.member_config.contains_key(&created));
    }
    if has_hook(model, "pre-scale") && !is_healing(model, created) {
        assert!(may_scale(model, created), "{created} without pre-scale");
    }
}

/// Below the partition the current revision, otherwise the update one; with Recreate nothing comes beside anything older.
fn judge_revision(model: &Model, plan: &Plan, created: u32, revision: &str) {
    let spec = &model.world.app.spec;
    let expected = if spec.ordinals().slot(created) < spec.update.partition() {
        &plan.status.current_revision
    } else {
        &plan.status.update_revision
    };
    assert_eq!(revision, expected, "{created} is made at another revision");
    let is_other = |pod: &&Pod| pod.labels.get(REVISION) != Some(revision);
    if spec.update == UpdateStrategy::Recreate && is_accepted(model) {
        let others: Vec<_> = model.world.pods.iter().filter(is_other).collect();
        assert!(others.is_empty(), "{created} comes before {others:?} went");
    }
}

fn is_healing(model: &Model, ordinal: u32) -> bool {
    model
        .world
        .recorded
        .scale
        .as_ref()
        .and_then(|scale| scale.reached.as_ref())
        .is_some_and(|reached| reached.contains(ordinal))
}

fn may_scale(model: &Model, ordinal: u32) -> bool {
    let scale = model.world.recorded.scale.as_ref().unwrap().number;
    model
        .world
        .journal
        .get(&Act::PreScale { scale, ordinal }.id())
        .is_some_and(Invocation::is_done)
}

fn judge_deletion(model: &Model, uid: &str, why: WhyDelete) {
    let world = &model.world;
    let spec = &world.app.spec;
    let pod = world.pods.iter().find(|pod| pod.uid == uid);
    let pod = pod.expect("a delete names a pod that exists, by its UID");
    assert!(pod.deletion.is_none(), "it is terminating already");
    let is_ended = matches!(pod.phase, PodPhase::Failed | PodPhase::Succeeded);
    let number = ordinal(&pod.name);
    let in_range: Vec<_> = world
        .pods
        .iter()
        .filter(|pod| spec.contains(ordinal(&pod.name)))
        .collect();
    // Recreate ignores order and health (item 110).
    let is_ordered = spec.pod_management == PodManagement::OrderedReady
        && spec.update != UpdateStrategy::Recreate;
    match why {
        WhyDelete::Terminal => {
            assert!(is_ended && (goal(model).contains(number) || is_torn_down(model)));
            return;
        }
        WhyDelete::Requested | WhyDelete::Evicted => panic!("nobody asked for {why:?}"),
        WhyDelete::Teardown => {
            assert!(is_torn_down(model), "nobody deletes the app");
            let highest = world.pods.iter().map(|pod| ordinal(&pod.name)).max();
            let is_in_order = spec.pod_management == PodManagement::OrderedReady;
            assert!(
                !is_in_order || highest == Some(number),
                "the highest leaves first"
            );
        }
        WhyDelete::Condemned => {
            assert!(!spec.contains(number));
            if has_hook(model, "pre-scale") {
                assert!(
                    may_scale(model, number),
                    "{number} leaves without pre-scale"
                );
            }
            if is_ordered {
                assert_eq!(in_range.len(), spec.replicas as usize);
                assert!(in_range.iter().all(|pod| is_available(model, pod)));
                let highest = world
                    .pods
                    .iter()
                    .map(|pod| ordinal(&pod.name))
                    .filter(|ordinal| !spec.contains(*ordinal))
                    .max();
                assert_eq!(highest, Some(number), "the highest leaves first");
            }
        }
        WhyDelete::Outdated => {
            assert!(spec.contains(number));
            assert_ne!(spec.update, UpdateStrategy::OnDelete, "users delete");
            assert!(
                spec.ordinals().slot(number) >= spec.update.partition(),
                "{number} is below the partition"
            );
            let serves = pod.was_ready || pod.ready_since.is_some();
            if is_ordered && !serves {
                // It may go before the members above it are there; those below it are.
                let lower = in_range.iter().filter(|pod| ordinal(&pod.name) < number);
                assert!(lower.clone().all(|pod| is_available(model, pod)));
            } else if is_ordered {
                assert_eq!(
                    world.pods.len(),
                    spec.replicas as usize,
                    "no rollout while scaling"
                );
                assert!(in_range.iter().all(|pod| is_available(model, pod)));
            }
        }
    }
    if is_ended {
        return;
    }
    if has_hook(model, "pre-delete") {
        let cause = why.cause().unwrap();
        let id = Act::PreDelete {
            ordinal: number,
            pod: uid.to_owned(),
            cause,
        }
        .id();
        let is_permitted = |known: &Invocation| known.id == id && known.is_done();
        assert!(
            world.recorded.invocations.iter().any(is_permitted),
            "{} is deleted ({cause}) without a recorded permission",
            pod.name
        );
        assert!(matches!(
            cause,
            Cause::ScaleIn | Cause::Update | Cause::Teardown
        ));
    }
    // An app that goes hands nothing over.
    if has_hook(model, "move-role") && why != WhyDelete::Teardown {
        let is_holder = world
            .recorded
            .roles
            .iter()
            .any(|role| role.holder.as_ref().is_some_and(|holder| holder.pod == uid));
        let others = in_range.iter().filter(|other| other.uid != uid).count();
        assert!(
            !is_holder || others == 0,
            "{} is deleted while it holds a role",
            pod.name
        );
    }
}

/// The app is deleted, and its end waits for its members.
fn is_torn_down(model: &Model) -> bool {
    let app = &model.world.app;
    app.deletion.is_some() && app.hold == Hold::Held
}

/// One exclusive act invocation at a time.
fn judge_lanes(model: &Model, plan: &Plan, called: usize) {
    let Plugin::Ready(plugin) = &model.world.plugin else {
        assert_eq!(called, 0);
        return;
    };
    let is_failover = |act: &Act| {
        let failed = MoveCause::Failed;
        matches!(act, Act::MoveRole { cause, .. } if *cause == failed)
    };
    let has_failover = (plan.steps.iter())
        .any(|step| matches!(step, Step::Call { act, .. } if is_failover(act)))
        || model.world.journal.values().any(|known| {
            is_failover(&known.act)
                && matches!(known.phase, Phase::Calling | Phase::InProgress { .. })
        });
    let under_way: BTreeSet<_> = model
        .world
        .journal
        .values()
        .filter(|known| matches!(known.phase, Phase::Calling | Phase::InProgress { .. }))
        // What is in progress rests while a failover is under way.
        .filter(|known| !has_failover || is_failover(&known.act) || known.phase == Phase::Calling)
        .filter(|known| !plan.forget.contains(&known.id))
        .map(|known| known.act.id())
        .chain(plan.steps.iter().filter_map(|step| match step {
            Step::Call { id, .. } => Some(id.clone()),
            _ => None,
        }))
        .collect();
    let (joins, mut others): (Vec<_>, Vec<_>) = under_way
        .iter()
        .partition(|id| id.0.starts_with("post-ready/"));
    if plugin.pre_scale_overlaps {
        // Steps of a scale count as one.
        let (steps, rest): (Vec<_>, Vec<_>) =
            (others.into_iter()).partition(|id| id.0.starts_with("pre-scale/"));
        others = rest.into_iter().chain(steps.into_iter().take(1)).collect();
    }
    if plugin.post_ready_overlaps {
        assert!(others.len() <= 1, "{others:?}");
        let moves = others.iter().any(|id| id.0.starts_with("move-role/"));
        assert!(!moves || joins.is_empty() || called == 0, "{under_way:?}");
    } else {
        assert!(under_way.len() <= 1 || called == 0, "{under_way:?}");
    }
}

/// Of those that serve, a rollout takes no more than the budget leaves.
fn judge_budget(model: &Model, plan: &Plan) {
    let spec = &model.world.app.spec;
    if spec.update == UpdateStrategy::Recreate {
        return;
    }
    let serving: Vec<_> = model
        .world
        .pods
        .iter()
        .filter(|pod| spec.contains(ordinal(&pod.name)) && is_available(model, pod))
        .map(|pod| pod.uid.as_str())
        .collect();
    let taken = plan
        .steps
        .iter()
        .filter(|step| {
            matches!(step, Step::DeletePod { uid, why: WhyDelete::Outdated, .. } if serving.contains(&uid.as_str()))
        })
        .count();
    let unavailable = spec.replicas as usize - serving.len();
    let budget = spec.update.budget(spec.replicas) as usize;
    assert!(
        taken == 0 || unavailable + taken <= budget,
        "{taken} taken, {unavailable} away, {budget} allowed"
    );
}
