//! The rules of `metadata`, the same for every kind.

use serde_json::{Map, Value};

use crate::failure::{Cause, Failure, Subject};
use crate::kinds::{Builtin, Kind};
use crate::object::{self, list, text};
use crate::request::Target;
use crate::state::State;
use crate::verbs::Context;

const OTHER_NAMESPACE: &str =
    "the namespace of the provided object does not match the namespace sent on the request";
const NAME_PART: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
pub(crate) const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/// Gives a new object its identity.
pub(crate) fn prepare_create(
    state: &mut State,
    target: &Target,
    context: &Context,
    object: &mut Value,
) -> Result<(), Failure> {
    let kind = &target.kind;
    if !object::resource_version(object).is_empty() {
        return Err(Failure::without_reason(
            "resourceVersion should not be set on objects to be created",
        ));
    }
    for field in [
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
    ] {
        object::remove(object, &["metadata", field]);
    }
    set_namespace(target, object)?;

    let prefix = text(object, "/metadata/generateName").to_owned();
    if object::name(object).is_empty() {
        if prefix.is_empty() {
            let cause = Cause::required("metadata.name", "name or generateName is required");
            return Err(Failure::invalid(&kind.subject(), "", vec![cause]));
        }
        // The longest prefix that leaves room for the suffix in a name of 63 characters.
        let kept: String = prefix.chars().take(58).collect();
        let name = format!("{kept}{}", state.new_suffix());
        object::set(object, &["metadata", "name"], name);
    }
    let uid = state.new_uid();
    object::set(object, &["metadata", "uid"], uid);
    object::set(
        object,
        &["metadata", "creationTimestamp"],
        context.timestamp(),
    );
    if kind.has_generation {
        object::set(object, &["metadata", "generation"], 1);
    }
    Ok(())
}

fn set_namespace(target: &Target, object: &mut Value) -> Result<(), Failure> {
    let given = object::namespace(object).to_owned();
    match &target.namespace {
        Some(namespace) if given.is_empty() => {
            object::set(object, &["metadata", "namespace"], namespace.as_str());
            Ok(())
        }
        Some(namespace) if given != *namespace => Err(Failure::bad_request(OTHER_NAMESPACE)),
        None if target.kind.is_namespaced => Err(Failure::bad_request(format!(
            "{} belong to a namespace: name one in the path",
            target.kind.plural
        ))),
        None => {
            object::remove(object, &["metadata", "namespace"]);
            Ok(())
        }
        Some(_) => Ok(()),
    }
}

/// Maps and lists of metadata that hold nothing are left out, as a typed server does.
pub(crate) fn drop_empty(object: &mut Value) {
    for field in ["annotations", "finalizers", "labels", "ownerReferences"] {
        let is_empty = match object.pointer(&format!("/metadata/{field}")) {
            Some(Value::Object(entries)) => entries.is_empty(),
            Some(Value::Array(entries)) => entries.is_empty(),
            _ => false,
        };
        if is_empty {
            object::remove(object, &["metadata", field]);
        }
    }
}

/// How much a write must say about the object that it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precision {
    /// A whole object: some kinds insist on the version it was read at.
    Replace,
    /// A patch: it applies to whatever is there.
    Patch,
}

