//! A container's variables: pure, over what was fetched.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Container, EnvVar, Pod};
use thiserror::Error;

use super::expansion::expand;
use super::fields::{UnknownField, field};
use super::resources::{ResourceError, resource};
use super::sources::Sources;

/// Why a container cannot be configured (`CreateContainerConfigError`).
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum ConfigError {
    #[error("{kind} {name:?} not found")]
    Missing { kind: &'static str, name: String },
    #[error("couldn't find key {key} in {kind} {name}")]
    KeyMissing {
        kind: &'static str,
        name: String,
        key: String,
    },
    #[error("variable {variable}: {error}")]
    Field {
        variable: String,
        error: UnknownField,
    },
    #[error("variable {variable}: {error}")]
    Resource {
        variable: String,
        error: ResourceError,
    },
    #[error(
        "variable {0}: only value, fieldRef, resourceFieldRef, configMapKeyRef and secretKeyRef are served by this node"
    )]
    Unsupported(String),
}

/// Variables in the order in which they are defined; a later definition of a name takes the place of an earlier one.
pub(crate) fn environment(
    pod: &Pod,
    container: &Container,
    sources: &Sources,
) -> Result<Vec<(String, String)>, ConfigError> {
    let mut variables: Vec<(String, String)> = Vec::new();
    let mut set = |name: String, value: String| {
        variables.retain(|(known, _)| *known != name);
        variables.push((name, value));
    };
    for source in container.env_from.iter().flatten() {
        let prefix = source.prefix.as_deref().unwrap_or_default();
        let found = if let Some(reference) = &source.config_map_ref {
            whole(
                "configmap",
                &reference.name,
                reference.optional,
                &sources.config_maps,
            )?
        } else if let Some(reference) = &source.secret_ref {
            whole(
                "secret",
                &reference.name,
                reference.optional,
                &sources.secrets,
            )?
        } else {
            None
        };
        for (key, value) in found.into_iter().flatten() {
            set(format!("{prefix}{key}"), value.clone());
        }
    }
    let mut known: BTreeMap<String, String> = variables.iter().cloned().collect();
    for variable in container.env.iter().flatten() {
        let value = match &variable.value_from {
            None => {
                let text = variable.value.as_deref().unwrap_or_default();
                Some(expand(text, |name| known.get(name).map(String::as_str)))
            }
            Some(_) => referenced(pod, container, variable, sources)?,
        };
        if let Some(value) = value {
            known.insert(variable.name.clone(), value.clone());
            variables.retain(|(name, _)| *name != variable.name);
            variables.push((variable.name.clone(), value));
        }
    }
    Ok(variables)
}

type Objects = BTreeMap<String, BTreeMap<String, String>>;

fn whole<'a>(
    kind: &'static str,
    name: &str,
    is_optional: Option<bool>,
    objects: &'a Objects,
) -> Result<Option<&'a BTreeMap<String, String>>, ConfigError> {
    match objects.get(name) {
        None if !is_optional.unwrap_or_default() => Err(ConfigError::Missing {
            kind,
            name: name.to_owned(),
        }),
        found => Ok(found),
    }
}

fn referenced(
    pod: &Pod,
    container: &Container,
    variable: &EnvVar,
    sources: &Sources,
) -> Result<Option<String>, ConfigError> {
    let Some(source) = &variable.value_from else {
        return Ok(None);
    };
    if let Some(reference) = &source.field_ref {
        return field(pod, &reference.field_path)
            .map(Some)
            .map_err(|error| ConfigError::Field {
                variable: variable.name.clone(),
                error,
            });
    }
    if let Some(selector) = &source.resource_field_ref {
        return resource(pod, Some(container), selector)
            .map(Some)
            .map_err(|error| ConfigError::Resource {
                variable: variable.name.clone(),
                error,
            });
    }
    let (kind, name, key, is_optional, objects) =
        if let Some(reference) = &source.config_map_key_ref {
            let sources = &sources.config_maps;
            (
                "configmap",
                &reference.name,
                &reference.key,
                reference.optional,
                sources,
            )
        } else if let Some(reference) = &source.secret_key_ref {
            let sources = &sources.secrets;
            (
                "secret",
                &reference.name,
                &reference.key,
                reference.optional,
                sources,
            )
        } else {
            return Err(ConfigError::Unsupported(variable.name.clone()));
        };
    let Some(object) = whole(kind, name, is_optional, objects)? else {
        return Ok(None);
    };
    match object.get(key) {
        None if !is_optional.unwrap_or_default() => Err(ConfigError::KeyMissing {
            kind,
            name: name.clone(),
            key: key.clone(),
        }),
        value => Ok(value.cloned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn sources() -> Sources {
        let object = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect::<BTreeMap<_, _>>()
        };
        Sources {
            config_maps: [("settings".to_owned(), object(&[("mode", "fast")]))].into(),
            secrets: [("login".to_owned(), object(&[("password", "p")]))].into(),
        }
    }

    fn resolve(container: Value) -> Result<Vec<(String, String)>, ConfigError> {
        let pod = json!({ "metadata": { "name": "db-0", "annotations": { "id": "3" } } });
        environment(
            &serde_json::from_value(pod).expect("a pod"),
            &serde_json::from_value(container).expect("a container"),
            &sources(),
        )
    }

    #[test]
    fn variables_come_from_everywhere_and_refer_to_earlier_ones() {
        let variables = resolve(json!({ "name": "c",
            "envFrom": [{ "prefix": "S_", "configMapRef": { "name": "settings" } }],
            "env": [
                { "name": "ID", "valueFrom": { "fieldRef": { "fieldPath": "metadata.annotations['id']" } } },
                { "name": "PASSWORD", "valueFrom": { "secretKeyRef": { "name": "login", "key": "password" } } },
                { "name": "ALL", "value": "$(S_mode)-$(ID)-$(LATER)" },
                { "name": "LATER", "value": "x" },
                { "name": "GONE", "valueFrom": { "secretKeyRef": { "name": "none", "key": "k", "optional": true } } },
            ],
        }))
        .expect("variables");

        let text: Vec<String> = variables
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(
            text,
            [
                "S_mode=fast",
                "ID=3",
                "PASSWORD=p",
                "ALL=fast-3-$(LATER)",
                "LATER=x"
            ]
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let secret = resolve(json!({ "name": "c", "env": [
            { "name": "P", "valueFrom": { "secretKeyRef": { "name": "none", "key": "k" } } } ] }));
        let key = resolve(json!({ "name": "c", "env": [
            { "name": "P", "valueFrom": { "configMapKeyRef": { "name": "settings", "key": "k" } } } ] }));

        assert_eq!(
            secret.expect_err("missing").to_string(),
            "secret \"none\" not found"
        );
        assert_eq!(
            key.expect_err("missing").to_string(),
            "couldn't find key k in configmap settings"
        );
    }
}
