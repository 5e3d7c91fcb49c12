//! What the API says it serves.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::kinds::{Builtin, Kind, Kinds};
use crate::object;
use crate::reviews::REVIEWS;

/// The version of Kubernetes that the embedded API follows.
const VERSION: (&str, &str, &str) = ("1", "37", "v1.37.1");

/// Upstream lists the verbs of custom resources in an order of their own.
const CUSTOM_VERBS: &[&str] = &[
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "create",
    "update",
    "watch",
];

const VERBS: &[&str] = &[
    "create",
    "delete",
    "deletecollection",
    "get",
    "list",
    "patch",
    "update",
    "watch",
];

/// Answers the paths of discovery.
pub(crate) fn document(path: &str, kinds: &Kinds) -> Option<Value> {
    let segments: Vec<_> = path.split('/').filter(|part| !part.is_empty()).collect();
    match segments.as_slice() {
        ["version"] => Some(version()),
        ["api"] => Some(json!({
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [],
        })),
        ["api", version] => resources("", version, kinds),
        ["apis"] => Some(json!({
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": groups(kinds).into_keys().map(|name| group_entry(&name, kinds)).collect::<Vec<_>>(),
        })),
        ["apis", name] if groups(kinds).contains_key(*name) => Some(group(name, kinds)),
        ["apis", group, version] => resources(group, version, kinds),
        _ => None,
    }
}

fn version() -> Value {
    let (major, minor, git_version) = VERSION;
    json!({
        "major": major,
        "minor": minor,
        "gitVersion": format!("{git_version}+stateward"),
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "none",
        "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    })
}

/// The named groups with their versions, the preferred one first.
pub(crate) fn groups(kinds: &Kinds) -> BTreeMap<String, Vec<String>> {
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for kind in kinds.all().filter(|kind| !kind.group.is_empty()) {
        let versions = groups.entry(kind.group.clone()).or_default();
        for version in &kind.versions {
            if !versions.contains(version) {
                versions.push(version.clone());
            }
        }
    }
    for (group, ..) in REVIEWS {
        groups.insert((*group).to_owned(), vec!["v1".to_owned()]);
    }
    groups
}

fn group(name: &str, kinds: &Kinds) -> Value {
    let mut group = group_entry(name, kinds);
    object::set(&mut group, &["kind"], "APIGroup");
    object::set(&mut group, &["apiVersion"], "v1");
    group
}

fn group_entry(name: &str, kinds: &Kinds) -> Value {
    let versions: Vec<_> = groups(kinds)
        .remove(name)
        .unwrap_or_default()
        .into_iter()
        .map(|version| json!({"groupVersion": format!("{name}/{version}"), "version": version}))
        .collect();
    json!({
        "name": name,
        "preferredVersion": versions.first(),
        "versions": versions,
    })
}

fn resources(group: &str, version: &str, kinds: &Kinds) -> Option<Value> {
    let served: Vec<_> = kinds
        .all()
        .filter(|kind| kind.group == group && kind.versions.iter().any(|one| one == version))
        .collect();
    let mut resources: Vec<_> = served
        .iter()
        .flat_map(|kind| entries(kind, version))
        .collect();
    for (_, plural, kind) in REVIEWS
        .iter()
        .filter(|(of, ..)| *of == group && version == "v1")
    {
        resources.push(json!({
            "name": plural,
            "singularName": kind.to_lowercase(),
            "namespaced": false,
            "kind": kind,
            "verbs": ["create"],
        }));
    }
    if resources.is_empty() {
        return None;
    }
    let group_version = match group {
        "" => version.to_owned(),
        group => format!("{group}/{version}"),
    };
    Some(json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": group_version,
        "resources": resources,
    }))
}

/// Tells apart in which version a kind is stored. Events are stored in the older of their groups.
fn storage_hash(kind: &Kind) -> String {
    let group = match kind.builtin() {
        Some(Builtin::Event) => "",
        _ => kind.group.as_str(),
    };
    let stored = format!("{group}/{}/{}", kind.storage_version, kind.kind);
    let digest = Sha256::digest(stored.as_bytes());
    STANDARD.encode(digest.get(..8).unwrap_or_default())
}

fn verbs(kind: &Kind) -> Vec<&'static str> {
    let verbs = match kind.builtin() {
        None => CUSTOM_VERBS,
        Some(_) => VERBS,
    };
    // Namespaces go one by one.
    let is_refused =
        |verb: &str| kind.builtin() == Some(Builtin::Namespace) && verb == "deletecollection";
    verbs
        .iter()
        .copied()
        .filter(|verb| !is_refused(verb))
        .collect()
}

fn entries(kind: &Kind, version: &str) -> Vec<Value> {
    let mut main = json!({
        "name": kind.plural,
        "singularName": kind.singular,
        "namespaced": kind.is_namespaced,
        "kind": kind.kind,
        "verbs": verbs(kind),
    });
    if let Some(fields) = main.as_object_mut() {
        if !kind.short_names.is_empty() {
            fields.insert("shortNames".to_owned(), kind.short_names.clone().into());
        }
        fields.insert("storageVersionHash".to_owned(), storage_hash(kind).into());
        if !kind.categories.is_empty() {
            fields.insert("categories".to_owned(), kind.categories.clone().into());
        }
    }
    let mut entries = vec![main];
    for (subresource, verbs) in kind.subresources(version) {
        let mut entry = json!({
            "name": format!("{}/{subresource}", kind.plural),
            "singularName": "",
            "namespaced": kind.is_namespaced,
            "kind": kind.kind,
            "verbs": verbs,
        });
        let other = match subresource {
            "scale" => Some(("autoscaling", "v1", "Scale")),
            "eviction" => Some(("policy", "v1", "Eviction")),
            "exec" => Some(("", "v1", "PodExecOptions")),
            "portforward" => Some(("", "v1", "PodPortForwardOptions")),
            "attach" => Some(("", "v1", "PodAttachOptions")),
            "binding" => Some(("", "v1", "Binding")),
            _ => None,
        };
        if let (Some((group, version, kind)), Some(fields)) = (other, entry.as_object_mut()) {
            fields.insert("kind".to_owned(), kind.into());
            if !group.is_empty() {
                fields.insert("group".to_owned(), group.into());
                fields.insert("version".to_owned(), version.into());
            }
        }
        entries.push(entry);
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::{Kinds, storage_hash};

    #[test]
    fn stored_versions_are_told_apart_as_upstream_does() {
        let kinds = Kinds::builtin();
        for (group, plural, hash) in [
            ("", "pods", "xPOwRZ+Yhw8="),
            ("", "configmaps", "qFsyl6wFWjQ="),
            ("apps", "statefulsets", "H+vl74LkKdo="),
        ] {
            let kind = kinds.find(group, "v1", plural);
            assert_eq!(kind.map(|kind| storage_hash(kind)).as_deref(), Some(hash));
        }
    }
}
