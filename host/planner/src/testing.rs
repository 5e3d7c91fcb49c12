//! Small worlds for the tests of single rules.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::identity::{POD_INDEX_LABEL, POD_NAME_LABEL, REVISION_LABEL, pod_name};
use crate::spec::Spec;
use crate::status::Status;
use crate::world::{
    Answers, App, Claim, Face, OwnerReference, Plugin, Pod, PodPhase, Revision, World,
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
        spec: Spec::parse(Face::StatefulApp, &spec).unwrap(),
        switchover: None,
    }
}

/// An app whose first revision exists, and nothing else.
pub(crate) fn world(replicas: u32) -> World {
    let mut world = World {
        app: app(replicas),
        revisions: Vec::new(),
        pods: Vec::new(),
        claims: Vec::new(),
        recorded: Status::default(),
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
        data: body["data"].clone(),
    }
}

/// A pod of the app that has been ready for long.
pub(crate) fn pod(app: &App, ordinal: u32, revision: &str) -> Pod {
    let name = pod_name(&app.name, ordinal);
    Pod {
        uid: format!("uid-{ordinal}"),
        labels: BTreeMap::from([
            ("app".to_owned(), "web".to_owned()),
            (POD_NAME_LABEL.to_owned(), name.clone()),
            (POD_INDEX_LABEL.to_owned(), ordinal.to_string()),
            (REVISION_LABEL.to_owned(), revision.to_owned()),
        ]),
        annotations: BTreeMap::new(),
        owners: vec![OwnerReference {
            api_version: "stateward.dev/v1alpha1".to_owned(),
            kind: "StatefulApp".to_owned(),
            name: app.name.clone(),
            uid: app.uid.clone(),
            controller: true,
        }],
        created: now(),
        deletion: None,
        phase: PodPhase::Running,
        ready_since: Some(Timestamp::from_second(NOW - 1000).unwrap()),
        restarts: 0,
        node: None,
        address: None,
        claims: BTreeMap::new(),
        hindrance: None,
        name,
    }
}

pub(crate) fn claim(name: &str) -> Claim {
    Claim {
        name: name.to_owned(),
        uid: format!("uid of {name}"),
        owners: Vec::new(),
        deletion: None,
        is_bound: true,
    }
}
