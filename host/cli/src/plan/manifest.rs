//! The manifest that a plan is asked for: one StatefulApp or StatefulSet among the documents of a file.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use stateward_planner::Spec;
use stateward_planner::spec::SpecError;
use stateward_planner::world::Face;

use crate::target::AppName;

/// Why a file cannot be planned.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ManifestError {
    #[error("cannot read {path}: {source}")]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path}, document {document}: not YAML: {why}")]
    NotYaml {
        path: PathBuf,
        document: usize,
        why: String,
    },
    #[error("{path} has no {wanted}; it has {found}")]
    NoApp {
        path: PathBuf,
        wanted: String,
        found: String,
    },
    #[error(
        "{path} has several apps ({names}): say which one is meant, as in `plan -f {path} {first}`"
    )]
    SeveralApps {
        path: PathBuf,
        names: String,
        first: String,
    },
    #[error("{path}: the {kind} has no metadata.name")]
    NoName { path: PathBuf, kind: &'static str },
    #[error(
        "{path}: the manifest is for namespace {written}, the command line says {given}: leave one of them out"
    )]
    OtherNamespace {
        path: PathBuf,
        written: String,
        given: String,
    },
    #[error("{path}, {kind} {name}: {source}")]
    Spec {
        path: PathBuf,
        kind: &'static str,
        name: String,
        source: Box<SpecError>,
    },
}

/// One app as a user wrote it, and the plugins that stand in the same file.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    pub(crate) path: PathBuf,
    pub(crate) face: Face,
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
    /// The whole document.
    pub(crate) object: Value,
    /// Its spec, as written.
    pub(crate) written: Spec,
    /// Documents of kind Plugin.
    pub(crate) plugins: Vec<Value>,
}

/// Reads the app that is meant; `-` is standard input.
pub(crate) fn read(path: &Path, meant: Option<&AppName>) -> Result<Manifest, ManifestError> {
    let text = text(path).map_err(|source| ManifestError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    choose(path, documents(path, &text)?, meant)
}

fn text(path: &Path) -> std::io::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    std::fs::read_to_string(path)
}

fn documents(path: &Path, text: &str) -> Result<Vec<Value>, ManifestError> {
    let mut documents = Vec::new();
    for (index, document) in serde_yaml::Deserializer::from_str(text).enumerate() {
        let document = Value::deserialize(document).map_err(|error| ManifestError::NotYaml {
            path: path.to_owned(),
            document: index.saturating_add(1),
            why: error.to_string(),
        })?;
        match document {
            Value::Null => {}
            // What `kubectl get -o yaml` prints of several objects.
            Value::Object(mut list) if list.contains_key("items") => match list.remove("items") {
                Some(Value::Array(items)) => documents.extend(items),
                _ => documents.push(Value::Object(list)),
            },
            document => documents.push(document),
        }
    }
    Ok(documents)
}

fn choose(
    path: &Path,
    documents: Vec<Value>,
    meant: Option<&AppName>,
) -> Result<Manifest, ManifestError> {
    let apps: Vec<_> = documents
        .iter()
        .filter_map(|document| Some((face_of(document)?, document)))
        .filter(|(face, document)| {
            meant.is_none_or(|meant| {
                meant.face.is_none_or(|wanted| wanted == *face)
                    && text_of(document, "/metadata/name") == Some(&meant.name)
            })
        })
        .collect();
    let (face, document) = match apps.as_slice() {
        [only] => *only,
        [] => {
            return Err(ManifestError::NoApp {
                path: path.to_owned(),
                wanted: match meant {
                    None => "StatefulApp or StatefulSet".to_owned(),
                    Some(meant) => format!("StatefulApp or StatefulSet {}", meant.name),
                },
                found: contents(&documents),
            });
        }
        [(_, first), ..] => {
            let names: Vec<_> = apps.iter().map(|(_, app)| label(app)).collect();
            return Err(ManifestError::SeveralApps {
                path: path.to_owned(),
                names: names.join(", "),
                first: label(first),
            });
        }
    };
    let name = text_of(document, "/metadata/name").ok_or_else(|| ManifestError::NoName {
        path: path.to_owned(),
        kind: face.kind(),
    })?;
    Ok(Manifest {
        path: path.to_owned(),
        face,
        namespace: text_of(document, "/metadata/namespace").map(str::to_owned),
        name: name.to_owned(),
        written: parse(path, face, name, document.get("spec"))?,
        object: document.clone(),
        plugins: documents
            .iter()
            .filter(|document| is_kind(document, "stateward.dev/", "Plugin"))
            .cloned()
            .collect(),
    })
}

fn parse(path: &Path, face: Face, name: &str, spec: Option<&Value>) -> Result<Spec, ManifestError> {
    let checked = Spec::parse(face, spec.unwrap_or(&Value::Null)).and_then(|spec| {
        spec.check_name(face, name)?;
        Ok(spec)
    });
    checked.map_err(|source| ManifestError::Spec {
        path: path.to_owned(),
        kind: face.kind(),
        name: name.to_owned(),
        source: Box::new(source),
    })
}

