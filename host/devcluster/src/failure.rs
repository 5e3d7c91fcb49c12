//! Refusals of the API: the `Status` objects that Kubernetes answers, with its own codes, reasons and sentences.

use serde_json::{Value, json};

/// One cause of an `Invalid` answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cause {
    reason: &'static str,
    message: String,
    field: String,
}

impl Cause {
    pub(crate) fn required(field: impl Into<String>, detail: &str) -> Self {
        let message = match detail {
            "" => "Required value".to_owned(),
            detail => format!("Required value: {detail}"),
        };
        Self::new("FieldValueRequired", field, message)
    }

    pub(crate) fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        let message = format!("Invalid value: {}: {detail}", shown(value));
        Self::new("FieldValueInvalid", field, message)
    }

    pub(crate) fn type_invalid(field: impl Into<String>, value: &str, detail: &str) -> Self {
        let message = format!("Invalid value: {value:?}: {detail}");
        Self::new("FieldValueTypeInvalid", field, message)
    }

    pub(crate) fn unsupported(
        field: impl Into<String>,
        value: &Value,
        supported: &[String],
    ) -> Self {
        let supported: Vec<_> = supported.iter().map(|value| format!("{value:?}")).collect();
        let message = format!(
            "Unsupported value: {}: supported values: {}",
            shown(value),
            supported.join(", ")
        );
        Self::new("FieldValueNotSupported", field, message)
    }

    pub(crate) fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        let message = format!("Duplicate value: {}", shown(value));
        Self::new("FieldValueDuplicate", field, message)
    }

    pub(crate) fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self::new("FieldValueForbidden", field, format!("Forbidden: {detail}"))
    }

    pub(crate) fn new(
        reason: &'static str,
        field: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            reason,
            message: message.into(),
            field: field.into(),
        }
    }

    /// Whether a list holds something twice: that keeps no rule from being checked.
    pub(crate) fn is_duplicate(&self) -> bool {
        self.reason == "FieldValueDuplicate"
    }

    fn body(&self) -> Value {
        json!({"reason": self.reason, "message": self.message, "field": self.field})
    }
}

/// Values in messages as Kubernetes prints them: texts in quotes, the rest as JSON.
fn shown(value: &Value) -> String {
    value.to_string()
}

/// What a refusal is about: the resource and group as they stand in a `Status`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Subject {
    pub(crate) group: String,
    pub(crate) resource: String,
    pub(crate) kind: String,
}

impl Subject {
    /// `statefulsets.apps`, or `pods` for the core group.
    pub(crate) fn qualified(&self) -> String {
        match self.group.as_str() {
            "" => self.resource.clone(),
            group => format!("{}.{group}", self.resource),
        }
    }
}

/// A refused request.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) code: u16,
    reason: &'static str,
    pub(crate) message: String,
    details: Option<Value>,
}

