//! What happens to an object between the request and the store: decode, complete, judge.

pub(crate) mod crd_schema;
pub(crate) mod defaulting;
pub(crate) mod fields;
pub(crate) mod metadata;
pub(crate) mod validation;

pub(crate) use validation::class_of;

use serde_json::{Value, json};

use crate::failure::{Cause, Failure};
use crate::kinds::{Builtin, Kind};
use crate::object;
use crate::patch::apply;
use crate::quota;
use crate::request::{FieldValidation, Target};
use crate::state::State;
use crate::verbs::Context;

/// Where an object comes from that is read: it is refused in other words for each.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'a> {
    /// The body is the object.
    Body,
    /// A patch made it; the text is what the refusal shows.
    Patch(&'a str),
    /// The body is a configuration to apply. Fields that the kind does not have are refused whatever the client asked.
    Configuration,
}

impl Source<'_> {
    fn refusal(self, target: &Target, body: &Value, what: &str) -> Failure {
        let kind = &target.kind.kind;
        match self {
            Self::Body => Failure::bad_request(format!(
                "{kind} in version {:?} cannot be handled as a {kind}: {what}",
                target.version
            )),
            Self::Patch(shown) => Failure::undecodable_patch(shown, what),
            Self::Configuration => apply::untyped(target, body, what),
        }
    }
}

/// Reads an object of the target's kind and version: unknown fields are dropped and, as the client asked, refused, told
/// or passed over. Also returns the warnings.
pub(crate) fn decode(
    target: &Target,
    context: &Context,
    mut body: Value,
    source: Source<'_>,
) -> Result<(Value, Vec<String>), Failure> {
    let kind = &target.kind;
    if !body.is_object() {
        return Err(Failure::bad_request(format!(
            "the body of the request is not a {} object",
            kind.kind
        )));
    }
    check_type(target, &mut body)?;
    let unknown = fields::drop_unknown(kind, &target.version, &mut body)
        .map_err(|error| source.refusal(target, &body, &error))?;
    if let (Source::Configuration, Some(field)) = (source, unknown.first()) {
        let what = format!(".{field}: field not declared in schema");
        return Err(source.refusal(target, &body, &what));
    }
    let duplicate = context
        .duplicates
        .iter()
        .map(|field| format!("duplicate field {field:?}"));
    let unknown = unknown
        .iter()
        .map(|field| format!("unknown field {field:?}"));
    let unknown: Vec<_> = duplicate.chain(unknown).collect();
    match context.field_validation {
        FieldValidation::Strict if !unknown.is_empty() => {
            let what = format!("strict decoding error: {}", unknown.join(", "));
            Err(source.refusal(target, &body, &what))
        }
        FieldValidation::Warn => Ok((body, unknown)),
        FieldValidation::Strict | FieldValidation::Ignore => Ok((body, Vec::new())),
    }
}

fn check_type(target: &Target, body: &mut Value) -> Result<(), Failure> {
    for (field, expected) in [
        ("apiVersion", target.api_version()),
        ("kind", target.kind.kind.clone()),
    ] {
        let given = object::text(body, &format!("/{field}"));
        if given.is_empty() {
            object::set(body, &[field], expected);
        } else if given != expected {
            return Err(Failure::bad_request(match field {
                "kind" => format!(
                    "{given} in version {:?} cannot be handled as a {expected}: the kind does not belong to this path",
                    target.version
                ),
                _ => format!(
                    "{} in version {given:?} cannot be handled as a {}: the API version in the data does not match the expected API version ({expected})",
                    target.kind.kind, target.kind.kind
                ),
            }));
        }
    }
    Ok(())
}

/// A new object starts without a status, or with the first one of its kind.
pub(crate) fn reset_status(kind: &Kind, object: &mut Value) {
    let first = match kind.builtin() {
        // A node agent creates its node together with its status.
        Some(Builtin::Node) => return,
        Some(Builtin::Pod) => match object::list(object, "/spec/schedulingGates") {
            [] => json!({"phase": "Pending"}),
            _ => json!({
                "phase": "Pending",
                "conditions": [{
                    "type": "PodScheduled",
                    "status": "False",
                    "reason": "SchedulingGated",
                    "message": "Scheduling is blocked due to non-empty scheduling gates",
                    "lastTransitionTime": object.pointer("/metadata/creationTimestamp"),
                }],
            }),
        },
        Some(Builtin::PersistentVolume) => json!({
            "phase": "Pending",
            "lastPhaseTransitionTime": object.pointer("/metadata/creationTimestamp"),
        }),
        Some(Builtin::PersistentVolumeClaim) => json!({"phase": "Pending"}),
        Some(Builtin::Namespace) => json!({"phase": "Active"}),
        Some(Builtin::Service) => json!({"loadBalancer": {}}),
        Some(Builtin::StatefulSet) => json!({"replicas": 0, "availableReplicas": 0}),
        Some(Builtin::PodDisruptionBudget) => json!({
            "disruptionsAllowed": 0,
            "currentHealthy": 0,
            "desiredHealthy": 0,
            "expectedPods": 0,
        }),
        _ if !kind.has_status => return,
        _ => {
            object::remove(object, &["status"]);
            return;
        }
    };
    object::set(object, &["status"], first);
}