fn face_of(document: &Value) -> Option<Face> {
    if is_kind(document, "stateward.dev/", "StatefulApp") {
        Some(Face::StatefulApp)
    } else if is_kind(document, "apps/", "StatefulSet") {
        Some(Face::StatefulSet)
    } else {
        None
    }
}

fn is_kind(document: &Value, group: &str, kind: &str) -> bool {
    text_of(document, "/apiVersion").is_some_and(|version| version.starts_with(group))
        && text_of(document, "/kind") == Some(kind)
}

fn text_of<'a>(document: &'a Value, pointer: &str) -> Option<&'a str> {
    document.pointer(pointer)?.as_str()
}

/// `sts/web`: unambiguous, and what the command line takes.
fn label(document: &Value) -> String {
    let short = match face_of(document) {
        Some(Face::StatefulSet) => "sts",
        _ => "sapp",
    };
    format!(
        "{short}/{}",
        text_of(document, "/metadata/name").unwrap_or_default()
    )
}

fn contents(documents: &[Value]) -> String {
    let kinds: Vec<_> = documents
        .iter()
        .map(|document| {
            format!(
                "{} {}",
                text_of(document, "/kind").unwrap_or("something without a kind"),
                text_of(document, "/metadata/name").unwrap_or_default()
            )
            .trim_end()
            .to_owned()
        })
        .collect();
    match kinds.as_slice() {
        [] => "nothing".to_owned(),
        kinds => kinds.join(", "),
    }
}

impl Manifest {
    pub(crate) fn spec(&self) -> &Value {
        self.object.get("spec").unwrap_or(&Value::Null)
    }

    /// The spec that the API made of it.
    pub(crate) fn completed(&self, spec: &Value) -> Result<Spec, ManifestError> {
        parse(&self.path, self.face, &self.name, Some(spec))
    }

    /// The namespace that is meant: the manifest's, the command line's, or the one of the connection.
    pub(crate) fn namespace(
        &self,
        given: Option<&str>,
        default: &str,
    ) -> Result<String, ManifestError> {
        match (self.namespace.as_deref(), given) {
            (Some(written), Some(given)) if written != given => {
                Err(ManifestError::OtherNamespace {
                    path: self.path.clone(),
                    written: written.to_owned(),
                    given: given.to_owned(),
                })
            }
            (Some(written), _) => Ok(written.to_owned()),
            (None, given) => Ok(given.unwrap_or(default).to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n";
    const SPEC: &str = "spec: {selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, spec: {containers: [{name: a, image: a}]}}}\n";
    const SET: &str = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata:\n  name: web\n";
    const APP: &str =
        "apiVersion: stateward.dev/v1alpha1\nkind: StatefulApp\nmetadata:\n  name: db\n";

    fn chosen(parts: &[&str], meant: Option<&str>) -> Result<Manifest, ManifestError> {
        let path = Path::new("app.yaml");
        let meant: Option<AppName> = meant.map(|meant| meant.parse().unwrap());
        let parts: Vec<_> = parts.iter().map(|part| format!("{part}{SPEC}")).collect();
        choose(path, documents(path, &parts.join("---\n"))?, meant.as_ref())
    }

    #[test]
    fn the_one_app_among_other_documents_is_taken() {
        let manifest = chosen(&[SERVICE, SET], None).unwrap();
        assert_eq!(
            (manifest.face, manifest.name.as_str()),
            (Face::StatefulSet, "web")
        );
    }

    #[test]
    fn one_of_several_apps_must_be_named() {
        let error = chosen(&[SET, APP], None).unwrap_err();
        assert!(error.to_string().contains("sts/web, sapp/db"), "{error}");
        assert_eq!(chosen(&[SET, APP], Some("db")).unwrap().name, "db");
    }

    #[test]
    fn a_file_without_an_app_says_what_it_has() {
        let error = chosen(&[SERVICE], None).unwrap_err();
        assert!(error.to_string().contains("it has Service web"), "{error}");
        let error = chosen(&[], None).unwrap_err();
        assert!(error.to_string().contains("it has nothing"), "{error}");
    }

    #[test]
    fn two_different_namespaces_are_a_mistake() {
        let mut manifest = chosen(&[SET], None).unwrap();
        assert_eq!(manifest.namespace(None, "default").unwrap(), "default");
        manifest.namespace = Some("shop".to_owned());
        assert_eq!(manifest.namespace(None, "default").unwrap(), "shop");
        assert!(manifest.namespace(Some("prod"), "default").is_err());
    }

    #[test]
    fn what_is_not_yaml_is_told_with_its_place() {
        let error = chosen(&[SET, "a: [1\n"], None).unwrap_err();
        assert!(
            error.to_string().contains("document 2: not YAML"),
            "{error}"
        );
    }
}