/// Checks that a write means the object that is there.
pub(crate) fn check_identity(
    target: &Target,
    old: &Value,
    given: &Value,
    precision: Precision,
) -> Result<(), Failure> {
    let subject = target.kind.subject();
    let name = object::name(old);
    let given_name = object::name(given);
    if given_name.is_empty() && precision == Precision::Replace {
        return Err(Failure::bad_request(
            "the name of the object (one based on URL) was undeterminable: name must be provided",
        ));
    }
    if !given_name.is_empty() && given_name != name {
        return Err(Failure::bad_request(format!(
            "the name of the object ({given_name}) does not match the name on the URL ({name})"
        )));
    }
    let given_namespace = object::namespace(given);
    if !given_namespace.is_empty() && given_namespace != object::namespace(old) {
        return Err(Failure::bad_request(OTHER_NAMESPACE));
    }
    let given_uid = object::uid(given);
    if !given_uid.is_empty() && given_uid != object::uid(old) {
        if precision == Precision::Patch {
            let given_uid = Value::from(given_uid);
            let cause = Cause::invalid("metadata.uid", &given_uid, "field is immutable");
            return Err(Failure::invalid(&subject, name, vec![cause]));
        }
        return Err(Failure::conflict(
            &subject,
            name,
            &format!(
                "Precondition failed: UID in precondition: {given_uid}, UID in object meta: {}",
                object::uid(old)
            ),
        ));
    }
    let version = object::resource_version(given);
    if version.is_empty() || version == "0" {
        if precision == Precision::Replace && insists_on_version(&target.kind) {
            let cause = Cause::invalid(
                "metadata.resourceVersion",
                &Value::from(0),
                "must be specified for an update",
            );
            // Upstream names the resource here, where it names the kind everywhere else.
            let subject = Subject {
                kind: subject.resource.clone(),
                ..subject
            };
            return Err(Failure::invalid(&subject, name, vec![cause]));
        }
    } else if version.parse::<u64>().is_err() {
        return Err(Failure::without_reason(format!(
            "strconv.ParseUint: parsing {version:?}: invalid syntax"
        )));
    } else if version != object::resource_version(old) {
        return Err(Failure::stale(&subject, name));
    }
    Ok(())
}

fn insists_on_version(kind: &Kind) -> bool {
    match kind.builtin() {
        None => true,
        Some(builtin) => matches!(
            builtin,
            Builtin::CustomResourceDefinition
                | Builtin::EndpointSlice
                | Builtin::Lease
                | Builtin::PodDisruptionBudget
        ),
    }
}

/// What a client cannot change stays as it is.
pub(crate) fn carry_over(old: &Value, new: &mut Value) {
    for field in [
        "name",
        "namespace",
        "generateName",
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "resourceVersion",
    ] {
        object::copy(old, new, &["metadata", field]);
    }
    object::remove(new, &["metadata", "selfLink"]);
}