/// Fills in what the client left out.
pub(crate) fn complete(state: &State, kind: &Kind, version: &str, object: &mut Value) {
    metadata::drop_empty(object);
    match kind.builtin() {
        Some(builtin) => defaulting::apply(state, builtin, object),
        None => {
            if let Some(schema) = kind
                .custom(version)
                .and_then(|custom| custom.schema.as_ref())
            {
                crd_schema::default(schema, object);
            }
        }
    }
}

/// What the server itself brings into a new object, apart from defaults: it belongs to no manager.
const BROUGHT_BY_SERVER: &[(Builtin, &[&str])] = &[
    (Builtin::Event, &["eventTime"]),
    (Builtin::Event, &["firstTimestamp"]),
    (Builtin::Event, &["lastTimestamp"]),
    (Builtin::Event, &["reportingComponent"]),
    (Builtin::Event, &["reportingInstance"]),
    (Builtin::Event, &["source"]),
    (Builtin::Namespace, &["spec"]),
    (Builtin::PersistentVolume, &["metadata", "finalizers"]),
    (Builtin::PersistentVolumeClaim, &["metadata", "finalizers"]),
    (
        Builtin::PersistentVolumeClaim,
        &["spec", "storageClassName"],
    ),
    (Builtin::Pod, &["spec", "preemptionPolicy"]),
    (Builtin::Pod, &["spec", "priority"]),
    (Builtin::Pod, &["spec", "serviceAccount"]),
    (Builtin::Pod, &["spec", "serviceAccountName"]),
    (Builtin::Pod, &["spec", "tolerations"]),
    (Builtin::Service, &["spec", "clusterIP"]),
    (Builtin::Service, &["spec", "clusterIPs"]),
    (Builtin::Service, &["spec", "ipFamilies"]),
    (Builtin::Service, &["spec", "ipFamilyPolicy"]),
    (Builtin::StatefulSet, &["spec", "serviceName"]),
];

/// Values that stand aside while the fields of a new object get their managers.
pub(crate) type SetAside = Vec<(&'static [&'static str], Value)>;

/// Takes out of a new object what its client did not bring.
pub(crate) fn set_aside(kind: &Kind, brought: &Value, object: &mut Value) -> SetAside {
    let Some(builtin) = kind.builtin() else {
        return Vec::new();
    };
    let mut paths: Vec<&'static [&'static str]> = BROUGHT_BY_SERVER
        .iter()
        .filter(|(of, path)| {
            *of == builtin && brought.pointer(&format!("/{}", path.join("/"))).is_none()
        })
        .map(|(_, path)| *path)
        .collect();
    // The status belongs to its own path.
    if kind.has_status {
        paths.push(&["status"]);
    }
    paths
        .into_iter()
        .filter_map(|path| Some((path, object::remove(object, path)?)))
        .collect()
}

/// Puts what stood aside back in its place.
pub(crate) fn put_back(object: &mut Value, set_aside: SetAside) {
    for (path, value) in set_aside {
        object::set(object, path, value);
    }
}

/// What only other objects can tell against a write.
pub(crate) fn refusal(
    state: &State,
    kind: &Kind,
    old: Option<&Value>,
    object: &Value,
) -> Option<Failure> {
    if let Some(refusal) = kind
        .builtin()
        .and_then(|builtin| validation::refusal(state, builtin, old, object))
    {
        return Some(refusal);
    }
    match old {
        None => quota::refusal(state, kind, object),
        Some(_) => None,
    }
}

/// What a client should know about an object that is accepted.
pub(crate) fn warnings(kind: &Kind, object: &Value) -> Vec<String> {
    let sentence = match kind.builtin() {
        Some(Builtin::Endpoints) => {
            "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
        }
        Some(Builtin::StatefulSet)
            if object::number(object, "/spec/revisionHistoryLimit")
                .is_some_and(|kept| kept < 0) =>
        {
            "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"
        }
        _ => return Vec::new(),
    };
    vec![sentence.to_owned()]
}

/// Everything that speaks against an object.
pub(crate) fn causes(
    kind: &Kind,
    version: &str,
    old: Option<&Value>,
    object: &Value,
) -> Vec<Cause> {
    let mut causes = metadata::causes(kind, object);
    match kind.builtin() {
        Some(builtin) => causes.extend(validation::causes(builtin, old, object)),
        None => {
            let custom = kind.custom(version);
            if let Some(schema) = custom.and_then(|custom| custom.schema.as_ref()) {
                causes.extend(crd_schema::causes(schema, object));
            }
            if let Some(rules) = custom.and_then(|custom| custom.rules.as_ref()) {
                // Rules may take for granted what the schema says.
                if causes.iter().all(Cause::is_duplicate) {
                    causes.extend(rules.causes(old, object));
                } else {
                    causes.push(Cause::invalid(
                        "<nil>",
                        &Value::Null,
                        "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation",
                    ));
                }
            }
            if let Some(scale) = custom.and_then(|custom| custom.scale.as_ref()) {
                causes.extend(scale.cause(object));
            }
        }
    }
    causes
}
