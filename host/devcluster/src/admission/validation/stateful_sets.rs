//! Stateful sets: the rules of `apps/v1` (1.37).

use serde_json::Value;

use super::{field, not_negative, one_of, pods, selects_nothing};
use crate::admission::metadata::is_dns_label;
use crate::failure::Cause;
use crate::object::{self, map, number, text};
use crate::selectors::labels::LabelSelector;

/// What a later version of a set may change.
const MUTABLE: &[&str] = &[
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

pub(super) fn check(old: Option<&Value>, new: &Value, causes: &mut Vec<Cause>) {
    check_spec(new, causes);
    let Some(old) = old else {
        let service = text(new, "/spec/serviceName");
        if !service.is_empty() && !is_dns_label(service) {
            causes.push(Cause::invalid(
                "spec.serviceName",
                &Value::from(service),
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
            ));
        }
        pods::check_spec(new, "/spec/template/spec", causes);
        return;
    };
    let rest = |set: &Value| {
        let mut spec = map(set, "/spec").cloned().unwrap_or_default();
        spec.retain(|field, _| !MUTABLE.contains(&field.as_str()));
        spec
    };
    if rest(old) != rest(new) {
        causes.push(Cause::forbidden(
            "spec",
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        ));
    }
    check_status(old, new, causes);
}

fn check_spec(set: &Value, causes: &mut Vec<Cause>) {
    one_of(
        set,
        "/spec/podManagementPolicy",
        &["OrderedReady", "Parallel"],
        causes,
    );
    check_strategy(set, causes);
    not_negative(
        set,
        &[
            "/spec/replicas",
            "/spec/minReadySeconds",
            "/spec/ordinals/start",
            "/spec/updateStrategy/rollingUpdate/partition",
        ],
        causes,
    );
    for when in ["whenDeleted", "whenScaled"] {
        let pointer = format!("/spec/persistentVolumeClaimRetentionPolicy/{when}");
        one_of(set, &pointer, &["Delete", "Retain"], causes);
    }
    let selector = set.pointer("/spec/selector").unwrap_or(&Value::Null);
    if selector.is_null() {
        causes.push(Cause::required("spec.selector", ""));
    } else if selects_nothing(selector) {
        causes.push(Cause::invalid(
            "spec.selector",
            selector,
            "empty selector is invalid for statefulset",
        ));
    } else {
        let labels = map(set, "/spec/template/metadata/labels");
        if !LabelSelector::of_object(selector).matches(labels) {
            causes.push(Cause::invalid(
                "spec.template.metadata.labels",
                labels.map_or(&Value::Null, |_| {
                    set.pointer("/spec/template/metadata/labels")
                        .unwrap_or(&Value::Null)
                }),
                "`selector` does not match template `labels`",
            ));
        }
    }
    let policy = text(set, "/spec/template/spec/restartPolicy");
    if policy != "Always" {
        causes.push(Cause::unsupported(
            "spec.template.spec.restartPolicy",
            &Value::from(policy),
            &["Always".to_owned()],
        ));
    }
    let deadline = "/spec/template/spec/activeDeadlineSeconds";
    if number(set, deadline).is_some() {
        causes.push(Cause::forbidden(
            field(deadline),
            "activeDeadlineSeconds in StatefulSet is not Supported",
        ));
    }
}

fn check_strategy(set: &Value, causes: &mut Vec<Cause>) {
    one_of(
        set,
        "/spec/updateStrategy/type",
        &["RollingUpdate", "OnDelete", "Recreate"],
        causes,
    );
    let rolling = set.pointer("/spec/updateStrategy/rollingUpdate");
    if text(set, "/spec/updateStrategy/type") != "RollingUpdate" && rolling.is_some() {
        causes.push(Cause::invalid(
            "spec.updateStrategy.rollingUpdate",
            rolling.unwrap_or(&Value::Null),
            "only allowed for updateStrategy 'RollingUpdate'",
        ));
    }
    let Some(most) = rolling.and_then(|rolling| rolling.get("maxUnavailable")) else {
        return;
    };
    let path = "spec.updateStrategy.rollingUpdate.maxUnavailable";
    match most {
        Value::Number(_) if most.as_i64().is_none_or(|most| most < 1) => {
            causes.push(Cause::invalid(path, most, "cannot be 0"));
        }
        Value::String(share) => {
            let percent = share
                .strip_suffix('%')
                .and_then(|digits| digits.parse::<u32>().ok());
            if !percent.is_some_and(|percent| (1..=100).contains(&percent)) {
                causes.push(Cause::invalid(
                    path,
                    most,
                    "must be an integer or percentage between 1% and 100% (e.g '5%')",
                ));
            }
        }
        _ => {}
    }
}

fn check_status(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    const COUNTERS: &[&str] = &[
        "replicas",
        "readyReplicas",
        "availableReplicas",
        "currentReplicas",
        "updatedReplicas",
    ];
    let status = |name: &str| number(new, &format!("/status/{name}"));
    for counter in COUNTERS {
        not_negative(new, &[&format!("/status/{counter}")], causes);
        if let (Some(count), Some(replicas)) = (status(counter), status("replicas"))
            && count > replicas
        {
            causes.push(Cause::invalid(
                format!("status.{counter}"),
                &Value::from(count),
                "cannot be greater than status.replicas",
            ));
        }
    }
    if let (Some(available), ready) = (status("availableReplicas"), status("readyReplicas"))
        && available > ready.unwrap_or(0)
    {
        causes.push(Cause::invalid(
            "status.availableReplicas",
            &Value::from(available),
            "cannot be greater than status.readyReplicas",
        ));
    }
    let collisions = |set: &Value| number(set, "/status/collisionCount");
    if let Some(before) = collisions(old)
        && collisions(new).is_none_or(|after| after < before)
        && !object::is_terminating(new)
    {
        causes.push(Cause::invalid(
            "status.collisionCount",
            &collisions(new).into(),
            "cannot be decremented",
        ));
    }
}