impl Failure {
    pub(crate) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: None,
        }
    }

    /// What reaches no resource is answered with details that say nothing.
    pub(crate) fn with_empty_details(mut self) -> Self {
        self.details = Some(json!({}));
        self
    }

    fn about(mut self, subject: &Subject, name: &str) -> Self {
        self.details = Some(details(name, &subject.group, &subject.resource));
        self
    }

    pub(crate) fn not_found(subject: &Subject, name: &str) -> Self {
        Self::new(
            404,
            "NotFound",
            format!("{} {name:?} not found", subject.qualified()),
        )
        .about(subject, name)
    }

    /// A path that leads nowhere.
    pub(crate) fn nothing_here() -> Self {
        Self::new(
            404,
            "NotFound",
            "the server could not find the requested resource",
        )
        .with_empty_details()
    }

    pub(crate) fn already_exists(subject: &Subject, name: &str) -> Self {
        Self::new(
            409,
            "AlreadyExists",
            format!("{} {name:?} already exists", subject.qualified()),
        )
        .about(subject, name)
    }

    pub(crate) fn stale(subject: &Subject, name: &str) -> Self {
        Self::conflict(
            subject,
            name,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    pub(crate) fn conflict(subject: &Subject, name: &str, why: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {} {name:?}: {why}",
            subject.qualified()
        );
        Self::new(409, "Conflict", message).about(subject, name)
    }

    pub(crate) fn apply_conflict(message: String, causes: Vec<Cause>) -> Self {
        let mut failure = Self::new(409, "Conflict", message);
        failure.details = Some(json!({
            "causes": causes.iter().map(Cause::body).collect::<Vec<_>>(),
        }));
        failure
    }

    pub(crate) fn invalid(subject: &Subject, name: &str, causes: Vec<Cause>) -> Self {
        let sentences: Vec<_> = causes
            .iter()
            .map(|cause| format!("{}: {}", cause.field, cause.message))
            .collect();
        let sentence = match sentences.as_slice() {
            [single] => single.clone(),
            several => format!("[{}]", several.join(", ")),
        };
        let kind = match subject.group.as_str() {
            "" => subject.kind.clone(),
            group => format!("{}.{group}", subject.kind),
        };
        let mut details = details(name, &subject.group, &subject.kind);
        if let Some(fields) = details.as_object_mut() {
            let causes = causes.iter().map(Cause::body).collect::<Vec<_>>();
            fields.insert("causes".to_owned(), causes.into());
        }
        let mut failure = Self::new(
            422,
            "Invalid",
            format!("{kind} {name:?} is invalid: {sentence}"),
        );
        failure.details = Some(details);
        failure
    }

    pub(crate) fn forbidden(subject: &Subject, name: &str, why: &str) -> Self {
        let message = format!("{} {name:?} is forbidden: {why}", subject.qualified());
        Self::new(403, "Forbidden", message).about(subject, name)
    }

    pub(crate) fn namespace_terminating(subject: &Subject, name: &str, namespace: &str) -> Self {
        let mut failure = Self::forbidden(
            subject,
            name,
            &format!(
                "unable to create new content in namespace {namespace} because it is being terminated"
            ),
        );
        if let Some(details) = failure.details.as_mut().and_then(Value::as_object_mut) {
            details.insert(
                "causes".to_owned(),
                json!([{
                    "reason": "NamespaceTerminating",
                    "message": format!("namespace {namespace} is being terminated"),
                    "field": "metadata.namespace",
                }]),
            );
        }
        failure
    }

    pub(crate) fn disruption_budget(message: &str, cause: &str) -> Self {
        let mut failure = Self::new(429, "TooManyRequests", message);
        failure.details = Some(json!({
            "causes": [{"reason": "DisruptionBudget", "message": cause}],
        }));
        failure
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    pub(crate) fn resource_version_too_large(asked: u64, current: u64) -> Self {
        let mut failure = Self::new(
            504,
            "Timeout",
            format!("Timeout: Too large resource version: {asked}, current: {current}"),
        );
        failure.details = Some(json!({
            "causes": [{
                "reason": "ResourceVersionTooLarge",
                "message": "Too large resource version",
            }],
            "retryAfterSeconds": 1,
        }));
        failure
    }

    pub(crate) fn method_not_allowed(message: impl Into<String>) -> Self {
        Self::new(405, "MethodNotAllowed", message).with_empty_details()
    }

    pub(crate) fn unsupported_media_type(accepted: &[&str]) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            accepted.join(", ")
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// A patch that cannot be carried out on the object that is there.
    pub(crate) fn unprocessable() -> Self {
        Self::new(
            422,
            "Invalid",
            "the server rejected our request due to an error in our request",
        )
        .with_empty_details()
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new(
            413,
            "RequestEntityTooLarge",
            format!("Request entity too large: limit is {limit}"),
        )
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// A mistake of the client for which upstream has an error and no reason: it becomes a 500 all the same.
    pub(crate) fn without_reason(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    /// A patch after which the object cannot be read any more; `shown` is what the patch, or the patched object, was.
    pub(crate) fn undecodable_patch(shown: &str, what: &str) -> Self {
        let cause = Cause::invalid("patch", &Value::from(shown), what);
        Self::invalid(&Subject::default(), "", vec![cause])
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "InternalError", message)
    }

    /// The `Status` object that says this.
    pub(crate) fn body(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "code": self.code,
        });
        if let Some(fields) = status.as_object_mut() {
            if !self.reason.is_empty() {
                fields.insert("reason".to_owned(), self.reason.into());
            }
            if let Some(details) = &self.details {
                fields.insert("details".to_owned(), details.clone());
            }
        }
        status
    }
}

fn details(name: &str, group: &str, kind: &str) -> Value {
    let mut details = json!({});
    if let Some(fields) = details.as_object_mut() {
        for (field, value) in [("name", name), ("group", group), ("kind", kind)] {
            if !value.is_empty() {
                fields.insert(field.to_owned(), value.into());
            }
        }
    }
    details
}
