//! The kinds that are served: a fixed table and what custom resource definitions add.

pub(crate) mod builtin;
pub(crate) mod custom;
pub(crate) mod event;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

pub(crate) use builtin::Builtin;
pub(crate) use custom::{CustomVersion, ScalePaths};

use crate::failure::Subject;
use crate::object;

/// One served kind.
#[derive(Debug, Clone)]
pub(crate) struct Kind {
    pub(crate) group: String,
    /// Served versions, the preferred one first.
    pub(crate) versions: Vec<String>,
    pub(crate) storage_version: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) is_namespaced: bool,
    pub(crate) has_status: bool,
    /// Whether `metadata.generation` counts changes of the spec.
    pub(crate) has_generation: bool,
    /// The table of the store: `pods`, `statefulsets.apps`.
    pub(crate) storage: String,
    pub(crate) origin: Origin,
}

/// Where a kind comes from.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    Builtin(Builtin),
    Custom(BTreeMap<String, CustomVersion>),
}

impl Kind {
    pub(crate) fn subject(&self) -> Subject {
        Subject {
            group: self.group.clone(),
            resource: self.plural.clone(),
            kind: self.kind.clone(),
        }
    }

    pub(crate) fn builtin(&self) -> Option<Builtin> {
        match self.origin {
            Origin::Builtin(builtin) => Some(builtin),
            Origin::Custom(_) => None,
        }
    }

    pub(crate) fn custom(&self, version: &str) -> Option<&CustomVersion> {
        match &self.origin {
            Origin::Builtin(_) => None,
            Origin::Custom(versions) => versions.get(version),
        }
    }

    /// `v1` or `apps/v1`.
    pub(crate) fn api_version(&self, version: &str) -> String {
        match self.group.as_str() {
            "" => version.to_owned(),
            group => format!("{group}/{version}"),
        }
    }

    /// Where the scale subresource finds its numbers.
    pub(crate) fn scale(&self, version: &str) -> Option<ScalePaths> {
        match &self.origin {
            Origin::Builtin(Builtin::StatefulSet) => Some(ScalePaths::stateful_set()),
            Origin::Builtin(_) => None,
            Origin::Custom(versions) => versions.get(version)?.scale.clone(),
        }
    }

    /// The subresources that answer, with their verbs.
    pub(crate) fn subresources(
        &self,
        version: &str,
    ) -> Vec<(&'static str, &'static [&'static str])> {
        let mut subresources: Vec<(&str, &[&str])> = Vec::new();
        if self.has_status {
            subresources.push(("status", &["get", "patch", "update"]));
        }
        if self.scale(version).is_some() {
            subresources.push(("scale", &["get", "patch", "update"]));
        }
        match self.builtin() {
            Some(Builtin::Pod) => subresources.extend([
                ("attach", &["create", "get"] as &[_]),
                ("binding", &["create"]),
                ("eviction", &["create"]),
                ("exec", &["create", "get"]),
                ("log", &["get"]),
                ("portforward", &["create", "get"]),
            ]),
            Some(Builtin::Namespace) => subresources.push(("finalize", &["update"])),
            _ => {}
        }
        subresources
    }

    /// An object as it stands in the store, shown in a served version.
    pub(crate) fn present(&self, version: &str, stored: &Arc<Value>) -> Arc<Value> {
        if self.builtin() == Some(Builtin::Event) && !self.group.is_empty() {
            return Arc::new(event::from_core(stored));
        }
        let api_version = self.api_version(version);
        if object::text(stored, "/apiVersion") == api_version {
            return stored.clone();
        }
        let mut shown = Value::clone(stored);
        object::set(&mut shown, &["apiVersion"], api_version);
        Arc::new(shown)
    }

    /// An object of a served version in the form that is stored.
    pub(crate) fn stored(&self, given: Value) -> Value {
        if self.builtin() == Some(Builtin::Event) && !self.group.is_empty() {
            return event::to_core(&given);
        }
        let mut stored = given;
        object::set(
            &mut stored,
            &["apiVersion"],
            self.api_version(&self.storage_version),
        );
        stored
    }
}

/// The table of served kinds.
#[derive(Debug)]
pub(crate) struct Kinds {
    kinds: BTreeMap<(String, String), Arc<Kind>>,
}

impl Kinds {
    pub(crate) fn builtin() -> Self {
        let kinds = builtin::table()
            .into_iter()
            .map(|kind| ((kind.group.clone(), kind.plural.clone()), Arc::new(kind)))
            .collect();
        Self { kinds }
    }

    /// Finds the kind of a path.
    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Kind>> {
        self.kinds
            .get(&(group.to_owned(), plural.to_owned()))
            .filter(|kind| kind.versions.iter().any(|served| served == version))
    }

    /// The kind behind a table of the store.
    pub(crate) fn of_storage(&self, storage: &str) -> Option<&Arc<Kind>> {
        self.kinds.values().find(|kind| kind.storage == storage)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Kind>> {
        self.kinds.values()
    }

    /// Adds or replaces what a definition defines.
    pub(crate) fn define(&mut self, kind: Kind) {
        self.kinds
            .insert((kind.group.clone(), kind.plural.clone()), Arc::new(kind));
    }

    /// Takes away what a definition defined; built-in kinds stay.
    pub(crate) fn forget(&mut self, group: &str, plural: &str) {
        self.kinds.retain(|(in_group, name), kind| {
            kind.builtin().is_some() || in_group != group || name != plural
        });
    }
}
