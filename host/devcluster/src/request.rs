//! What a request asks: the path names a target, the query holds the options.

use std::sync::Arc;

use percent_encoding::percent_decode_str;

use crate::failure::Failure;
use crate::kinds::{Builtin, Kind, Kinds};

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
        if path.starts_with("//") {
            return Err(Failure::nothing_here());
        }
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
        if let Some(subresource) = subresource {
            check_subresource(kind, version, subresource)?;
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

/// What Kubernetes serves and this cluster does not, is refused by name.
fn check_subresource(kind: &Kind, version: &str, subresource: &str) -> Result<(), Failure> {
    let served = kind.subresources(version);
    if served.iter().any(|(name, _)| *name == subresource) {
        return Ok(());
    }
    let is_known = match kind.builtin() {
        Some(Builtin::Pod) => matches!(subresource, "ephemeralcontainers" | "proxy" | "resize"),
        Some(Builtin::Service | Builtin::Node) => subresource == "proxy",
        Some(Builtin::ServiceAccount) => subresource == "token",
        _ => false,
    };
    if !is_known {
        return Err(Failure::nothing_here());
    }
    let served: Vec<_> = served.iter().map(|(name, _)| *name).collect();
    let message = format!(
        "not served here: {}/{subresource}; of {} the embedded cluster serves {}",
        kind.plural,
        kind.plural,
        match served.as_slice() {
            [] => "no part of its own".to_owned(),
            served => served.join(", "),
        }
    );
    Err(Failure::new(404, "NotFound", message).with_empty_details())
}

fn not_served(group: &str, plural: &str, kinds: &Kinds) -> Failure {
    let asked = match group {
        "" => plural.to_owned(),
        group => format!("{group}/{plural}"),
    };
    let mut served: Vec<_> = kinds.all().map(|kind| kind.subject().qualified()).collect();
    served.sort();
    let message = format!(
        "not served here: {asked}; the embedded cluster serves {}",
        served.join(", ")
    );
    Failure::new(404, "NotFound", message).with_empty_details()
}

/// Whether every `%` is followed by two hexadecimal digits.
pub(crate) fn is_well_escaped(text: &str) -> bool {
    let is_escape = |rest: &str| {
        let digits = rest.get(..2).unwrap_or_default();
        digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    };
    text.split('%').skip(1).all(is_escape)
}

/// The query of a request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pairs: Vec<(String, String)>,
}

impl Options {
    /// Pairs that are not escaped as they should be are passed over, as upstream does.
    pub(crate) fn parse(query: &str) -> Self {
        let pairs = query.split('&').filter(|pair| is_well_escaped(pair));
        let pairs = pairs.flat_map(|pair| form_urlencoded::parse(pair.as_bytes()).into_owned());
        Self {
            pairs: pairs.collect(),
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
                    "strconv.ParseInt: parsing {text:?}: invalid syntax"
                ))
            }),
        }
    }

    /// The version of the store that a read asks for; the error says what it is instead, in upstream's words.
    pub(crate) fn resource_version(&self) -> Result<Option<u64>, String> {
        match self.text("resourceVersion") {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                format!(
                    "resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
                )
            }),
        }
    }

    pub(crate) fn is_dry_run(&self) -> bool {
        self.all("dryRun").any(|one| one == "All")
    }

    /// How unknown fields are taken; what is none of the three was refused before.
    pub(crate) fn field_validation(&self) -> FieldValidation {
        match self.text("fieldValidation") {
            "Strict" => FieldValidation::Strict,
            "Ignore" => FieldValidation::Ignore,
            _ => FieldValidation::Warn,
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
