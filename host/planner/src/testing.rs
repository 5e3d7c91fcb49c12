//! Small worlds for the tests of single rules.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::identity::{POD_INDEX_LABEL, POD_NAME_LABEL, REVISION_LABEL, pod_name};
use crate::journal::{Act, Invocation, InvocationId, Phase};
use crate::spec::Spec;
use crate::status::{Holder, RoleStatus, Status};
use crate::texts::Texts;
use crate::world::{
    Answers, App, Budgets, Claim, Face, Hold, OwnerReference, Plugin, Pod, PodFacts, PodPhase,
    ReadyPlugin, Revision, Role, Task, Wishes, World,
};

pub(crate) const NOW: i64 = 1_000_000;

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

pub(crate) fn app(replicas: u32) -> App {
    let spec = json!({
        "replicas": replicas,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "web:v1"}]},
        },
    });
    App {
        face: Face::StatefulApp,
        namespace: "default".to_owned(),
        name: "web".to_owned(),
        uid: "app-uid".to_owned(),
        generation: 1,
        deletion: None,
        annotations: BTreeMap::new(),
        spec: Spec::parse(Face::StatefulApp, &spec).unwrap().into(),
        switchover: None,
        wishes: Wishes::default(),
        hold: Hold::None,
    }
}

/// An app whose first revision exists, and nothing else.
pub(crate) fn world(replicas: u32) -> World {
    let mut world = World {
        app: app(replicas),
        revisions: Vec::new(),
        pods: Vec::new(),
        claims: Vec::new(),
        recorded: Status::default().into(),
        budgets: Budgets::default(),
        plugin: Plugin::None,
        answers: Answers::default(),
        journal: BTreeMap::new(),
    };
    for step in crate::revisions::of_template(&world).steps {
        if let crate::Step::CreateRevision { body, .. } = step {
            world.revisions.push(revision(&body));
        }
    }
    world
}

pub(crate) fn revision(body: &Value) -> Revision {
    let text = |pointer: &str| body.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    Revision {
        name: text("/metadata/name"),
        uid: format!("uid of {}", text("/metadata/name")),
        number: body["revision"].as_i64().unwrap(),
        created: now(),
        owner: Some(text("/metadata/ownerReferences/0/uid")),
        labels: serde_json::from_value(body["metadata"]["labels"].clone()).unwrap(),
        data: body["data"].clone().into(),
    }
}

/// A pod of the app that has been ready for long.
pub(crate) fn pod(app: &App, ordinal: u32, revision: &str) -> Pod {
    let name = pod_name(&app.name, ordinal);
    Pod {
        facts: PodFacts {
            uid: format!("uid-{ordinal}"),
            labels: Texts::from([
                ("app", "web"),
                (POD_NAME_LABEL, &name),
                (POD_INDEX_LABEL, &ordinal.to_string()),
                (REVISION_LABEL, revision),
            ]),
            annotations: Texts::default(),
            owners: vec![OwnerReference {
                api_version: "stateward.dev/v1alpha1".to_owned(),
                kind: "StatefulApp".to_owned(),
                name: app.name.clone(),
                uid: app.uid.clone(),
                controller: true,
            }]
            .into(),
            created: now(),
            deletion: None,
            phase: PodPhase::Running,
            ready_since: Some(Timestamp::from_second(NOW - 1000).unwrap()),
            restarts: 0,
            was_ready: true,
            node: None,
            address: None,
            claims: Texts::default(),
            hindrance: None,
            gate: None,
            name,
        }
        .into(),
        seen: None,
        is_evicted: false,
    }
}

pub(crate) fn claim(name: &str) -> Claim {
    Claim {
        name: name.to_owned(),
        uid: format!("uid of {name}"),
        owners: Vec::new(),
        deletion: None,
        is_bound: true,
        requested: None,
        capacity: None,
        growth: None,
    }
}

/// So many available members of an app whose plugin has these hooks and the exclusive role `primary`, held by none.
pub(crate) fn served(replicas: u32, hooks: &[&str]) -> World {
    let mut world = world(replicas);
    let revision = world.revisions[0].name.clone();
    world.recorded.current_revision.clone_from(&revision);
    world.pods = (0..replicas)
        .map(|ordinal| joined(&world.app, ordinal, &revision))
        .collect();
    world.plugin = Plugin::Ready(ReadyPlugin {
        name: "db".to_owned(),
        digest: "sha256:1".to_owned(),
        hooks: hooks.iter().map(|hook| (*hook).to_owned()).collect(),
        roles: vec![Role {
            name: "primary".to_owned(),
            exclusive: true,
            movable: true,
            grace_seconds: 30,
        }],
        tasks: vec![Task {
            name: "tidy".to_owned(),
            after_scale: false,
        }],
        ..ReadyPlugin::default()
    });
    if hooks.contains(&"pre-delete") {
        world.app.hold = Hold::Held;
    }
    world
}

fn joined(app: &App, ordinal: u32, revision: &str) -> Pod {
    let mut pod = pod(app, ordinal, revision);
    let joined = crate::identity::POST_READY_ANNOTATION.to_owned();
    pod.annotations.insert(joined, "0");
    pod
}

/// The role `primary` is held by this member.
pub(crate) fn held_by(world: &mut World, ordinal: u32) {
    world.recorded.roles = vec![RoleStatus {
        holder: Some(Holder {
            ordinal,
            pod: format!("uid-{ordinal}"),
        }),
        epoch: 1,
        ..RoleStatus::unclaimed("primary")
    }];
}

/// An invocation of this purpose that stands like that.
pub(crate) fn known(world: &mut World, act: Act, phase: Phase) -> InvocationId {
    let id = act.id();
    let invocation = Invocation {
        id: id.clone(),
        act,
        started: now(),
        attempts: 1,
        checkpoint: None,
        phase,
        cancelling: false,
        digest: None,
        is_recorded: true,
    };
    world.recorded.invocations.push(invocation.clone());
    world.journal.insert(id.clone(), invocation);
    id
}

/// The plan is recorded: what it says stands in the status.
pub(crate) fn record(world: &mut World) -> crate::Plan {
    let plan = crate::plan(world, now());
    world.recorded = plan.status.clone().into();
    for id in &plan.forget {
        world.journal.remove(id);
    }
    plan
}

/// The calls that are made now, by id, those that undo with `undo ` before it.
pub(crate) fn calls(world: &World) -> Vec<String> {
    let steps = crate::plan(world, now()).steps.into_iter();
    steps
        .filter_map(|step| match step {
            crate::Step::Call { id, cancelling, .. } => Some(if cancelling {
                format!("undo {id}")
            } else {
                id.0
            }),
            _ => None,
        })
        .collect()
}

/// The pods that are deleted now, with the reason.
pub(crate) fn deletions(world: &World) -> Vec<String> {
    let steps = crate::plan(world, now()).steps.into_iter();
    steps
        .filter_map(|step| match step {
            crate::Step::DeletePod { name, why, .. } => Some(format!("{name} {why:?}")),
            _ => None,
        })
        .collect()
}
