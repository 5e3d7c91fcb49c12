//! Who a client is and what it may do: here every client carries the one token, and that token may do everything.

use http::Method;
use serde_json::{Value, json};

use crate::failure::{Cause, Failure, Subject};
use crate::object;

/// The reviews that are answered: group, plural, kind.
pub(crate) const REVIEWS: &[(&str, &str, &str)] = &[
    (
        "authentication.k8s.io",
        "selfsubjectreviews",
        "SelfSubjectReview",
    ),
    (
        "authorization.k8s.io",
        "selfsubjectaccessreviews",
        "SelfSubjectAccessReview",
    ),
];

/// The kind of the review that a path names.
pub(crate) fn kind_of(path: &str) -> Option<&'static str> {
    let (group, plural) = path.strip_prefix("/apis/")?.split_once("/v1/")?;
    REVIEWS
        .iter()
        .find(|(in_group, name, _)| *in_group == group && *name == plural)
        .map(|(_, _, kind)| *kind)
}

/// Answers a review.
pub(crate) fn answer(kind: &str, method: &Method, body: Value) -> Result<Value, Failure> {
    if method != Method::POST {
        return Err(Failure::method_not_allowed(
            "the server does not allow this method on the requested resource",
        ));
    }
    let mut review = body;
    object::drop_nulls(&mut review);
    let given = object::text(&review, "/kind");
    if !given.is_empty() && given != kind {
        return Err(Failure::bad_request(format!(
            "{given} cannot be handled as a {kind}: the kind does not belong to this path"
        )));
    }
    if kind == "SelfSubjectReview" {
        return Ok(json!({
            "kind": kind,
            "apiVersion": "authentication.k8s.io/v1",
            "metadata": {},
            "status": {"userInfo": {
                "username": "stateward",
                "groups": ["system:masters", "system:authenticated"],
            }},
        }));
    }
    let has = |field: &str| review.pointer(&format!("/spec/{field}")).is_some();
    if has("resourceAttributes") == has("nonResourceAttributes") {
        let subject = Subject {
            group: "authorization.k8s.io".to_owned(),
            ..Default::default()
        };
        let attributes = review.pointer("/spec/nonResourceAttributes");
        let cause = Cause::invalid(
            "spec",
            attributes.unwrap_or(&Value::Null),
            "exactly one of nonResourceAttributes or resourceAttributes must be specified",
        );
        return Err(Failure::invalid(&subject, "", vec![cause]));
    }
    Ok(json!({
        "kind": kind,
        "apiVersion": "authorization.k8s.io/v1",
        "metadata": {},
        "spec": review.get("spec"),
        "status": {"allowed": true},
    }))
}
