//! As much of OpenAPI as `kubectl apply` and `kubectl explain` ask for.
//!
//! Before it sends `fieldValidation` it wants to read in the document of a group that a patch of the kind takes that
//! parameter. It computes patches for built-in kinds with its own types when the document offers no schema for them.

mod schemas;

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::discovery;
use crate::failure::Failure;
use crate::kinds::{Kind, Kinds};

/// The older document, for clients that read it in protobuf alone: it names its version and no kinds, so that they
/// leave the validation to the server.
pub(crate) const V2_PROTOBUF: &[u8] = b"\x0a\x032.0";
pub(crate) const V2_PROTOBUF_TYPE: &str =
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

/// Answers the paths below `/openapi`.
pub(crate) fn document(path: &str, kinds: &Kinds) -> Result<Value, Failure> {
    let segments: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    match segments.as_slice() {
        ["openapi", "v2"] => Ok(json!({
            "swagger": "2.0",
            "info": info(),
            "paths": {},
            "definitions": {},
        })),
        ["openapi", "v3"] => Ok(index(kinds)),
        ["openapi", "v3", "api", version] => group_document("", version, kinds),
        ["openapi", "v3", "apis", group, version] => group_document(group, version, kinds),
        _ => Err(Failure::nothing_here()),
    }
}

fn info() -> Value {
    json!({"title": "Kubernetes", "version": "v1.37.1"})
}

fn index(kinds: &Kinds) -> Value {
    let mut paths = Map::new();
    let mut add = |path: String| {
        let url = json!({"serverRelativeURL": format!("/openapi/v3/{path}")});
        paths.insert(path, url);
    };
    add("api/v1".to_owned());
    for (group, versions) in discovery::groups(kinds) {
        let is_described = |version: &String| served(&group, version, kinds).next().is_some();
        for version in versions.into_iter().filter(is_described) {
            add(format!("apis/{group}/{version}"));
        }
    }
    json!({"paths": paths})
}

fn served<'a>(
    group: &'a str,
    version: &'a str,
    kinds: &'a Kinds,
) -> impl Iterator<Item = &'a Arc<Kind>> {
    kinds
        .all()
        .filter(move |kind| kind.group == group && kind.versions.iter().any(|one| one == version))
}

fn group_document(group: &str, version: &str, kinds: &Kinds) -> Result<Value, Failure> {
    let served: Vec<&Arc<Kind>> = served(group, version, kinds).collect();
    let paths: Map<String, Value> = served
        .iter()
        .map(|kind| (path_of(kind, version), operations(kind, version)))
        .collect();
    if paths.is_empty() {
        return Err(Failure::nothing_here());
    }
    Ok(json!({
        "openapi": "3.0.0",
        "info": info(),
        "paths": paths,
        "components": {"schemas": schemas::of(&served, version)},
    }))
}

fn path_of(kind: &Kind, version: &str) -> String {
    let root = match kind.group.as_str() {
        "" => format!("/api/{version}"),
        group => format!("/apis/{group}/{version}"),
    };
    let plural = &kind.plural;
    if kind.is_namespaced {
        format!("{root}/namespaces/{{namespace}}/{plural}/{{name}}")
    } else {
        format!("{root}/{plural}/{{name}}")
    }
}

fn operations(kind: &Kind, version: &str) -> Value {
    let parameters: Vec<_> = ["dryRun", "fieldManager", "fieldValidation", "force"]
        .iter()
        .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string"}}))
        .collect();
    json!({
        "patch": {
            "operationId": format!("patch{}", kind.kind),
            "parameters": parameters,
            "requestBody": {
                "content": {
                    "application/merge-patch+json": {"schema": {"type": "object"}},
                },
            },
            "responses": {"200": {"description": "OK"}},
            "x-kubernetes-action": "patch",
            "x-kubernetes-group-version-kind": {
                "group": kind.group,
                "version": version,
                "kind": kind.kind,
            },
        },
    })
}