/// What an update must not do to metadata.
pub(crate) fn update_causes(old: &Value, new: &Value) -> Vec<Cause> {
    if !object::is_terminating(old) {
        return Vec::new();
    }
    let added: Vec<_> = object::finalizers(new)
        .filter(|finalizer| object::finalizers(old).all(|known| known != *finalizer))
        .collect();
    if added.is_empty() {
        return Vec::new();
    }
    vec![Cause::forbidden(
        "metadata.finalizers",
        &format!(
            "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
            added
                .iter()
                .map(|finalizer| format!("{finalizer:?}"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    )]
}

/// What speaks against the metadata of an object.
pub(crate) fn causes(kind: &Kind, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    name_causes(kind, object::name(object), &mut causes);
    for (label, value) in object::map(object, "/metadata/labels")
        .into_iter()
        .flatten()
    {
        if !is_qualified_name(label) {
            causes.push(Cause::invalid(
                "metadata.labels",
                &Value::from(label.as_str()),
                NAME_PART,
            ));
        }
        if !value.as_str().is_some_and(is_label_value) {
            causes.push(Cause::invalid("metadata.labels", value, LABEL_VALUE));
        }
    }
    let annotations = object::map(object, "/metadata/annotations");
    for key in annotations.into_iter().flatten().map(|(key, _)| key) {
        // Unlike labels, annotations may be written in capitals.
        if !is_qualified_name(&key.to_lowercase()) {
            let key = Value::from(key.as_str());
            causes.push(Cause::invalid("metadata.annotations", &key, NAME_PART));
        }
    }
    let size: usize = annotations.map_or(0, annotations_size);
    if size > 256 * 1024 {
        causes.push(Cause::new(
            "FieldValueTooLong",
            "metadata.annotations",
            "Too long: may not be more than 262144 bytes",
        ));
    }
    for (position, finalizer) in object::finalizers(object).enumerate() {
        let field = format!("metadata.finalizers[{position}]");
        let shown = Value::from(finalizer);
        if !is_qualified_name(finalizer) {
            causes.push(Cause::invalid(field, &shown, NAME_PART));
        } else if !finalizer.contains('/') && !STANDARD_FINALIZERS.contains(&finalizer) {
            let detail = "name is neither a standard finalizer name nor is it fully qualified";
            causes.push(Cause::invalid(field, &shown, detail));
        }
    }
    owner_causes(object, &mut causes);
    causes
}

fn annotations_size(annotations: &Map<String, Value>) -> usize {
    annotations
        .iter()
        .map(|(key, value)| key.len() + value.as_str().map_or(0, str::len))
        .sum()
}

fn owner_causes(object: &Value, causes: &mut Vec<Cause>) {
    let owners = list(object, "/metadata/ownerReferences");
    for (position, owner) in owners.iter().enumerate() {
        for field in ["apiVersion", "kind", "name", "uid"] {
            if field == "uid" && text(owner, "/uid").is_empty() {
                let at = format!("metadata.ownerReferences[{position}].uid");
                causes.push(Cause::required(at, "must not be empty"));
            } else if text(owner, &format!("/{field}")).is_empty() {
                causes.push(Cause::invalid(
                    format!("metadata.ownerReferences[{position}].{field}"),
                    &Value::from(""),
                    &format!("{field} must not be empty"),
                ));
            }
        }
    }
    let controllers: Vec<_> = owners
        .iter()
        .filter(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true))
        .map(|owner| format!("{}/{}", text(owner, "/kind"), text(owner, "/name")))
        .collect();
    if let [first, second, ..] = controllers.as_slice() {
        causes.push(Cause::invalid(
            "metadata.ownerReferences",
            &Value::from(owners.to_vec()),
            &format!(
                "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {second}"
            ),
        ));
    }
}

/// Finalizers without a domain that Kubernetes itself uses.
const STANDARD_FINALIZERS: &[&str] = &["foregroundDeletion", "kubernetes", "orphan"];

fn name_causes(kind: &Kind, name: &str, causes: &mut Vec<Cause>) {
    let wants_label = matches!(
        kind.builtin(),
        Some(Builtin::Namespace | Builtin::Service | Builtin::StatefulSet)
    );
    if wants_label && name.contains('.') && is_dns_subdomain(name) {
        let shown = Value::from(name);
        causes.push(Cause::invalid(
            "metadata.name",
            &shown,
            "must not contain dots",
        ));
    } else if wants_label && !is_dns_label(name) {
        causes.push(Cause::invalid(
            "metadata.name",
            &Value::from(name),
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
        ));
    } else if !is_dns_subdomain(name) {
        causes.push(Cause::invalid(
            "metadata.name",
            &Value::from(name),
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
        ));
    }
}

/// At most 63 lower-case letters, digits and dashes, with a letter or digit at both ends.
pub(crate) fn is_dns_label(name: &str) -> bool {
    let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= 63
        && name.starts_with(is_inner)
        && name.ends_with(is_inner)
        && name.chars().all(|c| is_inner(c) || c == '-')
}

/// DNS labels joined by dots, at most 253 characters.
pub(crate) fn is_dns_subdomain(name: &str) -> bool {
    // A part may be longer than a label may: only the whole is bounded.
    let is_part = |part: &str| {
        let is_inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        part.starts_with(is_inner)
            && part.ends_with(is_inner)
            && part.chars().all(|c| is_inner(c) || c == '-')
    };
    name.len() <= 253 && name.split('.').all(is_part)
}

fn is_name_part(name: &str) -> bool {
    let is_end = |c: char| c.is_ascii_alphanumeric();
    (1..=63).contains(&name.len())
        && name.starts_with(is_end)
        && name.ends_with(is_end)
        && name
            .chars()
            .all(|c| is_end(c) || matches!(c, '-' | '_' | '.'))
}

/// `name` or `prefix.example/name`.
pub(crate) fn is_qualified_name(name: &str) -> bool {
    match name.split_once('/') {
        Some((prefix, name)) => is_dns_subdomain(prefix) && is_name_part(name),
        None => is_name_part(name),
    }
}

pub(crate) fn is_label_value(value: &str) -> bool {
    value.is_empty() || is_name_part(value)
}
