//! Stateful sets: the rules of `apps/v1` (1.37).

use serde_json::Value;

use super::{field, not_negative, one_of, pods, selects_nothing, unchanged};
use crate::admission::metadata::is_dns_label;
use crate::failure::Cause;
use crate::object::{self, map, number, text};
use crate::selectors::labels::LabelSelector;

/// What a later version of a set must not change.
const FINAL: &[&str] = &[
    "/spec/selector",
    "/spec/volumeClaimTemplates",
    "/spec/serviceName",
    "/spec/podManagementPolicy",
];

pub(super) fn check(old: Option<&Value>, new: &Value, causes: &mut Vec<Cause>) {
    check_spec(new, causes);
    let Some(old) = old else {
        let service = text(new, "/spec/serviceName");
        if !service.is_empty() && !is_dns_label(service) {
            causes.push(Cause::invalid(
                "spec.serviceName",
                &Value::from(service),
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
            ));
        }
        pods::check_spec(new, "/spec/template/spec", causes);
        return;
    };
    for pointer in FINAL {
        unchanged(Some(old), new, pointer, "field is immutable", causes);
    }
    check_status(old, new, causes);
}

fn check_spec(set: &Value, causes: &mut Vec<Cause>) {
    let policy = text(set, "/spec/podManagementPolicy");
    if !matches!(policy, "OrderedReady" | "Parallel") {
        causes.push(Cause::invalid(
            "spec.podManagementPolicy",
            &Value::from(policy),
            "must be 'OrderedReady' or 'Parallel'",
        ));
    }
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
        one_of(set, &pointer, &["Retain", "Delete"], causes);
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
    }
    if !selects_nothing(selector) || selector.is_null() {
        let labels = map(set, "/spec/template/metadata/labels");
        if selector.is_null() || !LabelSelector::of_object(selector).matches(labels) {
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
    if !matches!(
        text(set, "/spec/updateStrategy/type"),
        "RollingUpdate" | "OnDelete" | "Recreate"
    ) {
        causes.push(Cause::invalid(
            "spec.updateStrategy",
            set.pointer("/spec/updateStrategy").unwrap_or(&Value::Null),
            "must be 'RollingUpdate' or 'OnDelete'",
        ));
    }
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
        "currentReplicas",
        "updatedReplicas",
        "availableReplicas",
    ];
    let status = |name: &str| number(new, &format!("/status/{name}"));
    for counter in COUNTERS {
        not_negative(new, &[&format!("/status/{counter}")], causes);
    }
    for counter in COUNTERS {
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
