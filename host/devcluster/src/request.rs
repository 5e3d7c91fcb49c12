//! What a request asks: the path names a target, the query holds the options.

use std::sync::Arc;

use percent_encoding::percent_decode_str;

use crate::failure::Failure;
use crate::kinds::{Kind, Kinds};

/// The object or collection that a path names.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) kind: Arc<Kind>,
    pub(crate) version: String,
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<String>,
}

impl Target {
    /// Reads `/api/v1/namespaces/a/pods/b/status` and its like.
    pub(crate) fn parse(path: &str, kinds: &Kinds) -> Result<Self, Failure> {
        let segments: Vec<String> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect();
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (group, version, rest) = match segments.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return Err(Failure::nothing_here()),
        };
        let (namespace, rest) = match rest {
            // `namespaces/a` and `namespaces/a/status` name the namespace itself.
            ["namespaces", _] | ["namespaces", _, "status" | "finalize"] => (None, rest),
            ["namespaces", namespace, rest @ ..] => (Some((*namespace).to_owned()), rest),
            rest => (None, rest),
        };
        let (plural, name, subresource) = match rest {
            [plural] => (*plural, None, None),
            [plural, name] => (*plural, Some(*name), None),
            [plural, name, subresource] => (*plural, Some(*name), Some(*subresource)),
            _ => return Err(Failure::nothing_here()),
        };
        let kind = kinds
            .find(group, version, plural)
            .ok_or_else(|| not_served(group, plural, kinds))?;
        if namespace.is_some() != kind.is_namespaced && (namespace.is_some() || name.is_some()) {
            return Err(Failure::nothing_here());
        }
        Ok(Self {
            kind: kind.clone(),
            version: version.to_owned(),
            namespace,
            name: name.map(str::to_owned),
            subresource: subresource.map(str::to_owned),
        })
    }

    /// `pods` or `pods/status`, as the request counter names it.
    pub(crate) fn counted_as(&self) -> String {
        match &self.subresource {
            Some(subresource) => format!("{}/{subresource}", self.kind.plural),
            None => self.kind.plural.clone(),
        }
    }

    pub(crate) fn api_version(&self) -> String {
        self.kind.api_version(&self.version)
    }
}

fn not_served(group: &str, plural: &str, kinds: &Kinds) -> Failure {
    let asked = match group {
        "" => plural.to_owned(),
        group => format!("{group}/{plural}"),
    };
    let mut served: Vec<_> = kinds.all().map(|kind| kind.subject().qualified()).collect();
    served.sort();
    Failure::new(
        404,
        "NotFound",
        format!(
            "not served here: {asked}; the embedded cluster serves {}",
            served.join(", ")
        ),
    )
}

/// The query of a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pairs: Vec<(String, String)>,
}

impl Options {
    pub(crate) fn parse(query: &str) -> Self {
        Self {
            pairs: form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        }
    }

    /// The value of an option, "" where it is not given.
    pub(crate) fn text(&self, option: &str) -> &str {
        self.pairs
            .iter()
            .find(|(name, _)| name == option)
            .map(|(_, value)| value.as_str())
            .unwrap_or_default()
    }

    /// Every value of an option that may be repeated.
    pub(crate) fn all<'a>(&'a self, option: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs
            .iter()
            .filter(move |(name, _)| name == option)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn is_set(&self, option: &str) -> bool {
        matches!(self.text(option), "true" | "1")
    }

    pub(crate) fn number(&self, option: &str) -> Result<Option<u64>, Failure> {
        match self.text(option) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                Failure::bad_request(format!(
                    "invalid value {text:?} for the query parameter {option}: not a whole number"
                ))
            }),
        }
    }

    pub(crate) fn is_dry_run(&self) -> Result<bool, Failure> {
        match self.text("dryRun") {
            "" => Ok(false),
            "All" => Ok(true),
            other => Err(Failure::bad_request(format!(
                "invalid dryRun value {other:?}: the only supported value is \"All\""
            ))),
        }
    }

    pub(crate) fn field_validation(&self) -> Result<FieldValidation, Failure> {
        match self.text("fieldValidation") {
            "" | "Warn" => Ok(FieldValidation::Warn),
            "Strict" => Ok(FieldValidation::Strict),
            "Ignore" => Ok(FieldValidation::Ignore),
            other => Err(Failure::bad_request(format!(
                "invalid fieldValidation value {other:?}: supported values are Ignore, Strict, Warn"
            ))),
        }
    }
}

/// What happens to fields that the kind does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}
