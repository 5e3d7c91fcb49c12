//! The columns of volumes, claims and classes.

use serde_json::Value;

use super::Column;
use crate::admission::class_of;
use crate::object::{self, list, map, text};

pub(super) fn volume() -> Vec<Column> {
    vec![
        Column::name(),
        Column::text("Capacity", "/spec/capacity/storage"),
        Column::new("Access Modes", |volume| {
            access_modes(list(volume, "/spec/accessModes")).into()
        }),
        Column::text("Reclaim Policy", "/spec/persistentVolumeReclaimPolicy"),
        Column::new("Status", phase),
        Column::new("Claim", |volume| {
            match text(volume, "/spec/claimRef/name") {
                "" => "".into(),
                name => format!("{}/{name}", text(volume, "/spec/claimRef/namespace")).into(),
            }
        }),
        Column::new("StorageClass", |volume| {
            class_of(volume).unwrap_or_default().into()
        }),
        attributes_class(),
        Column::text("Reason", "/status/reason"),
        Column::age(),
        Column::text("VolumeMode", "/spec/volumeMode").wide(),
    ]
}

pub(super) fn claim() -> Vec<Column> {
    vec![
        Column::name(),
        Column::new("Status", phase),
        Column::text("Volume", "/spec/volumeName"),
        Column::text("Capacity", "/status/capacity/storage"),
        Column::new("Access Modes", |claim| {
            access_modes(list(claim, "/status/accessModes")).into()
        }),
        Column::new("StorageClass", |claim| {
            class_of(claim).unwrap_or_default().into()
        }),
        attributes_class(),
        Column::age(),
        Column::text("VolumeMode", "/spec/volumeMode").wide(),
    ]
}

pub(super) fn class() -> Vec<Column> {
    let mut name = Column::new("Name", |class| {
        let annotations = map(class, "/metadata/annotations");
        let is_default = annotations
            .and_then(|all| all.get("storageclass.kubernetes.io/is-default-class"))
            == Some(&Value::from("true"));
        match is_default {
            true => format!("{} (default)", object::name(class)).into(),
            false => object::name(class).into(),
        }
    });
    name.format = "name";
    vec![
        name,
        Column::text("Provisioner", "/provisioner"),
        Column::text("ReclaimPolicy", "/reclaimPolicy"),
        Column::text("VolumeBindingMode", "/volumeBindingMode"),
        Column::new("AllowVolumeExpansion", |class| {
            (class.get("allowVolumeExpansion").and_then(Value::as_bool) == Some(true)).into()
        }),
        Column::age(),
    ]
}

fn attributes_class() -> Column {
    Column::new("VolumeAttributesClass", |object| {
        match text(object, "/spec/volumeAttributesClassName") {
            "" => "<unset>",
            class => class,
        }
        .into()
    })
}

fn access_modes(modes: &[Value]) -> String {
    let short: Vec<_> = modes
        .iter()
        .filter_map(Value::as_str)
        .map(|mode| match mode {
            "ReadOnlyMany" => "ROX",
            "ReadWriteMany" => "RWX",
            "ReadWriteOnce" => "RWO",
            "ReadWriteOncePod" => "RWOP",
            other => other,
        })
        .collect();
    short.join(",")
}

pub(super) fn phase(object: &Value) -> Value {
    match object::is_terminating(object) {
        true => "Terminating".into(),
        false => text(object, "/status/phase").into(),
    }
}
