//! Pods, and the pod specs of templates.

use std::collections::BTreeSet;

use serde_json::Value;
use stateward_quantity::Quantity;

use super::{field, not_negative, one_of};
use crate::admission::metadata::is_dns_label;
use crate::failure::{Cause, Failure, Subject};
use crate::object::{self, list, number, text};
use crate::state::State;
use crate::store::Key;

pub(super) fn check(old: Option<&Value>, new: &Value, causes: &mut Vec<Cause>) {
    check_spec(new, "/spec", causes);
    if let Some(old) = old
        && rest_of_spec(old, new) != rest_of_spec(new, new)
    {
        causes.push(Cause::forbidden(
            "spec",
            "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
        ));
    }
}

/// The spec without what may change; images are taken from `images`, which changes are allowed to set.
fn rest_of_spec(pod: &Value, images: &Value) -> Value {
    let mut spec = pod.get("spec").cloned().unwrap_or_default();
    object::remove(&mut spec, &["activeDeadlineSeconds"]);
    object::remove(&mut spec, &["tolerations"]);
    for group in ["containers", "initContainers"] {
        let given = list(images, &format!("/spec/{group}"));
        let containers = spec.get_mut(group).and_then(Value::as_array_mut);
        for (container, given) in containers.into_iter().flatten().zip(given) {
            object::copy(given, container, &["image"]);
        }
    }
    // A gated pod may have its gates taken away.
    object::remove(&mut spec, &["schedulingGates"]);
    spec
}

/// Checks the pod spec at `pointer`.
pub(super) fn check_spec(holder: &Value, pointer: &str, causes: &mut Vec<Cause>) {
    let at = field(pointer);
    let Some(spec) = holder.pointer(pointer) else {
        causes.push(Cause::required(at, ""));
        return;
    };
    let volumes = check_volumes(spec, &at, causes);
    let mut names = BTreeSet::new();
    for group in ["initContainers", "containers"] {
        for (position, container) in list(spec, &format!("/{group}")).iter().enumerate() {
            let here = format!("{at}.{group}[{position}]");
            let name = text(container, "/name");
            check_name(name, &format!("{here}.name"), causes);
            if !name.is_empty() && !names.insert(name) {
                causes.push(Cause::duplicate(format!("{here}.name"), &Value::from(name)));
            }
            check_container(container, &here, &volumes, causes);
        }
    }
    if list(spec, "/containers").is_empty() {
        causes.push(Cause::required(format!("{at}.containers"), ""));
    }
    one_of(
        holder,
        &format!("{pointer}/restartPolicy"),
        &["Always", "OnFailure", "Never"],
        causes,
    );
    one_of(
        holder,
        &format!("{pointer}/dnsPolicy"),
        &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"],
        causes,
    );
    not_negative(
        holder,
        &[&format!("{pointer}/terminationGracePeriodSeconds")],
        causes,
    );
}

fn check_name(name: &str, at: &str, causes: &mut Vec<Cause>) {
    if name.is_empty() {
        causes.push(Cause::required(at, ""));
    } else if !is_dns_label(name) {
        causes.push(Cause::invalid(
            at,
            &Value::from(name),
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
        ));
    }
}

fn check_volumes<'a>(spec: &'a Value, at: &str, causes: &mut Vec<Cause>) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for (position, volume) in list(spec, "/volumes").iter().enumerate() {
        let here = format!("{at}.volumes[{position}]");
        let name = text(volume, "/name");
        check_name(name, &format!("{here}.name"), causes);
        if !name.is_empty() && !names.insert(name) {
            causes.push(Cause::duplicate(format!("{here}.name"), &Value::from(name)));
        }
        let kinds = volume.as_object().into_iter().flatten();
        let further = kinds.filter(|(field, _)| *field != "name").skip(1);
        for (further, _) in further {
            causes.push(Cause::forbidden(
                format!("{here}.{further}"),
                "may not specify more than 1 volume type",
            ));
        }
    }
    names
}

fn check_container(container: &Value, at: &str, volumes: &BTreeSet<&str>, causes: &mut Vec<Cause>) {
    if text(container, "/image").is_empty() {
        causes.push(Cause::required(format!("{at}.image"), ""));
    }
    for (position, mount) in list(container, "/volumeMounts").iter().enumerate() {
        let here = format!("{at}.volumeMounts[{position}]");
        let name = text(mount, "/name");
        // The volumes of claim templates join the pod when it is made.
        let is_template =
            !at.starts_with("spec.containers") && !at.starts_with("spec.initContainers");
        if name.is_empty() {
            causes.push(Cause::required(format!("{here}.name"), ""));
        } else if !volumes.contains(name) && !is_template {
            causes.push(Cause::new(
                "FieldValueNotFound",
                format!("{here}.name"),
                format!("Not found: {name:?}"),
            ));
        }
        if text(mount, "/mountPath").is_empty() {
            causes.push(Cause::required(format!("{here}.mountPath"), ""));
        }
    }
    for (position, port) in list(container, "/ports").iter().enumerate() {
        let value = number(port, "/containerPort").unwrap_or(0);
        if !(1..=65_535).contains(&value) {
            causes.push(Cause::invalid(
                format!("{at}.ports[{position}].containerPort"),
                &Value::from(value),
                "must be between 1 and 65535, inclusive",
            ));
        }
    }
    for (position, variable) in list(container, "/env").iter().enumerate() {
        if text(variable, "/name").is_empty() {
            causes.push(Cause::required(format!("{at}.env[{position}].name"), ""));
        }
    }
    one_of_policy(container, at, causes);
    check_requests(container, at, causes);
}

/// Nothing may ask for more than its limit.
fn check_requests(container: &Value, at: &str, causes: &mut Vec<Cause>) {
    let requests = object::map(container, "/resources/requests");
    for (resource, request) in requests.into_iter().flatten() {
        let limit = text(container, &format!("/resources/limits/{resource}"));
        let amount = |text: &str| text.parse::<Quantity>().ok();
        let is_more = match (amount(request.as_str().unwrap_or_default()), amount(limit)) {
            (Some(request), Some(limit)) => request > limit,
            _ => false,
        };
        if is_more {
            causes.push(Cause::invalid(
                format!("{at}.resources.requests"),
                request,
                &format!("must be less than or equal to {resource} limit of {limit}"),
            ));
        }
    }
}

/// The account of a new pod has to be there.
pub(super) fn refused_account(state: &State, pod: &Value) -> Option<Failure> {
    let (namespace, account) = (
        object::namespace(pod),
        text(pod, "/spec/serviceAccountName"),
    );
    let key = Key::new(namespace, account);
    if account.is_empty() || state.store.get("serviceaccounts", &key).is_some() {
        return None;
    }
    let pods = Subject {
        resource: "pods".to_owned(),
        ..Default::default()
    };
    Some(Failure::forbidden(
        &pods,
        object::name(pod),
        &format!(
            "error looking up service account {namespace}/{account}: serviceaccount {account:?} not found"
        ),
    ))
}

fn one_of_policy(container: &Value, at: &str, causes: &mut Vec<Cause>) {
    const POLICIES: &[&str] = &["Always", "IfNotPresent", "Never"];
    let policy = text(container, "/imagePullPolicy");
    if !policy.is_empty() && !POLICIES.contains(&policy) {
        let supported: Vec<_> = POLICIES.iter().map(|&one| one.to_owned()).collect();
        causes.push(Cause::unsupported(
            format!("{at}.imagePullPolicy"),
            &Value::from(policy),
            &supported,
        ));
    }
}
