//! The set `web` as a scenario wants it, and parts of it.

use serde_json::{Value, json};

use crate::face::Face;
use crate::scenario::{Settings, Strategy};

/// The template of the manifest, as an API server without defaults would have kept it.
pub(super) fn old_revision() -> Value {
    let set = manifest(Face::StatefulSet, &Settings::default());
    let mut template = set["spec"]["template"].clone();
    template["$patch"] = "replace".into();
    json!({
        "metadata": { "name": "web-old", "labels": { "app": "web" } },
        "data": { "spec": { "template": template } },
        "revision": 1,
    })
}

pub(super) fn container(image: &str) -> Value {
    json!({ "name": "main", "image": image })
}

pub(super) fn retention(scaled: bool, deleted: bool) -> Value {
    let policy = |deletes: bool| if deletes { "Delete" } else { "Retain" };
    json!({ "whenScaled": policy(scaled), "whenDeleted": policy(deleted) })
}

/// The set `web`.
pub(super) fn manifest(face: Face, settings: &Settings) -> Value {
    let resource = face.resource();
    let mut set = json!({
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": { "name": "web" },
        "spec": {
            "replicas": settings.replicas,
            "serviceName": "web",
            "selector": { "matchLabels": { "app": "web" } },
            "template": {
                "metadata": { "labels": { "app": "web" } },
                "spec": {
                    "automountServiceAccountToken": false,
                    "containers": [container(settings.image())],
                },
            },
        },
    });
    let spec = &mut set["spec"];
    if settings.is_parallel {
        spec["podManagementPolicy"] = "Parallel".into();
    }
    let strategy = strategy(settings);
    if strategy != json!({ "type": "RollingUpdate" }) {
        spec["updateStrategy"] = strategy;
    }
    if let Some(seconds) = settings.min_ready_seconds {
        spec["minReadySeconds"] = seconds.into();
    }
    if let Some(start) = settings.start {
        spec["ordinals"] = json!({ "start": start });
    }
    if let Some(limit) = settings.history {
        spec["revisionHistoryLimit"] = limit.into();
    }
    if settings.has_claims {
        spec["volumeClaimTemplates"] = json!([{
            "metadata": { "name": "data" },
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": { "requests": { "storage": "1Gi" } },
            },
        }]);
        let (scaled, deleted) = (settings.deletes_when_scaled, settings.deletes_when_deleted);
        spec["persistentVolumeClaimRetentionPolicy"] = retention(scaled, deleted);
    }
    set
}

/// A type alone is given no block by the API server (item 157); upstream treats such a set in a way of its own (item 129).
fn strategy(settings: &Settings) -> Value {
    let mut strategy = json!({ "type": settings.strategy.name() });
    let numbers = [
        ("partition", settings.partition),
        ("maxUnavailable", settings.max_unavailable),
    ];
    for (field, value) in numbers {
        if let (Some(value), Strategy::RollingUpdate) = (value, settings.strategy) {
            strategy["rollingUpdate"][field] = value.into();
        }
    }
    strategy
}

/// The edit that makes any set that of the manifest: what is not said goes back to what it is by default. What can never change is left out.
pub(super) fn whole(settings: &Settings) -> Value {
    let mut spec = manifest(Face::StatefulSet, settings)["spec"].take();
    if let Some(fields) = spec.as_object_mut() {
        for never in [
            "serviceName",
            "selector",
            "podManagementPolicy",
            "volumeClaimTemplates",
        ] {
            fields.remove(never);
        }
    }
    by_default(
        &mut spec,
        &[
            "updateStrategy",
            "minReadySeconds",
            "ordinals",
            "revisionHistoryLimit",
            "persistentVolumeClaimRetentionPolicy",
        ],
    );
    if let Some(strategy) = spec.get_mut("updateStrategy") {
        by_default(strategy, &["rollingUpdate"]);
        if let Some(rolling) = strategy.get_mut("rollingUpdate") {
            by_default(rolling, &["partition", "maxUnavailable"]);
        }
    }
    spec
}

/// Says of these that nothing is said of them, as a merge patch does.
fn by_default(object: &mut Value, names: &[&str]) {
    if let Some(fields) = object.as_object_mut() {
        for name in names {
            fields.entry(*name).or_insert(Value::Null);
        }
    }
}
